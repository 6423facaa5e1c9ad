"""Networks by name: one file per architecture, each with `Settings`, `form(settings)` and `build(settings, sources)`.

`form` describes the network's inputs and outputs (splitstrument.form). `build` makes a Keras model that maps a dict,
{"mixture": ...}, to the masks or waves of all K `sources`, along the last axis. Networks are pure Keras 3, for any
backend. Every file in this folder is a network; no other registration is needed.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from splitstrument.form import Form
from splitstrument.suggestions import no_such


def names() -> list[str]:
    """The names of all networks, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def _module(name: str) -> ModuleType:
    if name not in names():
        raise ValueError(no_such("network", name, names()))
    return importlib.import_module(f"{__name__}.{name}")


def settings(name: str, options: Mapping[str, object] | None = None) -> Any:
    """The checked settings of network `name`; `options` (values may be text) replace its defaults.

    Raises ValueError, which names the unknown or wrong option.
    """
    from splitstrument.checking import checked

    return checked(_module(name).Settings, options or {}, f"network {name}")


def description(name: str) -> str:
    """The first line of the network's documentation."""
    return (_module(name).__doc__ or "").split("\n")[0]


def form(name: str, options: Mapping[str, object] | None = None) -> Form:
    """The inputs and outputs of network `name` with these options."""
    return _module(name).form(settings(name, options))


def build(name: str, options: Mapping[str, object] | None = None, sources: Sequence[str] = ("instrument",)) -> Any:
    """Network `name` for these `sources`, as a Keras model with new weights."""
    return _module(name).build(settings(name, options), tuple(sources))


def size(network: Any) -> int:
    """The number of trainable parameters of a built network."""
    import math

    return sum(math.prod(variable.shape) for variable in network.trainable_variables)
