"""Decodes compressed audio, and the audio of videos, with FFmpeg's libraries, through PyAV.

If a part of a file is damaged, it is replaced by silence, and the sound after it keeps its time.
"""

import itertools
import os
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from splitstrument.files.audio_info import SPEAKERS, AudioError, AudioInfo, speaker_mask

if TYPE_CHECKING:
    import numpy as np
    from av.container import InputContainer

# Only containers that hold their own sound: a playlist (HLS, ffconcat) could open any other file.
_CONTAINERS = "mov,matroska,aac,mp3,ogg,flac,wav,w64,aiff,caf,asf,ac3,eac3,dts,wv,ape,tta,au,amr,avi,mpegts,mpeg,flv"
_LOSSLESS = ("pcm_", "alac", "flac", "wavpack", "ape", "tta")
_RAW = (
    "mp3",
    "aac",
    "ac3",
    "eac3",
    "dts",
    "wav",
)  # just one frame after another: without times, the length of damage is not known
_TIMED = ("flac", "ogg", "matroska", "mov", "mpegts", "mpeg", "avi", "flv")  # each packet has its time
_SAYS_LENGTH = ("mov", "ogg", "flac", "wv", "ape", "tta", "avi")
_EXACT = ("flac", "wv", "ape", "tta")
_TOLERANCE = 0.1  # seconds by which other files may be shorter than stated and still count as complete
_GAP = 0.02  # seconds; times are rounded in some containers
_LONGEST_GAP = 10.0  # seconds; the longest plausible gap in a file whose length is not known
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")
_OGG_TICKS = 480  # samples; encoders may leave out about this many at the start
_PIECE = 1 << 16  # frames of silence per chunk


def open_container(file: BinaryIO, options: Mapping[str, str]) -> "InputContainer":
    """Open a file with FFmpeg's libraries and these FFmpeg options. Raises av.FFmpegError, OSError."""
    import av

    said = {"format_whitelist": _CONTAINERS} | dict(options)
    return av.open(_File(file), "r", options=said, metadata_errors="replace")


class FfmpegSource:
    """A file read by FFmpeg's libraries. Its attributes are explained in `decoders`."""

    longer = followed = False

    def __init__(self, path: Path, file: BinaryIO, stream: int | None, options: Mapping[str, str]) -> None:
        import av

        self.broken = self.changed = False
        self.expected: int | None = None
        self.gaps: list[tuple[int, int]] = []
        self._file = file
        head = _after_tag(file)
        try:
            self._container = open_container(file, options)
        except (av.FFmpegError, OSError):
            raise AudioError(f"{path}: not an audio file, or cut or broken") from None
        streams = self._container.streams.audio
        if not streams:
            what = "has no audio" if self._container.streams else "the file is cut or broken"
            raise AudioError(f"{path}: {what}")
        if stream is not None and not 0 <= stream < len(streams):
            count = f"{len(streams)} audio track{'s' * (len(streams) > 1)}"
            raise AudioError(f"{path}: has {count}; no track {stream + 1}")
        default = (each for each in streams if each.disposition & av.stream.Disposition.default)
        self._stream = next(default, streams[0]) if stream is None else streams[stream]
        self._format = self._container.format.name.split(",")[0]
        if self._stream.codec_context is None:
            raise AudioError(f"{path}: its audio codec is unknown")
        if self._stream.codec_context.name == "flac":  # otherwise it turns damaged parts into noise
            self._stream.codec_context.options = {"err_detect": "crccheck+explode"}
        self._decoded = self._decode()
        first = next(self._decoded, None)  # only a decoded frame has the true rate and layout
        if first is None:
            what = "the file is cut or broken: no sound" if self.broken else "holds no sound (0 samples)"
            raise AudioError(f"{path}: {what}")
        self._first = first
        frame, codec = first[1], self._stream.codec_context.name
        rate, channels = frame.sample_rate, frame.layout.nb_channels
        self.tolerance = 0.0 if self._format in _EXACT else _TOLERANCE * rate
        self.expected = self._length(rate, head)
        if self._format == "ogg":  # if it also has video, the last page may belong to the video
            alone = len(self._container.streams) == 1
            known = (self._stream.duration or 0) + (self._stream.start_time or 0) if alone else None
            self.broken |= not _ogg_ends(file, known)
        elif self._format == "avi":
            self.broken |= not _avi_ends(file)
        depth = "float"
        if codec.startswith(_LOSSLESS) and not codec.startswith("pcm_s32"):
            depth = {"u8": "16", "s16": "16", "s32": "24"}.get(frame.format.name.rstrip("p"), "float")
        mask = speaker_mask(channel.name for channel in frame.layout.channels)
        self._order = _order(frame.layout.channels)
        self.info = AudioInfo(path, rate, channels, self.expected, depth, f"{self._format} {codec}", mask)

    def _length(self, rate: int, head: bytes) -> int | None:
        """The number of frames that the file states, or None: FFmpeg would then guess it from the bit rate."""
        stream, container = self._stream, self._container
        if self._format == "matroska" and container.duration and len(container.streams) == 1:
            return round(container.duration * rate / 1_000_000)
        if self._format not in (*_SAYS_LENGTH, "mp3") or not stream.duration or not stream.time_base:
            return None
        frames = round(stream.duration * stream.time_base * rate)
        return frames if self._format != "mp3" or _is_table_of(frames, head) else None

    def _decode(self) -> Iterator[tuple[int, Any]]:
        """Yield (frames lost to damage just before it, decoded frame)."""
        import av

        stream, bad, good, taken = self._stream, 0, 0, 0
        bad_from, lost = 0, 0
        due: Fraction | None = None
        try:
            for packet in self._container.demux(stream):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    bad_from = bad_from if bad else packet.pos or 0
                    bad += max(1, packet.size)
                    lost += max(1, round((packet.duration or 0) * (stream.time_base or 0) * (stream.rate or 0)))
                    continue
                for frame in frames:
                    rate = frame.sample_rate
                    time = due if frame.pts is None else frame.pts * Fraction(frame.time_base or 0)
                    if self._format in _RAW and bad:
                        # As many frames as this many bytes hold elsewhere in the file; none if they are tags between
                        # two joined files.
                        full = good and not self._is_tag(bad_from)
                        lost = round(bad * taken / good / frame.samples) * frame.samples if full else 0
                    elif self._format in _TIMED and time is not None and due is not None:
                        lost = round((time - due) * rate) if time - due > _GAP else 0
                    yield lost, frame
                    due = None if time is None else time + Fraction(frame.samples, rate)
                    bad = lost = 0
                    taken += frame.samples
                good += packet.size
        except av.error.PatchWelcomeError:  # raised if an Ogg file continues with another rate
            self.changed = True
        except (av.FFmpegError, OSError):
            bad += 1
        # In a file that does not state its length, damage with no sound after it means that the end is cut off.
        if bad and self.expected is None and not self._is_tag(bad_from, to_end=True):
            self.broken = True

    def _is_tag(self, at: int, to_end: bool = False) -> bool:
        """Whether a tag begins at byte `at` or, with `to_end`, the file ends with a tag."""
        handle = self._file.fileno()
        if os.pread(handle, 16, at).startswith(_TAGS):
            return True
        return to_end and b"APETAGEX" in os.pread(handle, 160, max(0, os.fstat(handle).st_size - 160))

    def seek(self, first: int) -> int:
        """The number of frames that have to be skipped to reach frame `first`."""
        return first

    def chunks(self) -> Iterator["np.ndarray"]:
        import av
        import numpy as np

        info, at, packed = self.info, 0, None
        chunk: np.ndarray | None = None
        for lost, frame in itertools.chain([self._first], self._decoded):
            if chunk is not None:
                yield chunk
                at += len(chunk)
            if (frame.sample_rate, frame.layout.nb_channels) != (info.sample_rate, info.channels):
                self.changed = True
                return
            if lost:
                most = round(_LONGEST_GAP * info.sample_rate) if self.expected is None else self.expected - at
                lost = max(0, min(lost, most))
                self.gaps.append((at, lost))
                for piece in range(0, lost, _PIECE):
                    yield np.zeros((min(_PIECE, lost - piece), info.channels), np.float32)
                at += lost
            # PyAV reads past the end of the list of planes if there are eight.
            if frame.format.is_planar and info.channels == 8:
                packed = packed or av.AudioResampler(format=frame.format.packed.name)
                chunk = _samples(packed.resample(frame)[0])
            else:
                chunk = _samples(frame)
            chunk = chunk if self._order is None else chunk[:, self._order]
        # An AAC decoder pads its last frame; an MP4 says how much of it is sound.
        if chunk is None:
            return
        if self._format == "mov" and frame.duration:
            padding = frame.samples - round(frame.duration * frame.time_base * info.sample_rate)
            chunk = chunk[: len(chunk) - max(0, padding)]
        yield chunk

    def close(self) -> None:
        self._container.close()


class _File:
    """A file for PyAV, which would print a traceback if damage makes it seek to an impossible place."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.read, self.tell = file, file.read, file.tell

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError):
            return -1


def _after_tag(file: BinaryIO) -> bytes:
    """The first bytes of the file after any ID3 tag. The file is rewound to its start."""
    file.seek(0)
    head = file.read(4096)
    if head.startswith(b"ID3") and len(head) >= 10:
        file.seek(10 + sum((byte & 127) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)))
        head = file.read(4096)
    file.seek(0)
    return head


def _is_table_of(frames: int, head: bytes) -> bool:
    """Whether an MP3 begins with a table of its frames that gives this length. In joined files it does not."""
    at = max(head.find(b"Xing"), head.find(b"Info"))
    if at < 0 or not head[at : at + 12][7:8] or not head[at + 7] & 1:
        return False
    packets = int.from_bytes(head[at + 8 : at + 12], "big")
    return any(packets * size - 4 * 1152 <= frames <= packets * size for size in (576, 1152))


def _ogg_ends(file: BinaryIO, known: int | None) -> bool:
    """Whether the last page of an Ogg file is complete and marked as the last.

    FFmpeg skips a damaged page; then the end that it finds, `known`, is before the end of the last page.
    """
    size = os.fstat(file.fileno()).st_size
    tail = os.pread(file.fileno(), 1 << 17, max(0, size - (1 << 17)))
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if len(page) < 27 or not page[5] & 4:
        return False
    if known is not None and int.from_bytes(page[6:14], "little") > known + _OGG_TICKS:
        return False
    return len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])


def _avi_ends(file: BinaryIO) -> bool:
    """Whether an AVI is as long as its header states."""
    size = int.from_bytes(os.pread(file.fileno(), 4, 4), "little")
    return 8 + size <= os.fstat(file.fileno()).st_size


def _order(channels: Any) -> list[int] | None:
    """The indices that put the channels in the order of SPEAKERS; None if they are in order or not all known."""
    names = [channel.name for channel in channels]
    if not speaker_mask(names):
        return None
    order = sorted(range(len(names)), key=lambda channel: SPEAKERS.index(names[channel]))
    return None if order == list(range(len(names))) else order


def _samples(frame: Any) -> "np.ndarray":
    """A decoded frame as float32 (n, channels)."""
    import numpy as np

    data = frame.to_ndarray()
    data = data.T if frame.format.is_planar else data.reshape(frame.samples, -1)
    if data.dtype == np.uint8:
        data = (data - np.float32(128)) / 128
    elif data.dtype.kind == "i":
        data = data.astype(np.float32) / -np.float32(np.iinfo(data.dtype).min)
    return np.ascontiguousarray(data, dtype=np.float32)
