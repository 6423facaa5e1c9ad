"""Sum stems of any rate, length and number of channels, block by block, at one or more sample rates.

All stems have the same weight (thesis, section 4.3.2: "in equal proportion"). A mono stem is played on both channels,
and so is the mean of more than two channels. Stems that end early continue as silence.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import soxr

from splitstrument.files.audio import Reader, open_audio

BLOCK = 1 << 16  # frames


def as_channels(block: np.ndarray, channels: int) -> np.ndarray:
    """A block (frames, any) as (frames, 1 or 2)."""
    if block.shape[1] == channels:
        return block
    if channels == 1 or block.shape[1] > 2:
        block = block.mean(axis=1, keepdims=True)
    return np.broadcast_to(block, (len(block), channels))


class Resampler:
    """Blocks (frames, channels) at one rate -> blocks at another, by soxr; without a shift in time."""

    def __init__(self, source: int, target: int, channels: int) -> None:
        same = source == target
        self._stream = None if same else soxr.ResampleStream(source, target, channels, dtype="float32")
        self._channels = channels

    def __call__(self, block: np.ndarray, last: bool = False) -> np.ndarray:
        if self._stream is None:
            return block
        block = np.ascontiguousarray(block, np.float32)
        return self._stream.resample_chunk(block, last).reshape(-1, self._channels)

    def finish(self) -> np.ndarray:
        """The remaining output."""
        return self(np.zeros((0, self._channels), np.float32), last=True)


class _Stem:
    """An open stem that gives blocks of any length, at the desired rate and number of channels."""

    def __init__(self, reader: Reader, rate: int, channels: int) -> None:
        self.reader, self._rate, self._channels = reader, rate, channels
        self._blocks, self._held, self.frames = self._convert(), np.zeros((0, channels), np.float32), 0

    def _convert(self) -> Iterator[np.ndarray]:
        resampler = Resampler(self.reader.info.sample_rate, self._rate, self._channels)
        for block in self.reader.blocks(BLOCK):
            yield resampler(as_channels(block, self._channels))
        yield resampler.finish()

    def take(self, frames: int) -> np.ndarray:
        """The next `frames` frames; fewer at the end of the stem."""
        parts, size = [self._held] if len(self._held) else [], len(self._held)
        while size < frames and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            size += len(block)
        if not parts:
            return self._held
        joined = np.concatenate(parts) if len(parts) > 1 else parts[0]
        self._held = joined[frames:]
        self.frames += min(frames, size)
        return joined[:frames]


def _open(file: str | Path | tuple[Path, int | None]) -> Reader:
    return open_audio(*file) if isinstance(file, tuple) else open_audio(file)


class Sums:
    """The sums of several lists of stem files (`parts`), read in parallel; a context manager.

    A file may be (path, audio stream or None), for files that have several streams.
    `rate` is the highest sample rate of the stems; the others are resampled to it. After reading, `seconds` has the
    length of each stem by path, and `warnings` lists what could not be read.
    """

    def __init__(self, parts: Sequence[Sequence[str | Path | tuple[Path, int | None]]], channels: int) -> None:
        self._files = contextlib.ExitStack()
        self.channels = channels
        try:
            readers = [[self._files.enter_context(_open(file)) for file in files] for files in parts]
        except BaseException:
            self._files.close()
            raise
        self.rate = max(reader.info.sample_rate for part in readers for reader in part)
        self._parts = [[_Stem(reader, self.rate, channels) for reader in part] for part in readers]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def blocks(self) -> Iterator[list[np.ndarray]]:
        """Yield the sums block by block: a list of float32 (frames, channels), all of the same length."""
        while True:
            taken = [[stem.take(BLOCK) for stem in part] for part in self._parts]
            frames = max(len(block) for part in taken for block in part)
            if not frames:
                return
            sums = [np.zeros((frames, self.channels), np.float32) for _ in taken]
            for total, part in zip(sums, taken, strict=True):
                for block in part:
                    total[: len(block)] += block
            yield sums

    @property
    def seconds(self) -> dict[Path, float]:
        stems = (stem for part in self._parts for stem in part)
        return {stem.reader.info.path: stem.frames / self.rate for stem in stems}

    @property
    def warnings(self) -> list[str]:
        stems = (stem for part in self._parts for stem in part)
        return [stem.reader.warning for stem in stems if stem.reader.warning]
