"""Prepare stems for listening: each is decoded once to a plain WAV, from which a page can fetch any second.

The WAVs are kept in a folder that is deleted when listening ends. If they take too much space, those that were not
played for the longest time are deleted earlier.
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

LIMIT = 2 << 30  # bytes of WAVs, enough for a track of fifty stems of four minutes
_THREADS = 2
SoundKey = tuple[int, int, bool]  # track, stem, whether it is the sum of the others


@dataclass(frozen=True)
class Sound:
    """A sound that is ready: its WAV, what a page needs to fetch and draw it, and a warning, if any."""

    path: Path
    layout: "Layout"
    peaks: list
    warning: str | None = None


@dataclass(frozen=True)
class Broken:
    """A sound that cannot be prepared, with the reason in one line."""

    error: str


class SoundCache:
    """The sounds of all tracks by key (number, stem, others): one stem, or the sum of the track's other stems.

    `stems[number]` lists the stem files of each track.
    """

    def __init__(self, stems: Sequence[Sequence[Path]], folder: str | Path, limit: int = LIMIT) -> None:
        self._stems, self._folder, self._limit = stems, Path(folder), limit
        # (path, bytes) of the files in the folder, the least recently played first.
        self._kept: dict[SoundKey, tuple[Path, int]] = {}
        self._lock = threading.Lock()
        self._sounds = Prefetch(self._made, _THREADS)

    def want(self, listener: str, keys: Iterable[SoundKey]) -> None:
        """Announce that `listener` will play `keys`, in this order."""
        self._sounds.want(listener, keys)

    def get(self, key: SoundKey, timeout: float) -> Sound | Broken | None:
        """The Sound or Broken for `key`; None if it is not ready within `timeout` seconds."""
        sound = self._sounds.get(key, timeout)
        with self._lock:
            if key in self._kept:
                self._kept[key] = self._kept.pop(key)  # now the last to be deleted
            elif isinstance(sound, Sound):
                return None  # it has been deleted in the meantime
        return sound

    def close(self) -> None:
        """Stop preparing sounds."""
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
    """Write the sum of the audio `files` as the WAV `path`. Raises AudioError if one of them cannot be read.

    A single file is written in 16 bit; a sum, which may exceed full scale, is written as float. More than two channels
    are replaced by their mean, as in pairs. `check()` is called about every second and may raise an exception to stop.
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
    """`line` without the folders of `files`, since the page already shows the track."""
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
