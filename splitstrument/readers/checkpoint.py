"""Reads TensorFlow checkpoints without TensorFlow.

`PREFIX.index` says where each tensor is in `PREFIX.data-00000-of-00001`. The index is a table in LevelDB's format:
blocks of sorted keys, each stored as its difference from the key before, and an index block at the end. The values are
protocol buffers (tensorflow/core/protobuf/tensor_bundle.proto).
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from splitstrument.readers.tensor_file import TensorFile

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48  # bytes: two handles, padded, and the magic number
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}  # DataType -> NumPy's type


class CheckpointError(ValueError):
    """The file is not a checkpoint, or it is broken."""


class Checkpoint(TensorFile):
    """The tensors of a checkpoint by name, read on access. `prefix`: the path without `.index`.

    Raises CheckpointError if the index is broken, OSError if a file cannot be opened.
    """

    def __init__(self, prefix: Path) -> None:
        self._data = prefix.with_name(prefix.name + ".data-00000-of-00001")
        table = prefix.with_name(prefix.name + ".index").read_bytes()
        try:
            self._places = {name.decode(): _fields(value) for name, value in _table(table) if name}
        except (IndexError, struct.error, UnicodeDecodeError, TypeError) as error:
            raise CheckpointError(f"the index is broken ({error})") from None
        self._size = self._data.stat().st_size

    def __getitem__(self, name: str) -> np.ndarray:
        """A tensor, mapped into memory, read-only."""
        fields = self._places[name]
        kind, offset, size = (int(fields.get(number, [0])[-1]) for number in (1, 4, 5))
        if kind not in _TYPES or fields.get(3, [0])[-1]:
            raise CheckpointError(f"{name} has a type, or is in a file, that cannot be read here")
        shape = self.shape(name)
        dtype = np.dtype(_TYPES[kind])
        if size != dtype.itemsize * int(np.prod(shape)) or offset + size > self._size:
            raise CheckpointError("the file of tensors is cut off")
        tensor = np.memmap(self._data, dtype, "r", offset, shape or 1).reshape(shape)
        if _masked_checksum(tensor) != struct.unpack("<I", fields.get(6, [b"0000"])[-1])[0]:
            raise CheckpointError("its checksum is wrong: the file of tensors is damaged")
        return tensor

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape."""
        sizes = _fields(self._places[name].get(2, [b""])[-1]).get(2, [])
        return tuple(int(_fields(size).get(1, [0])[-1]) for size in sizes)


def _masked_checksum(tensor: np.ndarray) -> int:
    """CRC-32C in the form that checkpoints store: rotated by 15 bits, since a checksum of checksums is weak."""
    import google_crc32c

    checksum = google_crc32c.value(tensor.tobytes())
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of all entries of a table."""
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise CheckpointError("the index is not a checkpoint's table, or it is cut off")
    footer = data[-_FOOTER:]
    _, place = _handle(footer, 0)
    handle, _ = _handle(footer, place)
    for _, value in _block(data, *handle):
        yield from _block(data, *_handle(value, 0)[0])


def _block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    if data[offset + size]:
        raise CheckpointError("the index is compressed, which TensorFlow does not do")
    block = data[offset : offset + size]
    end = size - 4 - 4 * struct.unpack("<I", block[-4:])[0]  # before the restart points and their number
    key, place = b"", 0
    while place < end:
        (shared, own, length), place = _varints(block, place, 3)
        key = key[:shared] + block[place : place + own]
        place += own
        yield key, block[place : place + length]
        place += length


def _handle(data: bytes, place: int) -> tuple[list[int], int]:
    """((offset, size) of a block, place of the next handle)."""
    return _varints(data, place, 2)


def _varints(data: bytes, place: int, count: int) -> tuple[list[int], int]:
    values = []
    for _ in range(count):
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        values.append(value)
    return values, place


def _fields(message: bytes) -> dict[int, list]:
    """{field number: values} of a protocol buffer. Values are integers or, for fields with a length, bytes."""
    fields: dict[int, list] = {}
    place = 0
    while place < len(message):
        (tag,), place = _varints(message, place, 1)
        number, kind = tag >> 3, tag & 7
        value: int | bytes
        if kind == 0:
            (value,), place = _varints(message, place, 1)
        elif kind == 2:
            (length,), place = _varints(message, place, 1)
            value, place = message[place : place + length], place + length
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
            value, place = message[place : place + length], place + length
        else:
            raise CheckpointError("the index is broken (a field of an unknown kind)")
        fields.setdefault(number, []).append(value)
    return fields
