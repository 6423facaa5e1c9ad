"""The short-time Fourier transform and its inverse, as streams, and a model's grid at any sample rate.

Spectra are complex64 (channels, frames, bins). Analysis and synthesis use a periodic Hann window; the hop is a quarter
of it.

Why the parts add up: with hop = window / 4, the squared Hann windows over one sample add up to
sum over k of sin^4(pi (t + k/4)) = 4 * 3/8 = 3/2. So overlap-add of the windowed inverse transforms, divided by 3/2,
restores the signal, except for rounding, wherever four windows overlap. A stream therefore starts with window - hop
zeros.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

OVERLAP = 4  # number of windows over one sample
BLOCK = 256  # frames of a whole sound that are processed at once


@dataclass(frozen=True)
class Grid:
    """Window and hop in samples. The window is a multiple of four, the hop a quarter of it."""

    window: int

    def __post_init__(self) -> None:
        if self.window < 16 or self.window % OVERLAP:
            raise ValueError(f"an STFT window of {self.window} samples: it must be a multiple of 4 and at least 16")

    @property
    def hop(self) -> int:
        return self.window // OVERLAP

    @property
    def bins(self) -> int:
        return self.window // 2 + 1

    def at_rate(self, own_rate: int, rate: int) -> "Grid":
        """The grid for the same time span at another sample rate, so bins keep their frequencies.

        The window is the nearest one or, within 0.05 %, one with small prime factors, which makes the FFT fast. If the
        frequencies were a few cents off, a network would already give different results.
        """
        exact = self.window * rate / own_rate
        nearest = OVERLAP * max(4, round(exact / OVERLAP))
        reach = int(0.0005 * exact) // OVERLAP * OVERLAP
        candidates = range(nearest - reach, nearest + reach + 1, OVERLAP)
        return Grid(min(candidates, key=lambda w: (max(_largest_factor(w), 7), abs(w - exact))))

    def frames_of(self, samples: int) -> int:
        """The number of frames of a stream with this many samples, including those that reach into the padding."""
        return (samples - 1 + self.window - self.hop) // self.hop + 1 if samples else 0

    def spectra(self, audio: np.ndarray, every: int = 1) -> np.ndarray:
        """STFT of (samples, channels): complex64 (channels, frames, bins) of the windows that fit, without padding.

        `every`: compute only every such frame.
        """
        audio = np.ascontiguousarray(audio.T, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(audio, self.window, axis=1)[:, :: self.hop * every]
        return np.fft.rfft(windows * self._hann(), axis=-1)

    def _hann(self) -> np.ndarray:
        return (np.sin(np.pi * np.arange(self.window) / self.window) ** 2).astype(np.float32)


def grid_at(rate: int) -> Grid:
    """The Grid at `rate` Hz with the resolution of a window of 2048 samples at 22,050 Hz (93 ms).

    Baselines, ideal masks and pictures all use this resolution.
    """
    return Grid(2048).at_rate(22050, rate)


def _largest_factor(number: int) -> int:
    largest, factor = 1, 2
    while factor * factor <= number:
        while number % factor == 0:
            largest, number = factor, number // factor
        factor += 1
    return max(largest, number)


class Analysis:
    """Audio in blocks of any size -> spectra of all frames, beginning with window - hop zeros before the audio.

    `every`: compute only every such frame; at most OVERLAP.
    """

    def __init__(self, grid: Grid, channels: int, every: int = 1) -> None:
        self.grid, self.every, self.step = grid, every, grid.hop * every
        self.buffer = np.zeros((grid.window - grid.hop, channels), np.float32)

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """The spectra of the frames that `block` (samples, channels) completes, possibly none."""
        self.buffer = np.concatenate([self.buffer, block])
        count = (len(self.buffer) - self.grid.window) // self.step + 1
        if count <= 0:
            return np.zeros((self.buffer.shape[1], 0, self.grid.bins), np.complex64)
        spectra = self.grid.spectra(self.buffer[: (count - 1) * self.step + self.grid.window], self.every)
        self.buffer = self.buffer[count * self.step :]
        return spectra

    def finish(self) -> np.ndarray:
        """The spectra of the last frames, which reach into the zeros after the song."""
        return self(np.zeros((self.grid.window - 1, self.buffer.shape[1]), np.float32))


class Synthesis:
    """Spectra of successive frames -> audio, without the zeros that Analysis put before it."""

    def __init__(self, grid: Grid, channels: int) -> None:
        self.grid = grid
        self.tail = np.zeros((channels, grid.window - grid.hop), np.float32)
        self.skip = grid.window - grid.hop

    def __call__(self, spectra: np.ndarray) -> np.ndarray:
        """The audio (samples, channels) that `spectra` (channels, frames, bins) complete."""
        window, hop = self.grid.window, self.grid.hop
        channels, count = spectra.shape[:2]
        frames = np.fft.irfft(spectra, window, axis=-1) * (self.grid._hann() / 1.5)
        # Quarter q of frame j is added to hop j + q. Older frames are added first, so the sums are the same, bit for
        # bit, however the stream is cut into blocks.
        quarters = frames.reshape(channels, count, OVERLAP, hop)
        audio = np.zeros((channels, count + OVERLAP - 1, hop), np.float32)
        audio[:, : OVERLAP - 1] = self.tail.reshape(channels, OVERLAP - 1, hop)
        for quarter in reversed(range(OVERLAP)):
            audio[:, quarter : quarter + count] += quarters[:, :, quarter]
        self.tail = audio[:, count:].reshape(channels, -1).copy()
        complete = audio[:, :count].reshape(channels, -1).T
        skipped = min(self.skip, len(complete))
        self.skip -= skipped
        return complete[skipped:]


def spectra_of(sound: np.ndarray, grid: Grid) -> Iterator[np.ndarray]:
    """Yield the spectra (channels, frames, bins) of a whole sound (samples, channels), a few seconds at a time."""
    analysis, size = Analysis(grid, sound.shape[1]), BLOCK * grid.hop
    for start in range(0, len(sound), size):
        yield analysis(sound[start : start + size])
    yield analysis.finish()


def masked(
    pieces: Iterable[tuple[np.ndarray, Mapping[str, np.ndarray]]], grid: Grid, samples: int
) -> dict[str, np.ndarray]:
    """{part: sound (samples, channels)} from a song's spectra in pieces, each with the masks of all parts."""
    syntheses: dict[str, Synthesis] = {}
    sounds: dict[str, list[np.ndarray]] = {}
    for spectra, masks in pieces:
        for part, mask in masks.items():
            synthesis = syntheses.setdefault(part, Synthesis(grid, len(spectra)))
            sounds.setdefault(part, []).append(synthesis(spectra * mask))
    return {part: np.concatenate(blocks)[:samples] for part, blocks in sounds.items()}
