"""Makes stems ready to be heard: each is decoded once into a plain WAV of which a page can fetch any second.

The WAVs lie in a folder that goes when the listening ends, and those that were not heard for longest go before that
when they are too many.
"""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from datasets_tools.labelling.prefetch import Prefetch
from splitstrument.stages.console import error_line
from splitstrument.stages.run import ERRORS

if TYPE_CHECKING:
    from webapp.pages.wav import Layout

LIMIT = 2 << 30  # bytes of WAVs: a track of fifty stems of four minutes
_THREADS = 2
SoundKey = tuple[int, int, bool]  # track, stem, whether it is the sum of the others


@dataclass(frozen=True)
class Sound:
    """A sound that is ready: its WAV, what a page must know of it to fetch it and to draw it, and any warning."""

    path: Path
    layout: "Layout"
    peaks: list
    warning: str | None = None


@dataclass(frozen=True)
class Broken:
    """A sound that cannot be had: why, in one line."""

    error: str


class SoundCache:
    """The sounds of `tracks`, by key (number, stem, others): one stem, or the sum of the track's others.

    `stems[number]` lists the files of each track, the stems that may be heard.
    """

    def __init__(self, stems: Sequence[Sequence[Path]], folder: str | Path, limit: int = LIMIT) -> None:
        self._stems, self._folder, self._limit = stems, Path(folder), limit
        # (path, bytes) of what lies in the folder, the longest unheard first.
        self._kept: dict[SoundKey, tuple[Path, int]] = {}
        self._lock = threading.Lock()
        self._sounds = Prefetch(self._made, _THREADS)

    def want(self, listener: str, keys: Iterable[SoundKey]) -> None:
        """`listener` will hear `keys`, in this order."""
        self._sounds.want(listener, keys)

    def get(self, key: SoundKey, timeout: float) -> Sound | Broken | None:
        """The Sound, or Broken, of `key`; None where it is not ready in `timeout` seconds."""
        sound = self._sounds.get(key, timeout)
        with self._lock:
            if key in self._kept:
                self._kept[key] = self._kept.pop(key)  # now the last to go
            elif isinstance(sound, Sound):
                return None  # it went in between
        return sound

    def close(self) -> None:
        """Make nothing more."""
        self._sounds.close()

    def _made(self, key: SoundKey, check: Callable[[], None]) -> Sound | Broken:
        number, stem, others = key
        files = self._stems[number]
        files = [file for place, file in enumerate(files) if (place != stem) == others]
        path = self._folder / f"{number}-{stem}{'-others' if others else ''}.wav"
        try:
            sound = decode(files, path, check)
            size = path.stat().st_size
        except ERRORS as error:
            return Broken(_short(error_line(error), files))
        with self._lock:
            self._kept[key] = (path, size)
            while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > self._limit:
                oldest = next(iter(self._kept))
                self._kept.pop(oldest)[0].unlink(missing_ok=True)
                self._sounds.forget(oldest)
        return sound


def decode(files: Sequence[Path], path: Path, check: Callable[[], None]) -> Sound:
    """Write the sum of sound `files` as the WAV `path`; the Sound. AudioError where one of them cannot be read.

    One file is written in 16 bit, a sum, which may leave the range, as float. What has more than two channels becomes
    their mean, as in pairs. `check()` is called every second or so; what it raises ends this.
    """
    from datasets_tools.stem_sums import Sums
    from splitstrument.files.audio import open_audio
    from splitstrument.files.writing import AudioWriter
    from webapp.pages.wav import layout

    channels = 1
    for file in files:
        with open_audio(file) as reader:
            channels = max(channels, 2 if reader.info.channels == 2 else 1)
    with (
        Sums([files], channels) as sums,
        AudioWriter(path, sums.rate, channels, "16" if len(files) == 1 else "float") as writer,
    ):
        for (block,) in sums.blocks():
            check()
            writer.write(block)
        warning = _short("; ".join(sums.warnings), files) or None
    return Sound(path, layout(path), _peaks(path), warning)


def _short(line: str, files: Iterable[Path]) -> str:
    """`line` without the folders of `files`: the page says which track it is."""
    for file in files:
        line = line.replace(f"{file.parent}/", "")
    return line


def _peaks(path: Path) -> list:
    import soundfile

    from webapp.pages.peaks import Peaks

    with soundfile.SoundFile(os.fsencode(path)) as sound:
        peaks = Peaks(sound.frames)
        for block in sound.blocks(1 << 16, dtype="float32", always_2d=True):
            peaks.add(block)
    return peaks.values()
