"""Trained models on disk: a folder with a card, model.yaml, and weights, model.weights.h5.

Shipped models lie in `splitstrument/shipped` and are called by name; any other by its folder. The folders that the
2021 thesis published (configuration.jsonc, model.json, weights/weights.h5) are models too, see `readers.thesis`.
"""

import errno
import math
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from splitstrument.cards import Card, ModelError, Score, Source
from splitstrument.suggestions import no_such

__all__ = ["Card", "ModelError", "Score", "Source", "find", "load", "read_card", "save", "shipped"]
CARD, WEIGHTS = "model.yaml", "model.weights.h5"
SHIPPED = Path(__file__).parent / "shipped"


def shipped():
    """The folders of the models that come with the package, by name."""
    return {path.parent.name: path.parent for path in sorted(SHIPPED.glob(f"*/{CARD}"))}


def find(model):
    """The folder of `model`, a shipped model's name or a folder; ModelError suggests the nearest name."""
    if str(model) in shipped():
        return shipped()[str(model)]
    folder = Path(model)
    if (folder / CARD).exists() or (folder / "configuration.jsonc").exists():
        return folder
    if folder.is_dir():
        raise ModelError(f"{model}: the folder holds no model ({CARD}, or a thesis model's configuration.jsonc)")
    raise ModelError(no_such("model", model, shipped()))


def read_card(folder):
    """The checked card of a model folder."""
    from splitstrument.checking import checked
    from splitstrument.files.yaml_files import read_yaml

    path = Path(folder) / CARD
    if not path.exists():
        from splitstrument.readers.thesis import read_card as read_thesis_card

        return read_thesis_card(folder)
    try:
        values = read_yaml(path)
        if not isinstance(values, dict):
            raise ValueError("it holds no fields")
        return checked(Card, values, str(path))
    except ValueError as error:
        raise ModelError(str(error) if str(path) in str(error) else f"{path}: {error}") from None


def load(model):
    """(card, network with its weights) of a shipped model's name or a model folder."""
    from splitstrument import networks

    folder = find(model)
    card = read_card(folder)
    try:
        network = networks.build(card.network, card.options)
    except ValueError as error:
        raise ModelError(f"{folder}: {error}") from None
    if (folder / CARD).exists():
        _load_weights(network, folder / WEIGHTS)
    else:
        from splitstrument.readers.thesis import load_weights

        load_weights(network, folder)
    return card, network


def _load_weights(network, path):
    if not path.exists():
        raise ModelError(f"{path}: the model's weights are missing")
    try:
        network.load_weights(path)
    except Exception as error:  # h5py and Keras raise many kinds for a broken or foreign file
        reason = " ".join(str(error).split())[:160]
        raise ModelError(f"{path}: the weights do not load into the network of the card ({reason})") from None


def _check_space(folder, size):
    """Raise OSError where the disk has no room for `size` bytes: HDF5 does not end well there."""
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def save(network, card, folder):
    """Write `card` and the network's weights, stored as float16, into `folder`; each file is old or new, never half.

    Raises OSError where the disk has no room for it.
    """
    from dataclasses import replace
    from importlib.metadata import version

    import h5py

    from splitstrument.files.yaml_files import write_yaml

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _check_space(folder, 2 * sum(math.prod(variable.shape) * 4 for variable in network.variables) + 2**20)
    whole, halved = folder / ".whole.weights.h5", folder / ".part.weights.h5"
    network.save_weights(whole)
    with h5py.File(whole) as source, h5py.File(halved, "w") as target:

        def copy(name, item):
            if name.startswith("optimizer"):
                return
            if isinstance(item, h5py.Group):
                target.require_group(name).attrs.update(item.attrs)
            else:
                # float16 halves the file; its 11 bits cost the masks less than 0.001 (tests hold this).
                small = item.dtype.kind == "f" and item.ndim > 1
                target[name] = item[()].astype("float16") if small else item[()]

        source.visititems(copy)
        target.attrs.update(source.attrs)
    whole.unlink()
    os.replace(halved, folder / WEIGHTS)
    write_yaml(folder / CARD, asdict(replace(card, version=version("splitstrument"))), width=110)
