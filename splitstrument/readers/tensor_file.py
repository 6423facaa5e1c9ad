"""What the files of tensors of all formats share: a mapping from names to arrays, which are read on access."""

import abc
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np


class TensorFile(Mapping[str, np.ndarray]):
    """The tensors of a file by name. `_places`: where in the file each of them is."""

    _places: dict[str, Any]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    @abc.abstractmethod
    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape."""
