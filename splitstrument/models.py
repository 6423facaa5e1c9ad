"""Trained models on disk: a folder with a card, model.yaml, and weights, model.weights.h5.

Shipped models are in `splitstrument/shipped`, the user's own models (`splitstrument models --add`) in the user's data
folder. Both can be used by name, any other model by its folder. Models of other projects are read in the form in which
they are published, see `splitstrument.readers`; if such a folder also has a model.yaml, that is its card.
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
    """The folder of the user's own models, which may not exist."""
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
    """The folder of `model`, which is a known name or a folder. Raises ModelError, which suggests the closest name."""
    from splitstrument.readers import reader_of

    models = known()
    if str(model) in models:
        return models[str(model)]
    folder = Path(model)
    if (folder / CARD).exists() or reader_of(folder):
        return folder
    if folder.is_dir():
        raise ModelError(
            f"{model}: the folder holds no model "
            f"({CARD}, or a model of Spleeter, of Open-Unmix, of Demucs or of the 2021 thesis)"
        )
    if str(model) in DOWNLOADS:
        raise ModelError(f"{model}: is not installed; download it with: splitstrument models --add {model}")
    raise ModelError(no_such("model", model, models))


def read_card(folder: str | os.PathLike[str]) -> Card:
    """The checked card of a model folder. Cards of earlier versions have one `instrument` instead of `sources`."""
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
    """(card, network with its weights) of a model, given by name or folder."""
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
    """Identifies a model whatever its name is: a digest of its network and its weights.

    Two models with the same identity give the same result. Raises ModelError if there is no such model.
    """
    folder = find(model)
    card = read_card(folder)
    kept = (card.network, sorted(card.options.items()), card.sources, card.whole, card.sample_rate)
    return _digest_with_weights(kept, folder)


def network_identity(folder: Path) -> str:
    """Identifies the network that a graph was made from, whatever its sources are called: see `identity`."""
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
    """The digest of a file of this size and time. Cached, since it is needed for every song and every track."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def weight_files(folder: Path) -> list[Path]:
    """The files in a model folder that contain its weights."""
    from splitstrument.readers import reader_of

    if (folder / WEIGHTS).exists() or not (reader := reader_of(folder)):
        return [folder / WEIGHTS]
    return reader.files(folder)


def graph(folder: Path) -> Path | None:
    """The ONNX graph of the model in `folder`, its own or the one that all models of its kind share, or None."""
    from splitstrument.readers import reader_of

    if (folder / GRAPH).is_file():
        return folder / GRAPH
    reader = None if (folder / WEIGHTS).exists() else reader_of(folder)
    return reader.graph(folder) if reader and hasattr(reader, "graph") else None


def graph_tensors(folder: Path) -> "dict[str, np.ndarray]":
    """The weights, by name, that the shared graph takes from the model in `folder`. Raises ModelError."""
    from splitstrument.readers import reader_of

    reader = reader_of(folder)
    return reader.graph_tensors(folder) if reader else {}


def _load_weights(network: Any, path: Path) -> None:
    if not path.exists():
        raise ModelError(f"{path}: the model's weights are missing")
    try:
        network.load_weights(path)
    except Exception as error:  # h5py and Keras raise many kinds of errors for a broken or foreign file
        reason = " ".join(str(error).split())[:160]
        raise ModelError(f"{path}: the weights do not fit the network on the card ({reason})") from None


def _check_space(folder: Path, size: int) -> None:
    """Raise OSError if the disk has no room for `size` bytes, which HDF5 does not handle well."""
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def save(network: Any, card: Card, folder: str | os.PathLike[str]) -> None:
    """Write `card` and the network's weights, as float16, into `folder`. A file is replaced only by a complete one.

    Raises OSError if the disk has no room for it.
    """
    from importlib.metadata import version

    from splitstrument.files.atomic import AtomicFile, remove_unfinished, scratch_folder
    from splitstrument.files.yaml_files import write_yaml

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GRAPH).unlink(missing_ok=True)  # it belongs to the old weights and reads them at their file offsets
    _check_space(folder, 2 * sum(math.prod(variable.shape) * 4 for variable in network.variables) + 2**20)
    remove_unfinished(folder)
    with scratch_folder(folder) as scratch, AtomicFile(folder / WEIGHTS) as hidden:
        network.save_weights(scratch / "whole.weights.h5")
        _halve(scratch / "whole.weights.h5", hidden)
    write_yaml(folder / CARD, asdict(replace(card, version=version("splitstrument"))), width=110)


def _halve(path: Path, halved: Path) -> None:
    """Write the weights of the HDF5 file `path` as float16, without the optimizer's variables."""
    import h5py

    with h5py.File(path) as source, h5py.File(halved, "w") as target:

        def copy(name: str, item: Any) -> None:
            if name.startswith("optimizer"):
                return
            if isinstance(item, h5py.Group):
                target.require_group(name).attrs.update(item.attrs)
            else:
                # float16 halves the file; its 11 bits change the masks by less than 0.001 (tests check this).
                small = item.dtype.kind == "f" and item.ndim > 1
                target[name] = item[()].astype("float16") if small else item[()]

        source.visititems(copy)
        target.attrs.update(source.attrs)
