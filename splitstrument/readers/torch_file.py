"""Reads the tensors of PyTorch's files (`torch.save` of a state dict) without PyTorch.

Such a file is a pickle that refers to storages: members of a zip archive, or, before PyTorch 1.6, numbers behind the
pickle. A pickle can call any function, so this reader only knows the few names that tensors need. A class of Demucs
becomes its name, as a text.
"""

import collections
import pickle
import struct
import zipfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from splitstrument.readers.tensor_file import TensorFile

_MAGIC = 0x1950A86A20F9469CFC6C  # begins files of before PyTorch 1.6
_TYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8"}


class TorchFileError(ValueError):
    """The file is not one of PyTorch's, is broken, or holds more than tensors."""


@dataclass(frozen=True)
class _Tensor:
    """A tensor's place in a `storage`: (its key, its type). `strides` and `offset` are in values."""

    storage: tuple[str, str]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class TorchFile(TensorFile):
    """The tensors of a state dict by name, read on access. Raises TorchFileError, and OSError.

    `part`: the file's dict has the state dict under this name, and `others` under other ones.
    """

    def __init__(self, path: Path, part: str = "") -> None:
        self._path = path
        self._storages: dict[str, int] = {}  # their places, in a file without an archive
        self._prefix = ""
        try:
            with open(path, "rb") as file:
                zipped = file.read(2) == b"PK"
                file.seek(0)
                state = self._archived(file) if zipped else self._plain(file)
            self.others = {name: value for name, value in state.items() if name != part} if part else {}
            state = state[part] if part else state
            self._places = {name: value for name, value in state.items() if isinstance(value, _Tensor)}
        except OSError:
            raise
        except Exception as error:  # a broken pickle raises many kinds of errors
            raise TorchFileError(f"cannot be read as a file of PyTorch ({_line(error)})") from None

    def __getitem__(self, name: str) -> np.ndarray:
        """A tensor, as it is stored."""
        tensor = self._places[name]
        key, kind = tensor.storage
        try:
            values = np.frombuffer(self._storage(key, np.dtype(kind).itemsize), kind)
        except (KeyError, ValueError, struct.error, zipfile.BadZipFile, EOFError) as error:
            raise TorchFileError(f"{name} cannot be read ({_line(error)})") from None
        reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
        if min((tensor.offset, *tensor.strides)) < 0 or tensor.offset + reach >= max(1, len(values)):
            raise TorchFileError(f"{name} cannot be read (it reaches beyond its storage)")
        strides = [stride * values.itemsize for stride in tensor.strides]
        return np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides).copy()

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape."""
        return self._places[name].shape

    def _archived(self, file: IO[bytes]) -> Any:
        with zipfile.ZipFile(file) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            self._prefix = name.removesuffix(".pkl")
            with archive.open(name) as pickled:
                return _Unpickler(pickled).load()

    def _plain(self, file: IO[bytes]) -> Any:
        if _Unpickler(file).load() != _MAGIC:
            raise ValueError("it begins with something else")
        _Unpickler(file).load()  # the version of the format
        _Unpickler(file).load()  # the system that wrote it
        unpickler = _Unpickler(file)
        state = unpickler.load()
        for key in _Unpickler(file).load():
            self._storages[key] = file.tell()
            (count,) = struct.unpack("<q", file.read(8))
            file.seek(count * np.dtype(unpickler.types[key]).itemsize, 1)
        return state

    def _storage(self, key: str, itemsize: int) -> bytes:
        with open(self._path, "rb") as file:
            if not self._prefix:
                file.seek(self._storages[key])
                (count,) = struct.unpack("<q", file.read(8))
                return file.read(count * itemsize)
            with zipfile.ZipFile(file) as archive:
                member = archive.getinfo(f"{self._prefix}/{key}")
                if member.compress_type != zipfile.ZIP_STORED:  # it might unpack to any size
                    raise ValueError("it is compressed, which PyTorch does not do")
                return archive.read(member)


class _Unpickler(pickle.Unpickler):
    """Unpickles state dicts, and nothing else. `types`: the type of each storage that was met."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="utf-8")
        self.types: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _Tensor(storage, offset, tuple(shape), tuple(strides))
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        if (module, name) == ("fractions", "Fraction"):
            return lambda *values: Fraction(*map(int, "/".join(map(str, values)).split("/")))  # (1, 2), or "1/2"
        if module.partition(".")[0] == "demucs":
            return f"{module}.{name}"
        raise pickle.UnpicklingError(f"it needs {module}.{name}, which is no tensor")

    def persistent_load(self, place: Any) -> tuple[str, str]:
        """(key, type) of a storage; the pickle has ("storage", type, key, device, number of values, ...)."""
        _, kind, key = place[:3]
        self.types[key] = kind
        return key, kind


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
