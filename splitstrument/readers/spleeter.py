"""Reads the models that Deezer published for Spleeter: TensorFlow checkpoints of 2stems, 4stems and 5stems.

A folder has `checkpoint`, `model.index`, `model.data-00000-of-00001` and `model.meta`. The variables show which of the
three models it is: each source has seven convolutions, six transposed convolutions and twelve normalisations, numbered
in Spleeter's order of sources.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from splitstrument.cards import Card, ModelError, Source
from splitstrument.networks.spleeter import DEPTH, EPSILON
from splitstrument.readers.checkpoint import Checkpoint, CheckpointError

SOURCES = {
    2: ("vocals", "accompaniment"),
    4: ("vocals", "drums", "bass", "other"),
    5: ("vocals", "piano", "drums", "bass", "other"),
}
OPTIONS = {2: {"activation": "relu"}, 4: {"activation": "elu"}, 5: {"activation": "elu", "output": "softmax"}}
GRAPHS = Path(__file__).parent / "graphs"
# The layers of one source's U-Net, as networks.spleeter names them.
LAYERS = [f"down{level}" for level in range(DEPTH)] + [f"up{level}" for level in range(DEPTH)] + ["mask"]
LAYERS += [f"down{level}_normalisation" for level in range(DEPTH - 1)]
LAYERS += [f"up{level}_normalisation" for level in range(DEPTH)]
NORMALISATION = ("gamma", "beta", "moving_mean", "moving_variance")
_FILES = ("checkpoint", "model.index", "model.data-00000-of-00001", "model.meta")


def recognises(folder: Path) -> bool:
    """Whether `folder` looks like a Spleeter model."""
    return (folder / "model.index").is_file()


def files(folder: Path) -> list[Path]:
    """The files of the model that exist; `checkpoint` and `model.meta` are not needed."""
    return [path for path in (folder / name for name in _FILES) if path.is_file()]


def read_card(folder: Path) -> Card:
    """The card of the model in `folder`, from what Deezer published about it and from its variables."""
    count = _count(_open(folder), folder)
    return Card(
        name=f"spleeter-{count}stems",
        sources=SOURCES[count],
        whole=True,
        sample_rate=44100,
        network="spleeter",
        options=dict(OPTIONS[count]),
        trained_on=(Source("Deezer's data set Bean", "not published", "songs with stems, which are not listed"),),
        about="Takes a song apart into "
        + ", ".join(SOURCES[count][:-1])
        + f" and {SOURCES[count][-1]}; by Deezer, 2019.",
        training=f"Spleeter {count}stems, trained and published by Deezer under the MIT licence",
    )


def weights_source(card: Card, what: str) -> Source:
    """The weights of the model with this card, as a source of another model that was initialised with them."""
    return Source(f"Spleeter {len(card.sources)}stems (Deezer)", "MIT", what)


def load_weights(network: Any, folder: Path) -> None:
    """Load the checkpoint in `folder` into the network of its card. Raises ModelError if they do not fit."""
    checkpoint = _open(folder)
    _count(checkpoint, folder)
    for layer in network.layers:
        for weight in layer.weights:
            path = f"{_variable(layer.name)}/{weight.name}"
            value = _tensor(checkpoint, path, folder)
            if value.shape != tuple(weight.shape):
                raise ModelError(f"{folder}: {path} cannot be used, its shape is {value.shape}, not {weight.shape}")
            weight.assign(np.array(value))


def graph(folder: Path) -> Path | None:
    """The ONNX graph for all models with this number of sources, without their weights."""
    return GRAPHS / f"spleeter_{_count(_open(folder), folder)}.onnx"


def graph_tensors(folder: Path) -> dict[str, np.ndarray]:
    """The weights for `graph`, by name: kernels and biases, and a scale and an offset for each normalisation.

    Raises ModelError if the checkpoint lacks one.
    """
    checkpoint = _open(folder)
    tensors: dict[str, np.ndarray] = {}
    for source in range(_count(checkpoint, folder)):
        for layer in LAYERS:
            name = f"unet{source}_{layer}"
            parts = NORMALISATION if layer.endswith("normalisation") else ("kernel", "bias")
            values = {part: _tensor(checkpoint, f"{_variable(name)}/{part}", folder) for part in parts}
            if layer.endswith("normalisation"):
                values = scale_and_offset(EPSILON, **values)
            tensors |= {f"{name}/{part}": np.ascontiguousarray(value) for part, value in values.items()}
    return tensors


def scale_and_offset(
    epsilon: float, gamma: np.ndarray, beta: np.ndarray, moving_mean: np.ndarray, moving_variance: np.ndarray
) -> dict[str, np.ndarray]:
    """A batch normalisation at inference as a scale to multiply by and an offset to add."""
    scale = gamma / np.sqrt(moving_variance + np.float32(epsilon))
    return {"scale": scale, "offset": beta - moving_mean * scale}


def _tensor(checkpoint: Checkpoint, name: str, folder: Path) -> np.ndarray:
    try:
        return checkpoint[name]
    except KeyError:
        raise ModelError(f"{folder}: {name} cannot be read (the checkpoint lacks it)") from None
    except (CheckpointError, OSError, ValueError) as error:
        raise ModelError(f"{folder}: {name} cannot be read ({error})") from None


def _open(folder: Path) -> Checkpoint:
    """The checkpoint in `folder`. Raises ModelError."""
    missing = [name for name in _FILES[1:3] if not (folder / name).is_file()]
    if missing:
        raise ModelError(f"{folder}: a Spleeter checkpoint also needs {', '.join(missing)}")
    try:
        return Checkpoint(folder / "model")
    except (CheckpointError, OSError) as error:
        raise ModelError(f"{folder}: cannot be read as a TensorFlow checkpoint ({error})") from None


def _count(checkpoint: Checkpoint, folder: Path) -> int:
    """The number of sources of the checkpoint. Raises ModelError if it is not one of Spleeter's."""
    kernels = [name for name in checkpoint if re.fullmatch(r"conv2d(_\d+)?/kernel", name)]
    count, odd = divmod(len(kernels), DEPTH + 1)
    if odd or count not in SOURCES or checkpoint.shape("conv2d/kernel") != (5, 5, 2, 16):
        raise ModelError(f"{folder}: a TensorFlow checkpoint, but not Spleeter's 2stems, 4stems or 5stems")
    return count


def _variable(layer: str) -> str:
    """The checkpoint's name for a layer of networks.spleeter, such as unet1_up5_normalisation."""
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
