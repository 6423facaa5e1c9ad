"""The two libraries that decode songs, behind one interface: libsndfile through soundfile, FFmpeg through PyAV.

A source has `info`, `chunks()` (float32 (n, channels)), `seek(first)` and `close()`. While it is read, these become
known: `expected` frames (or None) with a `tolerance`; `broken` (it ends too early); `gaps` ((frame, frames) of damaged
parts, replaced by silence); `changed` (rate or channels change in the middle); `longer` (it has more frames than it
states); `followed` (another file is appended, which is not read).
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from splitstrument.files.audio_info import AudioError, AudioInfo
from splitstrument.files.ffmpeg import FfmpegSource
from splitstrument.files.wav import MPEG, WavHeader, wav_header

if TYPE_CHECKING:
    import numpy as np

_DEPTHS = {"PCM_S8": "16", "PCM_U8": "16", "PCM_16": "16", "PCM_24": "24"}
_PLAIN = ("PCM_", "FLOAT", "DOUBLE", "ULAW", "ALAW")  # formats in which a sample can be found by its position
_COMPRESSED = (b"fLaC", b"OggS", b"ID3", b"\xff")
_UNKNOWN_LENGTH = 2**63 - 1
_CHUNK = 1 << 16  # frames


def open_source(path: Path, file: BinaryIO, stream: int | None) -> "SoundfileSource | FfmpegSource":
    """The source for an open file's audio stream (see open_audio). Raises AudioError if nothing can read it.

    libsndfile reads uncompressed files, in which it finds every sample directly and reports a cut. FFmpeg reads all
    others, for which libsndfile would stop after the first of several joined files and at damage, ignores the order of
    the channels, and prints to the screen.
    """
    source = _open(path, file, stream)
    source.followed = _is_followed(file)
    return source


def _open(path: Path, file: BinaryIO, stream: int | None) -> "SoundfileSource | FfmpegSource":
    import soundfile

    head = file.read(4)
    wav = wav_header(file)
    longer = wav is not None and wav.held > (wav.said or 0)
    unclear = wav is None and head in (b"RIFF", b"RF64")  # libsndfile may take it for an MP3
    if head.startswith(_COMPRESSED) or unclear or (wav and (longer or wav.tag in MPEG)):
        # Analyse only the start of an MP3, or the rate might be that of another file joined to it.
        options = {"ignore_length": "1"} if longer else {"analyzeduration": "200000"} if wav is None else {}
        source = FfmpegSource(path, file, stream, options)
        if wav and wav.said and longer:
            source.longer, source.expected = True, wav.said // max(1, wav.frame)
        elif wav and wav.said:
            source.broken = wav.held < wav.said
        return source
    os.lseek(
        file.fileno(), 0, os.SEEK_SET
    )  # give libsndfile the handle: with a Python file it would print our tracebacks
    try:
        sound = soundfile.SoundFile(file.fileno(), closefd=False)
    except soundfile.LibsndfileError:
        sound = None
    # FFmpeg knows the speakers of these files; but it loses the end of ALAC in CAF.
    speakers = sound is not None and sound.channels > 2 and sound.format in ("CAF", "AIFF")
    if sound is None or sound.frames == _UNKNOWN_LENGTH or (speakers and sound.subtype.startswith(_PLAIN)):
        file.seek(0)
        return FfmpegSource(path, file, stream, {})
    if sound.frames == 0:
        raise AudioError(f"{path}: holds no sound (0 samples)")
    if stream:
        raise AudioError(f"{path}: has 1 audio track; no track {stream + 1}")
    return SoundfileSource(path, sound, wav)


def _is_followed(file: BinaryIO) -> bool:
    """Whether another WAV, AIFF or MP4 is appended to the first, which ends with its outermost chunks or boxes."""
    handle, at = file.fileno(), 0
    first = os.pread(handle, 8, 0)
    if first.startswith((b"RIFF", b"FORM")):
        at = 8 + int.from_bytes(first[4:], "little" if first.startswith(b"RIFF") else "big")
        return os.pread(handle, 4, at + at % 2) == first[:4]
    while first[4:] == b"ftyp" and len(box := os.pread(handle, 16, at)) == 16:
        size = int.from_bytes(box[8:] if box[:4] == b"\0\0\0\1" else box[:4], "big")
        if size < 8 or at + size >= 2**63:
            return False
        at += size
        if os.pread(handle, 8, at)[4:] == b"ftyp":
            return True
    return False


class SoundfileSource:
    """A file that libsndfile reads."""

    changed = longer = followed = False
    tolerance = 0.0

    def __init__(self, path: Path, sound: Any, wav: WavHeader | None) -> None:
        self._sound = sound
        self.broken = False
        self.gaps: list[tuple[int, int]] = []
        self.expected = sound.frames
        # libsndfile treats a cut WAV or AIFF as a shorter one, but its log has both sizes. Programs that do not know
        # the size write one near 2 or 4 GiB.
        sizes = re.search(r"^ *(?:data|SSND|Riff size) : (\d+) \(should be (\d+)\)", sound.extra_info, re.MULTILINE)
        if sizes:
            said, real = map(int, sizes.groups())
            if said > real > 0 and said & 0x7FFFFFFF < 0x7FFFF000 and said != 0x80000000:
                self.expected = round(sound.frames * said / real)
        depth, mask = _DEPTHS.get(sound.subtype, "float"), wav.mask if wav else 0
        codec = f"{sound.format} {sound.subtype}"
        self.info = AudioInfo(path, sound.samplerate, sound.channels, sound.frames, depth, codec, mask)

    def seek(self, first: int) -> int:
        """Move towards frame `first`. Returns the number of frames that still have to be skipped."""
        if not self._sound.subtype.startswith(_PLAIN):
            return first
        return first - self._sound.seek(min(first, self._sound.frames))

    def chunks(self) -> Iterator["np.ndarray"]:
        import numpy as np
        import soundfile

        # The same values as libsndfile's own float32, in a third of the time.
        integers = self._sound.subtype == "PCM_16"
        try:
            while len(chunk := self._sound.read(_CHUNK, "int16" if integers else "float32", always_2d=True)):
                yield np.multiply(chunk, 2.0**-15, dtype=np.float32) if integers else chunk
        except soundfile.LibsndfileError:
            self.broken = True

    def close(self) -> None:
        self._sound.close()
