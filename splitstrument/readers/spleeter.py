"""The models that Deezer published for Spleeter: TensorFlow checkpoints of 2stems, 4stems and 5stems.

A folder has `checkpoint`, `model.index`, `model.data-00000-of-00001` and `model.meta`. Which of the three models it is,
its variables tell: seven convolutions, six transposed ones and twelve normalisations for each source, numbered through
in Spleeter's order of sources.
"""

import re
from pathlib import Path
from typing import Any

from splitstrument.cards import Card, ModelError, Source
from splitstrument.networks.spleeter import DEPTH

SOURCES = {
    2: ("vocals", "accompaniment"),
    4: ("vocals", "drums", "bass", "other"),
    5: ("vocals", "piano", "drums", "bass", "other"),
}
OPTIONS = {2: {"activation": "relu"}, 4: {"activation": "elu"}, 5: {"activation": "elu", "output": "softmax"}}
_FILES = ("checkpoint", "model.index", "model.data-00000-of-00001", "model.meta")


def recognises(folder: Path) -> bool:
    """Whether `folder` looks like one of Spleeter's."""
    return (folder / "model.index").is_file()


def files(folder: Path) -> list[Path]:
    """The files of the model that are there; `checkpoint` and `model.meta` are not needed."""
    return [path for path in (folder / name for name in _FILES) if path.is_file()]


def read_card(folder: Path) -> Card:
    """The card of the model in `folder`: what Deezer says of its models, and what the variables tell."""
    count = _count(_open(folder), folder)
    return Card(
        name=f"spleeter-{count}stems",
        sources=SOURCES[count],
        whole=True,
        sample_rate=44100,
        network="spleeter",
        options=dict(OPTIONS[count]),
        trained_on=(Source("Deezer's data set Bean", "not published", "songs with stems, which are not listed"),),
        training=f"Spleeter {count}stems, trained and published by Deezer under the MIT licence",
    )


def weights_source(card: Card, what: str) -> Source:
    """The weights of a model of this card, as material of another model that begins with them."""
    return Source(f"Spleeter {len(card.sources)}stems (Deezer)", "MIT", what)


def load_weights(network: Any, folder: Path) -> None:
    """Load the checkpoint in `folder` into the network of its card; ModelError where they differ."""
    checkpoint = _open(folder)
    _count(checkpoint, folder)
    for layer in network.layers:
        if not layer.weights:
            continue
        name = _variable(layer.name)
        for weight in layer.weights:
            path = f"{name}/{weight.name}"
            try:
                weight.assign(checkpoint.get_tensor(path))
            except Exception as error:  # TensorFlow and Keras raise many kinds for what is missing, cut or misshapen
                reason = " ".join(str(error).split())[:120]
                raise ModelError(f"{folder}: the weights of {path} cannot be read ({reason})") from None


def _open(folder: Path) -> Any:
    """TensorFlow's reader of the checkpoint. Raises ModelError."""
    from splitstrument import backend

    missing = [name for name in _FILES[1:3] if not (folder / name).is_file()]
    if missing:
        raise ModelError(f"{folder}: a checkpoint of Spleeter needs {', '.join(missing)} too")
    tensorflow = backend.tensorflow()
    try:
        return tensorflow.train.load_checkpoint(str(folder / "model"))
    except Exception as error:  # of many kinds, for a file that is cut or something else
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{folder}: cannot be read as a checkpoint of TensorFlow ({reason})") from None


def _count(checkpoint: Any, folder: Path) -> int:
    """How many sources the checkpoint is for. Raises ModelError where it is none of Spleeter's."""
    shapes = checkpoint.get_variable_to_shape_map()
    kernels = [name for name in shapes if re.fullmatch(r"conv2d(_\d+)?/kernel", name)]
    count, odd = divmod(len(kernels), DEPTH + 1)
    if odd or count not in SOURCES or list(shapes.get("conv2d/kernel", ())) != [5, 5, 2, 16]:
        raise ModelError(f"{folder}: a checkpoint of TensorFlow, but none of Spleeter's 2stems, 4stems or 5stems")
    return count


def _variable(layer: str) -> str:
    """The name in the checkpoint of a layer of networks.spleeter, such as unet1_up5_normalisation."""
    source, kind, *normalised = layer.removeprefix("unet").split("_")
    number, level = int(source), int(kind[-1]) if kind[-1].isdigit() else DEPTH
    if normalised:
        place = level if kind.startswith("down") else DEPTH + (DEPTH - 1 - level)
        return _numbered("batch_normalization", 2 * DEPTH * number + place)
    if kind.startswith("up"):
        return _numbered("conv2d_transpose", DEPTH * number + (DEPTH - 1 - level))
    return _numbered("conv2d", (DEPTH + 1) * number + level)


def _numbered(base: str, number: int) -> str:
    return f"{base}_{number}" if number else base
