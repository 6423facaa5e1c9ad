"""Checkpoints as Spleeter's, of random weights: same variables, same files, for 2, 4 or 5 sources.

Every value follows from its variable's name, so that a test and the script that ran Spleeter itself with these weights
(tests/references/spleeter.py, which also checks that Spleeter's variables have these names and shapes) have the same
without a file of 200 MB between them. Only NumPy and TensorFlow are used: this runs beside Spleeter too.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

DOWN, UP = (16, 32, 64, 128, 256, 512), (256, 128, 64, 32, 16, 1)
CONVOLUTIONS, NORMALISATIONS = len(DOWN) + 1, len(DOWN) + len(UP)
Shape = tuple[int, ...]


def shapes(count: int) -> dict[str, Shape]:
    """The name and shape of each variable of Spleeter's networks for `count` sources."""
    return dict(variable for source in range(count) for variable in _variables_of(source))


def _variables_of(source: int) -> Iterator[tuple[str, Shape]]:
    for place, (before, filters) in enumerate(zip((2, *DOWN), DOWN, strict=False)):
        yield from _convolution("conv2d", CONVOLUTIONS * source + place, (5, 5, before, filters), filters)
    yield from _convolution("conv2d", CONVOLUTIONS * source + len(DOWN), (4, 4, 1, 2), 2)
    before = DOWN[-1]
    for place, filters in enumerate(UP):
        yield from _convolution("conv2d_transpose", len(UP) * source + place, (5, 5, filters, before), filters)
        before = 2 * filters  # what came from below, and the skip
    for place, filters in enumerate(DOWN + UP):
        name = _numbered("batch_normalization", NORMALISATIONS * source + place)
        for kind in ("gamma", "beta", "moving_mean", "moving_variance"):
            yield f"{name}/{kind}", (filters,)


def _convolution(base: str, number: int, kernel: Shape, filters: int) -> Iterator[tuple[str, Shape]]:
    yield f"{_numbered(base, number)}/kernel", kernel
    yield f"{_numbered(base, number)}/bias", (filters,)


def _numbered(base: str, number: int) -> str:
    return f"{base}_{number}" if number else base


def random_weights(count: int) -> dict[str, np.ndarray]:
    """Values for each variable, of sizes that keep the masks between 0 and 1 and apart from each other."""
    return {name: _random(name, shape) for name, shape in shapes(count).items()}


def _random(name: str, shape: Shape) -> np.ndarray:
    values = 2 * np.random.default_rng(zlib.crc32(name.encode())).random(shape, np.float32) - 1
    layer, kind = name.split("/")
    if kind == "kernel":
        # Kernels of transposed convolutions have outputs before inputs, and a quarter of them meets an output.
        terms = shape[0] * shape[1] * (shape[3] / 4 if "transpose" in layer else shape[2])
        quiet = 0.02 if shape[2] == 2 else 1.0  # the first layer, which sees magnitudes of some 100
        return values * np.float32(quiet * np.sqrt(3 / terms))
    if kind in ("gamma", "moving_variance"):
        return 1 + values / 2
    return values / 5


def write(folder: Path, weights: dict[str, np.ndarray]) -> Path:
    """Write a checkpoint as TensorFlow 1 has them into `folder`, which is returned."""
    import tensorflow

    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(weights)
    tensors = [tensorflow.constant(weights[name]) for name in names]
    tensorflow.raw_ops.SaveV2(
        prefix=str(folder / "model"), tensor_names=names, shape_and_slices=[""] * len(names), tensors=tensors
    )
    (folder / "checkpoint").write_text('model_checkpoint_path: "model"\nall_model_checkpoint_paths: "model"\n')
    return folder
