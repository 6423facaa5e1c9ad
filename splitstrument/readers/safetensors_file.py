"""Reads the tensors of `.safetensors` files: 8 bytes for the length of a header, the header in JSON, the numbers."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from splitstrument.readers.tensor_file import TensorFile

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4"}
_LARGEST = 100_000_000  # bytes of a header, as the format says


class SafetensorsError(ValueError):
    """The file is not in this format, is broken, or holds another type of numbers."""


class SafetensorsFile(TensorFile):
    """The tensors of a file by name, read on access. `metadata`: texts by name.

    Raises SafetensorsError, and OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = file.read(length) if length <= _LARGEST else b""
            self._start, self._size = 8 + length, file.seek(0, 2) - 8 - length
        try:
            values = json.loads(header)
            self.metadata: dict[str, str] = {str(k): str(v) for k, v in values.pop("__metadata__", {}).items()}
            self._places: dict[str, tuple[str, tuple[int, ...], int]] = {
                name: self._place(**value) for name, value in values.items()
            }
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise SafetensorsError("cannot be read as a file of safetensors") from None

    def _place(self, dtype: str, shape: list[int], data_offsets: list[int]) -> tuple[str, tuple[int, ...], int]:
        """(type, shape, offset) of a tensor. Raises ValueError, and TypeError if these are no numbers."""
        begin, end = data_offsets
        size = math.prod(shape) * (np.dtype(_TYPES[dtype]).itemsize if dtype in _TYPES else 0)
        if min(begin, *shape, 0) < 0 or end > self._size or (dtype in _TYPES and end - begin != size):
            raise ValueError("a tensor lies outside of the file")
        return dtype, tuple(shape), begin

    def __getitem__(self, name: str) -> np.ndarray:
        """A tensor; bfloat16 becomes float32."""
        kind, shape, offset = self._places[name]
        if kind not in _TYPES:
            raise SafetensorsError(f"{name} is of type {kind}, which cannot be read")
        values: Any = np.fromfile(self._path, _TYPES[kind], math.prod(shape), offset=self._start + offset)
        if kind == "BF16":
            values = (values.astype("<u4") << 16).view("<f4")
        return values.reshape(shape)

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape."""
        return self._places[name][1]
