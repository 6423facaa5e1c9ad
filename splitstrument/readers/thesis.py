"""Reads the models published with the 2021 thesis: configuration.jsonc, model.json and Keras 2.4's weights/weights.h5.

The weight file has a group for each layer with a dataset for each weight, such as `conv2d_3/conv2d_3/kernel:0`. In a
file saved as a whole model the groups are below `model_weights`. Our hourglass names its layers as Keras 2.4 did, so
the weights are matched by name. No weight may be missing.
"""

from pathlib import Path
from typing import Any

from splitstrument.cards import Card, ModelError, Source

CONFIGURATION, WEIGHTS = "configuration.jsonc", "weights/weights.h5"
# The weights of each kind of layer, in the order that Keras expects.
WEIGHT_NAMES = {
    "Conv2D": ("kernel", "bias"),
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
}


def recognises(folder: Path) -> bool:
    """Whether `folder` looks like one of the thesis's models."""
    return (folder / CONFIGURATION).is_file()


def files(folder: Path) -> list[Path]:
    """The files of the model that exist; `model.json` is not needed."""
    return [path for path in (folder / CONFIGURATION, folder / "model.json", folder / WEIGHTS) if path.is_file()]


def read_card(folder: Path) -> Card:
    """The card of a thesis model, made from its configuration.jsonc."""
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
    """The weights of the model with this card, as a source of another model that was initialised with them."""
    return Source(f"{card.name}, a model of the 2021 thesis", "not stated", what)


def read_json(path: str | Path) -> Any:
    """The values of a file of JSON with comments. Raises ValueError with one line if it cannot be read."""
    import json5

    try:
        return json5.loads(Path(path).read_text(encoding="utf-8"), allow_duplicate_keys=False)
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from None
    except ValueError as error:
        raise ValueError(f"{path}: is not valid JSON with comments ({error})") from None


def instrument_of(name: str) -> str:
    """The instrument of a thesis configuration, from its collection's name, such as "Basic guitar training"."""
    words = name.lower().split()
    return next((word for word in words if word in ("guitar", "piano")), (words or ["instrument"])[0])


def network_options(configuration: dict[str, Any]) -> dict[str, Any]:
    """The options of our hourglass for a thesis configuration (merged with its bases).

    Raises KeyError or TypeError if a field is missing or wrong, ValueError if our network cannot be built that way.
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
    """Load a thesis model's weights/weights.h5 into the network of its card. Raises ModelError if they do not fit."""
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
        raise ModelError(f"{path}: the shape of a weight does not fit the configuration's network ({error})") from None


def _names(layer):
    return WEIGHT_NAMES[type(layer).__name__]


def _weight(groups, layer, name, path):
    place = f"{layer.name}/{layer.name}/{name}:0"
    if place not in groups:
        raise ModelError(f"{path}: lacks {place}, which the configuration's network needs")
    return groups[place][()]
