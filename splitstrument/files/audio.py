"""Reads songs: uncompressed files, such as WAV and AIFF, with soundfile, all others with PyAV.

Audio is float32 of shape (frames, channels) with full scale -1 to 1. It is read in blocks, so long songs need little
memory. The content of a file, not its name, decides which library reads it.
"""

import math
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from splitstrument.files.audio_info import AudioError, AudioInfo
from splitstrument.files.decoders import open_source
from splitstrument.files.folders import walk

if TYPE_CHECKING:
    import numpy as np

__all__ = ["AudioError", "AudioInfo", "Reader", "find_songs", "open_audio", "read"]

RATES = (8_000, 192_000)  # Hz
CHANNELS = 8
_TOLD = 3  # number of damaged parts whose times a warning lists

_SUFFIXES = (
    r"\.(wave?|rf64|w64|flac|aiff?|aifc|caf|au|og[gav]|opus|mp[234]|m4[abv]|mov|3gp|aac|webm|mk[va]|wm[av]|e?ac3|dts"
    r"|wv|ape|tta|amr|avi|m?ts|m2ts|mpe?g|vob|flv)"
)


def find_songs(paths: Iterable[str | Path], output: str | Path | None = None) -> list[Path]:
    """The songs at these paths. Files are returned as they are, folders are searched for audio files (sorted).

    Separated stems are left out, and so is everything in the folder `output`, if that is inside one of the folders. A
    subfolder that cannot be read is included: opening it as a song raises an error that says why.
    """
    songs = []
    for path in map(Path, paths):
        if not os.path.isdir(path):
            songs.append(path)
            continue
        unreadable: list[OSError] = []
        files = [folder / name for folder, _, names in walk(path, unreadable) for name in names]
        inside = [file for file in files if re.fullmatch(_SUFFIXES, file.suffix.lower())]
        if output is not None and path.resolve() in Path(output).resolve().parents:
            inside = [file for file in inside if Path(output).resolve() not in file.resolve().parents]
        inside += [Path(error.filename) for error in unreadable]
        if not inside:
            raise AudioError(f"{path}: no audio files in this folder (separated stems are skipped)")
        songs += sorted(inside)
    return songs


def read(
    path: str | Path, stream: int | None = None, start: float = 0.0, duration: float | None = None
) -> tuple["np.ndarray", int]:
    """Read a whole song or a part of it: (array (frames, channels) float32, sample rate in Hz). See open_audio.

    >>> from splitstrument.files.audio import read
    >>> audio, sample_rate = read("song.ogg", start=0.25, duration=0.5)
    >>> audio.shape, audio.dtype.name, sample_rate
    ((22050, 2), 'float32', 44100)
    """
    import numpy as np

    with open_audio(path, stream, start, duration) as reader:
        return np.concatenate(list(reader.blocks(1 << 16))), reader.info.sample_rate


def open_audio(
    path: str | Path, stream: int | None = None, start: float = 0.0, duration: float | None = None
) -> "Reader":
    """Open an audio file. `stream` is the number of its audio stream, from 0 (None: the default one).

    `start` and `duration` are in seconds.

    Raises AudioError if the file has no sound that can be read.

    >>> from splitstrument.files.audio import open_audio
    >>> with open_audio("song.ogg") as reader:
    ...     print(reader.info.sample_rate, reader.info.channels)
    ...     print([len(block) for block in reader.blocks(20000)])
    44100 2
    [20000, 20000, 4100]
    """
    return Reader(Path(path), stream, start, duration)


class Reader:
    """One audio stream of an open file; a context manager.

    `info` is its AudioInfo, always for the whole file. `warning` is None or, after reading, one line that says what is
    missing from the sound.
    """

    def __init__(self, path: Path, stream: int | None, start: float, duration: float | None) -> None:
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
        """Yield float32 arrays (size, channels); the last one may be shorter. Call it only once.

        Raises AudioError if a sample is not finite, or if there is nothing to read.
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
        """Yield the chosen part in chunks of any size, checked, and set the warning."""
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
            self._tell(end)
            yield chunk
            if self._count is not None and end == self._start + self._count:
                return
        if end == self._start and self._start:
            raise AudioError(f"{info.path}: no sound after the start, {self._start / info.sample_rate:g} s")
        if end == self._start:
            raise AudioError(f"{info.path}: the file is cut or broken: no sound could be read")
        self._tell(end, whole=True)

    def _tell(self, end: int, whole: bool = False) -> None:
        """Set the warning. `end` frames have been read; `whole` says that there are no more."""
        info, source = self.info, self._source
        said, notes = (source.expected or 0) / info.sample_rate, []
        seconds = f"{end / info.sample_rate:.1f}"
        gaps = [(at, lost) for at, lost in source.gaps if at + lost >= self._start and at < end]
        if gaps:
            times = ", ".join(f"{at / info.sample_rate:.1f}" for at, _ in gaps[:_TOLD])
            more = f" s and {len(gaps) - _TOLD} more places" if len(gaps) > _TOLD else " s"
            lost = sum(lost for _, lost in gaps) / info.sample_rate
            notes.append(f"damaged at {times}{more}: replaced by {lost:.2f} s of silence")
        if source.longer and end > (source.expected or 0):
            notes.append(f"its header says {said:.1f} s, but all {seconds} s were read")
        if whole and source.followed:
            notes.append("another file is appended to it and was not read")
        missing = whole and (source.expected or 0) - end > source.tolerance
        if whole and source.changed:
            notes.append(f"its sample rate or channels change at {seconds} s: only read up to there")
        elif missing or (whole and source.broken):
            notes.append(f"the file is cut: {seconds}{f' of {said:.1f}' if missing else ''} s could be read")
        if notes:
            self.warning = f"{info.path}: {'; '.join(notes)}"


def _open_file(path: Path) -> BinaryIO:
    try:
        if os.path.isdir(path):
            os.scandir(path).close()  # raises an error if the folder cannot be read
        if os.path.exists(path) and not os.path.isfile(path):
            raise AudioError(f"{path}: is a folder or a device, not a file")
        file = path.open("rb")
    except OSError as error:
        raise AudioError(f"{path}: cannot be opened: {(error.strerror or str(error)).lower()}") from None
    if not file.peek(1):
        file.close()
        raise AudioError(f"{path}: the file is empty (0 bytes)")
    return file
