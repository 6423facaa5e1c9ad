"""What the player draws of a song and its parts: waveforms and spectrograms, made while the sounds are written."""

import json
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from splitstrument.files.texts import write_text
from webapp.pages import spectrogram_image, wav
from webapp.pages.peaks import Peaks
from webapp.pages.spectrogram_image import Spectrogram

_WAITING = 8  # blocks


class Drawings:
    """Draws sounds of these `names` and of one `layout` (see webapp.pages.wav) block by block, each from its start.

    A thread draws a few blocks behind, so that the separation does not have to wait.
    """

    def __init__(self, names: Sequence[str], layout: wav.Layout) -> None:
        frames, rate, channels = layout["frames"], layout["rate"], layout["channels"]
        self._peaks = {name: Peaks(frames) for name in names}
        self._spectrograms = {name: Spectrogram(frames, rate, channels) for name in names}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="drawing")
        self._waiting: deque[Future] = deque()

    def hear(self, name: str, block: np.ndarray) -> None:
        """Take the next `block` of the sound `name`, float32 (frames, channels)."""
        self._waiting.append(self._thread.submit(self._draw, name, block))
        if len(self._waiting) > _WAITING:
            self._waiting.popleft().result()

    def _draw(self, name: str, block: np.ndarray) -> None:
        self._peaks[name].add(block)
        self._spectrograms[name].add(block)

    def save(self, folder: Path) -> None:
        """Write peaks.json and NAME.png for each sound into `folder`, where the WAVs of the sounds lie.

        In the pictures 0 dB is the loudest of the first sound.
        """
        while self._waiting:
            self._waiting.popleft().result()
        self._thread.shutdown()
        powers = {name: spectrogram.finish() for name, spectrogram in self._spectrograms.items()}
        loudest = float(next(iter(powers.values())).max())
        for name, power in powers.items():
            spectrogram_image.save(folder / f"{name}.png", power, loudest)
        sounds = {name: wav.layout(folder / f"{name}.wav") | {"peaks": p.values()} for name, p in self._peaks.items()}
        write_text(folder / "peaks.json", json.dumps(sounds))
