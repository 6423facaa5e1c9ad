"""Reads one file of Demucs: the network's class, its arguments, and its tensors, without PyTorch.

A `.safetensors` file has them in its metadata, as JSON: `klass`, `args` and `kwargs`, where a fraction such as the
segment's 39/5 s is {"_type": "fraction", "numerator": 39, "denominator": 5}. A `.th` file, of earlier years, is a
pickle of a dict with the same names, and the tensors are its `state`.
"""

import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from splitstrument.readers.safetensors_file import SafetensorsFile
from splitstrument.readers.torch_file import TorchFile

SUFFIXES = (".safetensors", ".th")


class DemucsFile(Mapping[str, np.ndarray]):
    """The tensors of a file by name, read on access.

    `kind`: the class of the network. `arguments`: its arguments by name. `unknown`: what else the file has that says
    how the network is made. Raises SafetensorsError, TorchFileError, OSError, and ValueError if there is no class.
    """

    def __init__(self, path: Path) -> None:
        self._tensors: SafetensorsFile | TorchFile
        found: dict[str, Any]
        if path.suffix == ".th":
            self._tensors = TorchFile(path, "state")
            found = self._tensors.others
        else:
            self._tensors = SafetensorsFile(path)
            texts = self._tensors.metadata
            found = {name: _plain(json.loads(texts[name])) for name in ("args", "kwargs") if name in texts}
            found |= {name: texts[name] for name in ("klass", "structure") if name in texts}
        if not {"klass", "args", "kwargs"} <= set(found):
            raise ValueError("says no class of a network")
        self.kind = str(found["klass"]).split(".")[-1]
        places = found["args"]
        self.arguments = dict(found["kwargs"]) | ({"sources": places[0]} if places else {})
        self.unknown = ["structure"] * ("structure" in found) + ["args"] * (len(places) > 1)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __getitem__(self, name: str) -> np.ndarray:
        return self._tensors[name]


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
