"""Writes audio as WAV, FLAC, MP3 or OGG Vorbis. A file appears only when it is complete."""

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from splitstrument.files.atomic import AtomicFile
from splitstrument.files.audio import AudioError
from splitstrument.files.tags import Tags
from splitstrument.files.texts import cannot_be_written

if TYPE_CHECKING:
    import numpy as np

FORMATS = ("wav", "flac", "mp3", "ogg")
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # Hz

_SUBTYPES = {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}
_WAV_LIMIT = 2**32 - 2**20  # bytes; the sizes in a plain WAV have 32 bits
# Vorbis has its own channel order: front left, centre, right, then the sides, the back and the low-frequency channel.
_VORBIS = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 4, 5, 3],
    7: [0, 2, 1, 5, 6, 4, 3],
    8: [0, 2, 1, 6, 7, 4, 5, 3],
}
_SLICE = 8192  # frames; libsndfile crashes if it gets minutes of OGG at once


def step(depth: str) -> float:
    """The distance between two neighbouring sample values at a depth; 0.0 for "float"."""
    return {"16": 2.0**-15, "24": 2.0**-23, "float": 0.0}[depth]


def check_format(format: str, sample_rate: int, channels: int) -> None:
    """Raise AudioError, which names the formats that work, if a format cannot hold a song."""
    problem = _problem(format, sample_rate, channels)
    if problem:
        others = [name for name in FORMATS if not _problem(name, sample_rate, channels)]
        raise AudioError(f"{problem}; use {' or '.join(others)}")


def _problem(format: str, sample_rate: int, channels: int) -> str | None:
    if format not in FORMATS:
        return f"{format or 'no suffix'}: not a format that can be written"
    most = {"mp3": 2, "flac": 8}.get(format, channels)
    if channels > most:
        return f"{format} holds at most {most} channels, not {channels}"
    if format == "mp3" and sample_rate not in MP3_RATES:
        return f"mp3 cannot have {sample_rate} Hz"
    # Above 65535 Hz a FLAC frame states its rate in tens of Hz.
    if format == "flac" and sample_rate > 65535 and sample_rate % 10:
        return f"flac cannot have {sample_rate} Hz"
    return None


class AudioWriter:
    """Write an audio file block by block. It appears under its name when it is complete.

    The suffix of `path` sets the format. `depth` is "16", "24" or "float" (in FLAC, "float" means 24 bit; MP3 and OGG
    have no depth). `frames`, if known, allows a WAV over 4 GiB. `mask` says which speakers the channels are for, in
    the order of a WAV (see AudioInfo); a WAV with more than two channels keeps it. `tags` are written if the format
    can hold them. 16 and 24 bit samples are rounded to nearest and clipped at full scale. As a context manager it
    closes the file, or aborts on an exception. Every method raises AudioError if writing fails, and leaves no file
    behind.

    >>> import numpy as np
    >>> from splitstrument.files.writing import AudioWriter
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(22050) / 44100)[:, None]  # half a second in one channel
    >>> with AudioWriter("tone.flac", sample_rate=44100, channels=1, depth="16") as writer:
    ...     writer.write(0.5 * tone)
    ...     writer.write(0.1 * tone)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sample_rate: int,
        channels: int,
        depth: str = "float",
        frames: int | None = None,
        mask: int = 0,
        tags: Tags | None = None,
    ) -> None:
        import soundfile

        self._path, self._tags = Path(path), tags
        self._format = self._path.suffix.lower().removeprefix(".")
        check_format(self._format, sample_rate, channels)
        if self._format == "flac" and depth == "float":
            depth = "24"
        self._depth = depth if self._format in ("wav", "flac") else "float"
        self._frame_bytes = channels * {"16": 2, "24": 3, "float": 4}[self._depth]
        self._written = 0
        container = self._format.upper()
        subtype = _SUBTYPES[self._depth] if self._format in ("wav", "flac") else None
        if self._format == "wav" and frames is not None and frames * self._frame_bytes > _WAV_LIMIT:
            container = "RF64"
        self._limited = container == "WAV"
        self._mask = mask if self._format == "wav" and channels > 2 and mask.bit_count() == channels else 0
        if self._mask and container == "WAV":
            container = "WAVEX"
        self._order = _VORBIS.get(channels) if self._format == "ogg" else None
        self._file = AtomicFile(self._path)
        try:
            self._file.hidden.touch()  # gives the reason for a failure, which libsndfile does not
            settings = {"subtype": subtype, "format": container}
            self._sound = soundfile.SoundFile(os.fsencode(self._file.hidden), "w", sample_rate, channels, **settings)
        except (OSError, soundfile.LibsndfileError) as error:
            self._file.discard()
            raise cannot_be_written(self._path, error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def write(self, block: "np.ndarray") -> None:
        """Append a float32 or float64 array (frames, channels)."""
        if self._limited and (self._written + len(block)) * self._frame_bytes > _WAV_LIMIT:
            self.abort()
            raise AudioError(f"{self._path}: longer than a WAV can be (4 GiB); use flac")
        try:
            for at in range(0, len(block), _SLICE):
                piece = block[at : at + _SLICE]
                piece = piece if self._order is None else piece[:, self._order]
                self._sound.write(_samples(piece, self._depth))
        except (OSError, AssertionError, RuntimeError) as error:
            self.abort()
            raise cannot_be_written(self._path, error) from None
        self._written += len(block)

    def close(self) -> None:
        """Finish the file, check that it can be read, and give it its name."""
        import soundfile

        try:
            self._sound.close()
            self._correct_header()
            if self._tags:
                self._tags.write(self._file.hidden, self._format)
            frames = soundfile.info(os.fsencode(self._file.hidden)).frames
            # MP3 and OGG may count their padding.
            if abs(frames - self._written) > (0 if self._format in ("wav", "flac") else 4096):
                raise RuntimeError("incomplete")
            self._file.keep()
        except (OSError, AssertionError, RuntimeError) as error:
            self.abort()
            raise cannot_be_written(self._path, error) from None

    def _correct_header(self) -> None:
        """Correct what libsndfile writes into a WAV: the time, which makes every file different, and the speakers,
        which it guesses.
        """
        if self._format != "wav":
            return
        with open(self._file.hidden, "r+b") as file:
            head = file.read(4096)
            time = head.find(b"PEAK") if self._depth == "float" else -1
            if time >= 0:  # the chunk has its name, size, version and the time, four bytes each
                file.seek(time + 12)
                file.write(bytes(4))
            if self._mask:  # it follows the name and the size of the chunk, and 20 bytes of its content
                file.seek(head.index(b"fmt ") + 28)
                file.write(self._mask.to_bytes(4, "little"))

    def abort(self) -> None:
        """Stop and remove what has been written."""
        with contextlib.suppress(OSError, RuntimeError):
            self._sound.close()
        self._file.discard()


def _samples(block: "np.ndarray", depth: str) -> "np.ndarray":
    """The block as samples that libsndfile writes unchanged; by itself it would round down in a WAV."""
    import numpy as np

    if depth == "float":
        return np.ascontiguousarray(block, dtype=np.float32)
    full = round(1 / step(depth))
    levels = np.minimum(np.rint(np.clip(block, -1, 1) * full), full - 1)  # clipped first: a float may be huge
    if depth == "16":
        return np.ascontiguousarray(levels, dtype=np.int16)
    return np.ascontiguousarray(levels, dtype=np.int32) << 8
