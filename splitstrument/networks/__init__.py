"""Networks by name: one file per architecture, each with `Settings`, `form(settings)` and `build(settings, sources)`.

`form` says what the network takes and gives (splitstrument.form). `build` makes it as a Keras model that maps a dict,
{"mixture": ...}, to the masks or waves of all `sources`, K of them along the last axis. Networks are pure Keras 3, for
any backend. A file of this folder is a network; nothing else registers it.
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

    Raises ValueError naming the option that is unknown or wrong.
    """
    from splitstrument.checking import checked

    return checked(_module(name).Settings, options or {}, f"network {name}")


def description(name: str) -> str:
    """The first line of the network's documentation."""
    return (_module(name).__doc__ or "").split("\n")[0]


def form(name: str, options: Mapping[str, object] | None = None) -> Form:
    """What network `name` takes and gives with these options."""
    return _module(name).form(settings(name, options))


def build(name: str, options: Mapping[str, object] | None = None, sources: Sequence[str] = ("instrument",)) -> Any:
    """Network `name` for these `sources` as a Keras model with fresh weights."""
    return _module(name).build(settings(name, options), tuple(sources))


def size(network: Any) -> int:
    """How many trainable parameters a built network has."""
    import math

    return sum(math.prod(variable.shape) for variable in network.trainable_variables)
