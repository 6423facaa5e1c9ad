"""The two libraries that decode songs, as sources of one form: libsndfile through soundfile, FFmpeg's through PyAV.

A source has `info`, `chunks(first)` (float32 (n, channels) from a frame on), `close()`; and, known as it is read:
`expected` frames (or None) with a `tolerance`, `broken` (it ends too early), `damaged` (parts that became silence) and
`changed` (rate or channels change in the middle).
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np

# Only containers that hold their own sound: a playlist (HLS, ffconcat) could open any other file.
_CONTAINERS = "mov,matroska,aac,mp3,ogg,flac,wav,w64,aiff,caf,asf"
_DEPTHS = {"PCM_S8": "16", "PCM_U8": "16", "PCM_16": "16", "PCM_24": "24"}
_UNKNOWN_LENGTH = 2**63 - 1
_CHUNK = 4096  # frames; soundfile loses the chunk in which a cut FLAC breaks off
_PLAIN_CHUNK = 1 << 16  # of formats that are not compressed, which lose nothing: a call costs more than it reads
_TOLERANCE = 0.1  # seconds by which an MP3, MP4 or WebM may be shorter than it says and still be whole


class AudioError(Exception):
    """A song that cannot be read or written: one line that names the file and says why."""


@dataclass(frozen=True)
class AudioInfo:
    """What a file says of one of its audio streams.

    frames is None where the file does not say, and only right to some milliseconds in MP4 and WebM; a
    damaged file may give fewer. depth ("16", "24" or "float") is what a WAV written from it should have.
    """

    path: Path
    sample_rate: int
    channels: int
    frames: int | None
    depth: str
    codec: str


def open_source(path: Path, file: BinaryIO, stream: int) -> "_SoundfileSource | _AvSource":
    import soundfile

    head = file.read(4096)
    if head.startswith(b"ID3"):  # what comes after this tag
        file.seek(10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False)))
        head = file.read(4096)
    size = file.seek(0, 2)
    file.seek(0)
    try:
        sound = soundfile.SoundFile(file)
    except soundfile.LibsndfileError:
        sound = None
    # Where soundfile cannot know the length it stops early or fails: a WAV written to a pipe with sizes
    # of 0, a FLAC without its length, an MP3 without a table of its frames.
    unknown = sound is None or sound.frames == _UNKNOWN_LENGTH
    if sound and sound.format == "WAV" and sound.frames == 0:
        unknown = int.from_bytes(head[4:8], "little") + 8 < size
    if sound and sound.format == "MP3":
        unknown = b"Xing" not in head and b"Info" not in head
    if sound is None or unknown:
        file.seek(0)
        return _AvSource(path, file, stream)
    if sound.frames == 0:
        raise AudioError(f"{path}: holds no sound (0 samples)")
    if stream != 0:
        raise AudioError(f"{path}: has 1 audio stream, counted from 0; no stream {stream}")
    return _SoundfileSource(path, sound)


class _SoundfileSource:
    """A file that libsndfile reads."""

    changed = False
    damaged = 0

    def __init__(self, path: Path, sound: Any) -> None:
        self._sound = sound
        log = sound.extra_info
        self.broken = "lacks an end-of-stream bit" in log  # OGG
        self.tolerance = _TOLERANCE * sound.samplerate if sound.format == "MP3" else 0
        self.expected = sound.frames
        # libsndfile takes a cut WAV or AIFF as a shorter one, but its log has both sizes. Sizes near
        # 2 or 4 GiB are what programs write that do not know the size.
        sizes = re.search(r"^ *(?:data|SSND|Riff size) : (\d+) \(should be (\d+)\)", log, re.MULTILINE)
        if sizes:
            said, real = map(int, sizes.groups())
            if said > real > 0 and said & 0x7FFFFFFF < 0x7FFFF000 and said != 0x80000000:
                self.expected = round(sound.frames * said / real)
        depth = _DEPTHS.get(sound.subtype, "float")
        self._size = _PLAIN_CHUNK if sound.format in ("WAV", "WAVEX", "RF64", "AIFF") else _CHUNK
        codec = f"{sound.format} {sound.subtype}"
        self.info = AudioInfo(path, sound.samplerate, sound.channels, sound.frames, depth, codec)

    def seek(self, first: int) -> int:
        """Go towards frame first; gives the number of frames still to skip."""
        import soundfile

        # A seek in an MP3 of variable bit rate lands elsewhere.
        if self._sound.format == "MP3":
            return first
        try:
            return first - self._sound.seek(min(first, self._sound.frames))
        except soundfile.LibsndfileError:
            time = first / self._sound.samplerate
            raise AudioError(f"{self.info.path}: the file is cut before the start, {time:g} s") from None

    def chunks(self) -> Iterator["np.ndarray"]:
        import numpy as np
        import soundfile

        # The same values as libsndfile's own float32, which it takes three times as long to make.
        integers = self._sound.subtype == "PCM_16"
        try:
            while len(chunk := self._sound.read(self._size, "int16" if integers else "float32", always_2d=True)):
                yield np.multiply(chunk, 2.0**-15, dtype=np.float32) if integers else chunk
        except soundfile.LibsndfileError:
            self.broken = True

    def close(self) -> None:
        self._sound.close()


class _AvSource:
    """A file that the FFmpeg libraries in PyAV read."""

    def __init__(self, path: Path, file: BinaryIO, stream: int) -> None:
        import av

        self.broken = self.changed = False
        self.damaged = 0
        options = {"format_whitelist": _CONTAINERS}
        try:
            self._container = av.open(file, "r", options=options, metadata_errors="replace")
        except (av.FFmpegError, OSError):
            raise AudioError(f"{path}: not an audio file, or cut or broken") from None
        streams = self._container.streams.audio
        if not streams:
            what = "has no audio" if self._container.streams else "the file is cut or broken"
            raise AudioError(f"{path}: {what}")
        if not 0 <= stream < len(streams):
            count = f"{len(streams)} audio stream{'s' * (len(streams) > 1)}, counted from 0"
            raise AudioError(f"{path}: has {count}; no stream {stream}")
        self._stream = streams[stream]
        self._decoded = self._decode()
        head = next(self._decoded, None)  # only a decoded frame has the true rate and layout
        if head is None:
            what = "the file is cut or broken: no sound" if self.broken else "holds no sound (0 samples)"
            raise AudioError(f"{path}: {what}")
        self._head = head
        frame, codec = head[1], self._stream.codec_context.name
        rate, container = frame.sample_rate, self._container.format.name.split(",")[0]
        self._mov = container == "mov"
        self.tolerance = _TOLERANCE * rate
        self.expected: int | None = None  # other containers only guess it from the bit rate
        if self._mov and self._stream.duration and self._stream.time_base:
            self.expected = round(self._stream.duration * self._stream.time_base * rate)
        elif container == "matroska" and self._container.duration and len(self._container.streams) == 1:
            self.expected = round(self._container.duration * rate / av.time_base)
        depth = "float"
        if codec.startswith(("pcm_", "alac", "flac")) and not codec.startswith("pcm_s32"):
            depth = {"u8": "16", "s16": "16", "s32": "24"}.get(frame.format.name.rstrip("p"), "float")
        channels = frame.layout.nb_channels
        self.info = AudioInfo(path, rate, channels, self.expected, depth, f"{container} {codec}")

    def _decode(self) -> Iterator[tuple[int, Any]]:
        """Yield (frames lost to damage just before it, decoded frame)."""
        import av

        lost, stream = 0, self._stream
        try:
            for packet in self._container.demux(stream):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    lost += max(1, round((packet.duration or 0) * (stream.time_base or 0) * (stream.rate or 0)))
                    continue
                for frame in frames:
                    yield lost, frame
                    lost = 0
        except (av.FFmpegError, OSError):
            self.broken = True
        # Damage that no sound follows is the cut end of the file.
        self.broken = self.broken or lost > 0

    def seek(self, first: int) -> int:
        return first

    def chunks(self) -> Iterator["np.ndarray"]:
        import numpy as np

        info = self.info
        chunk: np.ndarray | None = None
        for lost, frame in itertools.chain([self._head], self._decoded):
            if chunk is not None:
                yield chunk
            if (frame.sample_rate, frame.layout.nb_channels) != (info.sample_rate, info.channels):
                self.changed = True
                return
            chunk = _samples(frame)
            if lost:
                self.damaged += 1
                chunk = np.concatenate([np.zeros((lost, info.channels), np.float32), chunk])
        # An AAC decoder fills up its last frame; an MP4 says how much of it is sound.
        if chunk is None:
            return
        if self._mov and frame.duration:
            padding = frame.samples - round(frame.duration * frame.time_base * info.sample_rate)
            chunk = chunk[: len(chunk) - max(0, padding)]
        yield chunk

    def close(self) -> None:
        self._container.close()


def _samples(frame: Any) -> "np.ndarray":
    """A decoded frame as float32 (n, channels)."""
    import numpy as np

    data = frame.to_ndarray()
    data = data.T if frame.format.is_planar else data.reshape(frame.samples, -1)
    if data.dtype == np.uint8:
        data = (data - np.float32(128)) / 128
    elif data.dtype.kind == "i":
        data = data / -float(np.iinfo(data.dtype).min)
    return np.ascontiguousarray(data, dtype=np.float32)
