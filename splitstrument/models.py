"""Trained models on disk: a folder with a card, model.yaml, and weights, model.weights.h5.

Shipped models lie in `splitstrument/shipped`, the user's own ones (`splitstrument models --add`) in the user's data
folder; both are called by name, any other by its folder. Models of other projects are read as these publish them, see
`splitstrument.readers`; where such a folder has a model.yaml too, the card is that one.
"""

import errno
import functools
import hashlib
import math
import os
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.cards import Card, ModelError, Score, Source
from splitstrument.downloads import DOWNLOADS
from splitstrument.suggestions import no_such

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Card", "ModelError", "Score", "Source", "find", "identity", "load", "read_card", "save"]
CARD, WEIGHTS, GRAPH = "model.yaml", "model.weights.h5", "model.onnx"
SHIPPED = Path(__file__).parent / "shipped"


def shipped() -> dict[str, Path]:
    """The folders of the models that come with the package, by name."""
    return _below(SHIPPED)


def own_folder() -> Path:
    """The folder of the user's own models, which may not be there."""
    from platformdirs import user_data_path

    return user_data_path("splitstrument", appauthor=False) / "models"


def own() -> dict[str, Path]:
    """The folders of the user's own models, by name."""
    return _below(own_folder())


def known() -> dict[str, Path]:
    """The folders of all models that have a name: the shipped ones, then the user's own."""
    return shipped() | {name: path for name, path in own().items() if name not in shipped()}


def _below(folder: Path) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in sorted(folder.glob(f"[!.]*/{CARD}"))}


def find(model: str | os.PathLike[str]) -> Path:
    """The folder of `model`, the name of a known one or a folder; ModelError suggests the nearest name."""
    from splitstrument.readers import reader_of

    models = known()
    if str(model) in models:
        return models[str(model)]
    folder = Path(model)
    if (folder / CARD).exists() or reader_of(folder):
        return folder
    if folder.is_dir():
        raise ModelError(f"{model}: the folder holds no model ({CARD}, or one of Spleeter's or of the 2021 thesis)")
    if str(model) in DOWNLOADS:
        raise ModelError(f"{model}: is not here yet; fetch it with: splitstrument models --add {model}")
    raise ModelError(no_such("model", model, models))


def read_card(folder: str | os.PathLike[str]) -> Card:
    """The checked card of a model folder. Cards of earlier versions name one `instrument` for `sources`."""
    from splitstrument.checking import checked
    from splitstrument.files.yaml_files import read_yaml
    from splitstrument.readers import reader_of

    path = Path(folder) / CARD
    if not path.exists() and (reader := reader_of(Path(folder))):
        return reader.read_card(Path(folder))
    try:
        values = read_yaml(path)
        if not isinstance(values, dict):
            raise ValueError("it holds no fields")
        if "instrument" in values and "sources" not in values:
            values["sources"] = [values.pop("instrument")]
        return checked(Card, values, str(path))
    except ValueError as error:
        raise ModelError(str(error) if str(path) in str(error) else f"{path}: {error}") from None


def load(model: str | os.PathLike[str]) -> tuple[Card, Any]:
    """(card, network with its weights) of a known model's name or a model folder."""
    from splitstrument import networks
    from splitstrument.readers import reader_of

    folder = find(model)
    card = read_card(folder)
    try:
        network = networks.build(card.network, card.options, card.sources)
    except ValueError as error:
        raise ModelError(f"{folder}: {error}") from None
    if (folder / WEIGHTS).exists() or not (reader := reader_of(folder)):
        _load_weights(network, folder / WEIGHTS)
    else:
        reader.load_weights(network, folder)
    return card, network


def identity(model: str | os.PathLike[str]) -> str:
    """By what a model is known again, whatever it is called: a digest of its network and its weights.

    Two models with the same identity make the same of a song. Raises ModelError where there is no such model.
    """
    folder = find(model)
    card = read_card(folder)
    kept = (card.network, sorted(card.options.items()), card.sources, card.whole, card.sample_rate)
    return _digest_with_weights(kept, folder)


def network_identity(folder: Path) -> str:
    """By what a graph knows the network that it was made from, whatever its sources are called: see `identity`."""
    card = read_card(folder)
    return _digest_with_weights((card.network, sorted(card.options.items()), len(card.sources)), folder)


def _digest_with_weights(kept: tuple, folder: Path) -> str:
    digest = hashlib.sha256(repr(kept).encode())
    for path in weight_files(folder):
        try:
            status = path.stat()
            digest.update(_digest(path.absolute(), status.st_size, status.st_mtime_ns))
        except OSError as error:
            raise ModelError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    return digest.hexdigest()


@functools.lru_cache(maxsize=64)
def _digest(path: Path, size: int, modified: int) -> bytes:
    """The digest of a file of this size and time, read once: it is asked for with every song and every track."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def weight_files(folder: Path) -> list[Path]:
    """The files of a model folder that hold its weights."""
    from splitstrument.readers import reader_of

    if (folder / WEIGHTS).exists() or not (reader := reader_of(folder)):
        return [folder / WEIGHTS]
    return reader.files(folder)


def graph(folder: Path) -> Path | None:
    """The ONNX graph of the model in `folder`, its own one or that of all models of its kind, if there is one."""
    from splitstrument.readers import reader_of

    if (folder / GRAPH).is_file():
        return folder / GRAPH
    reader = None if (folder / WEIGHTS).exists() else reader_of(folder)
    return reader.graph(folder) if reader and hasattr(reader, "graph") else None


def graph_tensors(folder: Path) -> "dict[str, np.ndarray]":
    """By name, the weights of the model in `folder` that its kind's graph is filled with. Raises ModelError."""
    from splitstrument.readers import reader_of

    reader = reader_of(folder)
    return reader.graph_tensors(folder) if reader else {}


def _load_weights(network: Any, path: Path) -> None:
    if not path.exists():
        raise ModelError(f"{path}: the model's weights are missing")
    try:
        network.load_weights(path)
    except Exception as error:  # h5py and Keras raise many kinds for a broken or foreign file
        reason = " ".join(str(error).split())[:160]
        raise ModelError(f"{path}: the weights do not load into the network of the card ({reason})") from None


def _check_space(folder: Path, size: int) -> None:
    """Raise OSError where the disk has no room for `size` bytes: HDF5 does not end well there."""
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def save(network: Any, card: Card, folder: str | os.PathLike[str]) -> None:
    """Write `card` and the network's weights, stored as float16, into `folder`; each file is old or new, never half.

    Raises OSError where the disk has no room for it.
    """
    from importlib.metadata import version

    from splitstrument.files.atomic import AtomicFile, remove_unfinished, scratch_folder
    from splitstrument.files.yaml_files import write_yaml

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GRAPH).unlink(missing_ok=True)  # of the weights before; it reads them from their places in the file
    _check_space(folder, 2 * sum(math.prod(variable.shape) * 4 for variable in network.variables) + 2**20)
    remove_unfinished(folder)
    with scratch_folder(folder) as scratch, AtomicFile(folder / WEIGHTS) as hidden:
        network.save_weights(scratch / "whole.weights.h5")
        _halve(scratch / "whole.weights.h5", hidden)
    write_yaml(folder / CARD, asdict(replace(card, version=version("splitstrument"))), width=110)


def _halve(path: Path, halved: Path) -> None:
    """Write the weights of the HDF5 file `path` as float16, without an optimizer's."""
    import h5py

    with h5py.File(path) as source, h5py.File(halved, "w") as target:

        def copy(name: str, item: Any) -> None:
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
