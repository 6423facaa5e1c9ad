"""Reads one file of Demucs: the network's class, its arguments, and its tensors, without PyTorch.

A `.safetensors` file has them in its metadata, as JSON: `klass`, `args` and `kwargs`, where a fraction such as the
segment's 39/5 s is {"_type": "fraction", "numerator": 39, "denominator": 5}. A `.th` file, of earlier years, is a
pickle of a dict with the same names, and the tensors are its `state`.
"""

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from splitstrument.readers.safetensors_file import SafetensorsFile
from splitstrument.readers.tensor_file import TensorFile
from splitstrument.readers.torch_file import TorchFile

SUFFIXES = (".safetensors", ".th")


@dataclass(frozen=True)
class DemucsFile:
    """What a file holds. `kind`: the class of the network. `arguments`: its arguments by name. `unknown`: what else the
    file has that says how the network is made."""

    tensors: TensorFile
    kind: str
    arguments: dict[str, Any]
    unknown: tuple[str, ...]


def read(path: Path) -> DemucsFile:
    """Read a file; its tensors are read on access. Raises ValueError, in one line, and OSError."""
    tensors: TensorFile
    found: dict[str, Any]
    if path.suffix == ".th":
        tensors = old = TorchFile(path, "state")
        found = old.others
    else:
        tensors = new = SafetensorsFile(path)
        texts = {name: new.metadata[name] for name in ("klass", "args", "kwargs", "structure") if name in new.metadata}
        found = texts | {name: _plain(json.loads(texts[name])) for name in ("args", "kwargs") if name in texts}
    places, names = found.get("args"), found.get("kwargs")
    if "klass" not in found or not isinstance(places, list | tuple) or not isinstance(names, dict):
        raise ValueError("does not say the class of a network and its arguments")
    unknown = ("structure",) * ("structure" in found) + ("args",) * (len(places) > 1)
    arguments = names | ({"sources": places[0]} if places else {})
    return DemucsFile(tensors, str(found["klass"]).split(".")[-1], arguments, unknown)


def _plain(value: Any) -> Any:
    """JSON with its fractions as such; a broken one is None."""
    if isinstance(value, dict):
        if value.get("_type") == "fraction":
            try:
                return Fraction(value["numerator"], value["denominator"])
            except (KeyError, TypeError, ZeroDivisionError):
                return None
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
