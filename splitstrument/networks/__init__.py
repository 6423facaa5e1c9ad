"""Networks by name: one file per architecture, each with a frozen `Settings` and `build(settings)`.

Every network takes magnitudes (batch, bins, frames, channels), as an STFT gives them, and returns a mask of that
shape. Networks are pure Keras 3, for any backend. A file of this folder is a network; nothing else registers it.
"""

import importlib
import pkgutil

from splitstrument.suggestions import no_such


def names():
    """The names of all networks, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def _module(name):
    if name not in names():
        raise ValueError(no_such("network", name, names()))
    return importlib.import_module(f"{__name__}.{name}")


def settings(name, options=None):
    """The checked settings of network `name`; `options` (a dict, values may be text) replace its defaults.

    Raises ValueError naming the option that is unknown or wrong.
    """
    from splitstrument.checking import checked

    return checked(_module(name).Settings, options or {}, f"network {name}")


def description(name):
    """The first line of the network's documentation."""
    return _module(name).__doc__.split("\n")[0]


def build(name, options=None):
    """Network `name` as a Keras model with fresh weights."""
    return _module(name).build(settings(name, options))


def size(network):
    """How many trainable parameters a built network has."""
    import math

    return sum(math.prod(variable.shape) for variable in network.trainable_variables)
