"""The models that the 2021 thesis published: configuration.jsonc, model.json and weights/weights.h5 of Keras 2.4.

That file has a group for each layer with a dataset for each weight, such as `conv2d_3/conv2d_3/kernel:0`; files saved
as whole models have the groups below `model_weights`. Our hourglass names its layers as Keras 2.4 did, so weights find
their places by name, and every place must be filled.
"""

from pathlib import Path
from typing import Any

from splitstrument.cards import Card, ModelError, Source

CONFIGURATION, WEIGHTS = "configuration.jsonc", "weights/weights.h5"
# What each kind of layer has, in the order in which Keras wants them.
WEIGHT_NAMES = {
    "Conv2D": ("kernel", "bias"),
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
}


def recognises(folder: Path) -> bool:
    """Whether `folder` looks like one of the thesis's models."""
    return (folder / CONFIGURATION).is_file()


def files(folder: Path) -> list[Path]:
    """The files of the model that are there; `model.json` is not needed."""
    return [path for path in (folder / CONFIGURATION, folder / "model.json", folder / WEIGHTS) if path.is_file()]


def read_card(folder: Path) -> Card:
    """The card that a thesis model's configuration.jsonc amounts to."""
    path = Path(folder) / CONFIGURATION
    try:
        configuration = read_json(path)
        return Card(
            name=Path(folder).absolute().name,
            sources=(instrument_of(configuration["collection"]["name"]),),
            sample_rate=int(configuration["collection"]["sample_rate"]),
            network="hourglass",
            options=network_options(configuration),
            training="published with the 2021 thesis",
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: a field of a thesis configuration is missing or wrong ({error})") from None
    except ValueError as error:
        raise ModelError(str(error) if str(path) in str(error) else f"{path}: {error}") from None


def weights_source(card: Card, what: str) -> Source:
    """The weights of a model of this card, as material of another model that begins with them."""
    return Source(f"{card.name}, a model of the 2021 thesis", "not stated", what)


def read_json(path: str | Path) -> Any:
    """The values of a file of JSON with comments; ValueError with one line where it cannot be read."""
    import json5

    try:
        return json5.loads(Path(path).read_text(encoding="utf-8"), allow_duplicate_keys=False)
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from None
    except ValueError as error:
        raise ValueError(f"{path}: is no JSON with comments ({error})") from None


def instrument_of(name: str) -> str:
    """What a thesis configuration trains for, by its collection's name, such as "Basic guitar training"."""
    words = name.lower().split()
    return next((word for word in words if word in ("guitar", "piano")), (words or ["instrument"])[0])


def network_options(configuration: dict[str, Any]) -> dict[str, Any]:
    """The options of our hourglass that a thesis configuration (merged with its bases) asks for.

    Raises KeyError or TypeError for what is missing or no field, ValueError for what our network does not have.
    """
    model = configuration["training"]["model"]
    if model["name"].lower() != "hourglass":
        raise ValueError(f"the network is {model['name']}; only Hourglass models can be loaded")
    options = model["options"]
    module = options["hg_module"]
    for part in ("initial_convolutions", "hg_module_end"):
        for field, value in options.get(part, {}).items():
            if field in module and value != module[field]:
                raise ValueError(f"{field} differs between the parts of the network, which cannot be built")
    return {
        "fft_length": configuration["spectrogram_generation"]["fft_length"],
        "frames": configuration["transformation"]["options"]["size"],
        "channels": 2 if configuration["collection"].get("stereo") else 1,
        "depth": options["stacks"],
        "filters": module["filters"],
        "initial_filters": options["channels"],
        "dropout": module["dropoutfactor"],
        "normalise": module.get("batchnormalization", True),
    }


def load_weights(network: Any, folder: Path) -> None:
    """Load weights/weights.h5 of a thesis model's folder into the network of its card; ModelError where they differ."""
    import h5py

    path = Path(folder) / WEIGHTS
    try:
        with h5py.File(path) as file:
            groups = file.get("model_weights", file)
            for layer in network.layers:
                if layer.weights:
                    layer.set_weights([_weight(groups, layer, name, path) for name in _names(layer)])
    except OSError as error:
        raise ModelError(f"{path}: cannot be opened as HDF5 ({' '.join(str(error).split())})") from None
    except ValueError as error:
        raise ModelError(f"{path}: a weight has another shape than the configuration's network ({error})") from None


def _names(layer):
    return WEIGHT_NAMES[type(layer).__name__]


def _weight(groups, layer, name, path):
    place = f"{layer.name}/{layer.name}/{name}:0"
    if place not in groups:
        raise ModelError(f"{path}: holds no {place}, which the configuration's network needs")
    return groups[place][()]
