"""A song's spectrogram as a picture without axes, shown below its waveform and as wide."""

import os

import numpy as np

from splitstrument.spectrogram import OVERLAP, Analysis, grid_at

WIDTH, HEIGHT = 1200, 160  # pixels
LOWEST = 40.0  # Hz, of the picture's lower edge; the upper one is half the sample rate, and the scale is logarithmic
FLOOR = -80.0  # dB below the loudest, black


class Spectrogram:
    """Takes a sound of `frames` frames block by block, and computes its mean power in WIDTH columns and HEIGHT rows."""

    def __init__(self, frames: int, sample_rate: int, channels: int) -> None:
        self._grid = grid_at(sample_rate)  # windows of 93 ms
        self._columns = max(1, min(WIDTH, frames // self._grid.hop))
        total = frames // self._grid.hop + 1
        every = max(1, min(OVERLAP, total // (2 * self._columns)))  # two windows for a column are enough
        self._analysis = Analysis(self._grid, channels, every)
        self._total = max(1, total // every)
        edges = np.geomspace(LOWEST, sample_rate / 2, HEIGHT + 1) * self._grid.window / sample_rate
        # A row has at least one bin: low rows are narrower than a bin and share it.
        self._first = np.minimum(np.floor(edges[:-1]).astype(int), self._grid.bins - 1)
        self._after = np.maximum(np.ceil(edges[1:]).astype(int), self._first + 1)
        self._sums = np.zeros((self._columns, HEIGHT))
        self._counts = np.zeros(self._columns)
        self._at = 0

    def add(self, block: np.ndarray) -> None:
        """Take the next `block`, float32 (frames, channels)."""
        self._take(self._analysis(block))

    def finish(self) -> np.ndarray:
        """The mean power (columns, rows), after the last block."""
        self._take(self._analysis.finish())
        return self._sums / np.maximum(1, self._counts)[:, None]

    def _take(self, spectra: np.ndarray) -> None:
        power = np.mean(np.square(np.abs(spectra)), axis=0)  # (frames, bins)
        if not len(power):
            return
        sums = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1, dtype=np.float64)], axis=1)
        after = np.minimum(self._after, self._grid.bins)
        rows = (sums[:, after] - sums[:, self._first]) / (after - self._first)
        places = np.minimum((self._at + np.arange(len(rows))) * self._columns // self._total, self._columns - 1)
        np.add.at(self._sums, places, rows)
        np.add.at(self._counts, places, 1)
        self._at += len(rows)


def save(path: str | os.PathLike[str], power: np.ndarray, loudest: float) -> None:
    """Write `power` (columns, rows) as the PNG `path`, in dB below `loudest`, low frequencies at the bottom."""
    from matplotlib import image

    decibels = 10 * np.log10(np.maximum(power / max(loudest, 1e-12), 10 ** (FLOOR / 10)))
    quickly = {"compress_level": 3}  # half the time of 6, for a tenth more bytes
    image.imsave(path, decibels.T, origin="lower", cmap="magma", vmin=FLOOR, vmax=0, pil_kwargs=quickly)
