"""Reads the header of a WAV file: RIFF, or RF64 for files over 4 GiB."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

PCM, FLOAT = 1, 3
MPEG = (0x50, 0x55)  # layers I and II, layer III
_EXTENSIBLE = 0xFFFE
_TAGS = (b"TAG", b"ID3", b"APE")  # at the end of the file; they are neither chunks nor sound
_SOME = 4096  # bytes after the last chunk, which may be anything


@dataclass(frozen=True)
class WavHeader:
    """The header of a WAV file.

    `tag` is PCM, FLOAT or another coding. `frame` is the number of bytes for one sample of all channels, `bits` the
    number of bits of one sample. The samples begin at byte `offset`. `said` is the number of bytes of samples that the
    header states, None if it does not know; `held` is the number that exists. `mask` says which speakers the channels
    are for, 0 if that is not known.
    """

    tag: int
    channels: int
    rate: int
    frame: int
    bits: int
    mask: int
    offset: int
    said: int | None
    held: int


def wav_header(file: BinaryIO) -> WavHeader | None:
    """The header of an open file, whose position changes; None if it is not a WAV or has no samples."""
    size = file.seek(0, 2)
    file.seek(0)
    riff = file.read(12)
    if len(riff) < 12 or riff[:4] not in (b"RIFF", b"RF64") or riff[8:] != b"WAVE":
        return None
    form, long_size = b"", 0
    while len(head := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        at = file.tell()
        if name == b"ds64":
            long_size = int.from_bytes(file.read(16)[8:], "little")
        elif name == b"fmt ":
            form = file.read(min(length, 40))
        elif name == b"data":
            return _header(file, form, at, long_size if length == 0xFFFFFFFF and long_size else length, size)
        file.seek(at + length + length % 2)
    return None


def _header(file: BinaryIO, form: bytes, offset: int, said: int, size: int) -> WavHeader | None:
    if len(form) < 16:
        return None
    tag, channels, rate, _, frame, bits = struct.unpack("<HHIIHH", form[:16])
    mask = 0
    if tag == _EXTENSIBLE and len(form) >= 40:
        mask, tag = struct.unpack("<IH", form[20:26])
        mask = mask if mask.bit_count() == channels else 0
    left = size - offset
    # Programs that do not know the size write 0, or something near 2 or 4 GiB.
    known = said > 0 and said != 0x80000000 and (said & 0x7FFFFFFF < 0x7FFFF000 or said >= 2**32)
    if known and said < left and not _ends_in_chunks(file, offset + said, size):
        held = left
    else:
        held = min(said, left) if known else left
    return WavHeader(tag, channels, rate, frame, bits, mask, offset, said if known else None, held)


def _ends_in_chunks(file: BinaryIO, at: int, size: int) -> bool:
    """Whether only chunks, a tag or a few bytes follow from `at` to the end, so no samples."""
    for start in (at + at % 2, at):  # some writers leave out the byte that makes the size even
        while size - start > _SOME:
            file.seek(start)
            head = file.read(8)
            if head.startswith(_TAGS):
                return True
            if not all(32 <= byte < 127 for byte in head[:4]):
                break
            length = int.from_bytes(head[4:], "little")
            start += 8 + length + length % 2
        if start <= size + 1 and size - start <= _SOME:
            return True
    return False
