"""Read songs: WAV, FLAC, AIFF, OGG, Opus and MP3 with soundfile; M4A, MP4, WebM and others with PyAV.

Every sound comes as float32 of shape (frames, channels), full scale being -1 to 1, in blocks, so that
an hour of music is never in memory. Which library reads a file is found from its content.
"""

import math
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from splitstrument.files.decoders import AudioError, AudioInfo, open_source

if TYPE_CHECKING:
    import numpy as np

__all__ = ["AudioError", "AudioInfo", "Reader", "find_songs", "open_audio", "read"]

RATES = (8_000, 192_000)  # Hz
CHANNELS = 8

_SUFFIXES = r"\.(wave?|rf64|w64|flac|aiff?|aifc|caf|og[ga]|opus|mp[34]|m4[ab]|mov|aac|webm|mk[va]|wma)"


def find_songs(paths: Iterable[str | Path]) -> list[Path]:
    """The songs that paths name: files as they are, folders searched for audio files (sorted)."""
    songs = []
    for path in map(Path, paths):
        if not os.path.isdir(path):
            songs.append(path)
            continue
        inside = []
        for file in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if not hidden and re.fullmatch(_SUFFIXES, file.suffix.lower()) and os.path.isfile(file):
                inside.append(file)
        if not inside:
            raise AudioError(f"{path}: no audio files in this folder")
        songs += inside
    return songs


def read(
    path: str | Path, stream: int = 0, start: float = 0.0, duration: float | None = None
) -> tuple["np.ndarray", int]:
    """A whole song, or a part of it: (array (frames, channels) float32, sample rate in Hz)."""
    import numpy as np

    with open_audio(path, stream, start, duration) as reader:
        return np.concatenate(list(reader.blocks(1 << 16))), reader.info.sample_rate


def open_audio(path: str | Path, stream: int = 0, start: float = 0.0, duration: float | None = None) -> "Reader":
    """Open an audio file; stream counts its audio streams from 0; start and duration are seconds.

    Raises AudioError where the file holds no sound that can be read.
    """
    return Reader(Path(path), stream, start, duration)


class Reader:
    """One audio stream of an open file, a context manager.

    info is its AudioInfo (of the whole file, also where a part is read); warning is None or, after
    reading, one line that says what of the sound is missing.
    """

    def __init__(self, path: Path, stream: int, start: float, duration: float | None) -> None:
        if not 0 <= start < math.inf or not (duration is None or 0 < duration < math.inf):
            raise AudioError(f"{path}: the start must not be negative and the duration must be above 0 s")
        self.warning: str | None = None
        self._file = _open_file(path)
        try:
            self._source = open_source(path, self._file, stream)
            self.info = info = self._source.info
            if not RATES[0] <= info.sample_rate <= RATES[1]:
                limits = f"{RATES[0]} to {RATES[1]} Hz"
                raise AudioError(f"{path}: has {info.sample_rate} Hz; only {limits} can be read")
            if info.channels > CHANNELS:
                raise AudioError(f"{path}: has {info.channels} channels; at most {CHANNELS} can be read")
        except BaseException:
            self._file.close()
            raise
        self._start = round(start * info.sample_rate)
        self._count = None if duration is None else max(1, round(duration * info.sample_rate))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._source.close()
        self._file.close()

    def blocks(self, size: int) -> Iterator["np.ndarray"]:
        """Yield float32 arrays (size, channels), the last one shorter; to be called once.

        Raises AudioError at samples that are not finite, and where there is nothing to read.
        """
        import numpy as np

        parts, held = [], 0
        for chunk in self._chunks():
            parts.append(chunk)
            held += len(chunk)
            if held >= size:
                joined = np.concatenate(parts)
                whole = held - held % size
                yield from (joined[at : at + size] for at in range(0, whole, size))
                parts, held = [joined[whole:]], held - whole
        if held:
            yield np.concatenate(parts)

    def _chunks(self) -> Iterator["np.ndarray"]:
        """The chosen part in chunks of any size, checked; sets the warning."""
        import numpy as np

        info, source, end = self.info, self._source, self._start
        skip = source.seek(self._start)
        for chunk in source.chunks():
            chunk, skip = chunk[skip:], max(0, skip - len(chunk))
            if self._count is not None:
                chunk = chunk[: self._start + self._count - end]
            if not len(chunk):
                continue
            if not np.isfinite(chunk).all():
                bad = ~np.isfinite(chunk).all(axis=1)
                time = (end + int(bad.argmax())) / info.sample_rate
                raise AudioError(f"{info.path}: a sample at {time:.3f} s is not a finite number")
            end += len(chunk)
            if source.damaged:
                self.warning = f"{info.path}: damaged parts ({source.damaged}) became silence"
            yield chunk
            if self._count is not None and end == self._start + self._count:
                return
        if end == self._start and self._start:
            raise AudioError(f"{info.path}: no sound at the start, {self._start / info.sample_rate:g} s")
        if end == self._start:
            raise AudioError(f"{info.path}: the file is cut or broken: no sound could be read")
        missing = (source.expected or 0) - end > source.tolerance
        if source.changed:
            time = end / info.sample_rate
            self.warning = f"{info.path}: its rate or channels change at {time:.1f} s: only read up to there"
        elif source.broken or missing:
            of = f" of {(source.expected or 0) / info.sample_rate:.1f}" if missing else ""
            time = f"{end / info.sample_rate:.1f}{of} s"
            self.warning = f"{info.path}: the file is cut: {time} could be read"


def _open_file(path: Path) -> BinaryIO:
    if os.path.exists(path) and not os.path.isfile(path):
        raise AudioError(f"{path}: is a folder or a device, not a file")
    try:
        file = path.open("rb")
    except OSError as error:
        raise AudioError(f"{path}: cannot be opened: {(error.strerror or str(error)).lower()}") from None
    if not file.peek(1):
        file.close()
        raise AudioError(f"{path}: the file is empty (0 bytes)")
    return file
