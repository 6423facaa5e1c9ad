"""Runs a model's network with ONNX Runtime (`onnx`) or with Keras and its backend (`keras`), behind one interface.

A model that has a graph, model.onnx beside its card, needs no TensorFlow and starts in a tenth of the time. Keras is
needed for GPUs, for bfloat16, and for models that have no graph; `splitstrument export` makes one.
"""

import functools
import importlib.util
import os
from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from splitstrument.cards import ModelError

if TYPE_CHECKING:
    import numpy as np

RUNTIMES = ("auto", "onnx", "keras")
PRECISIONS = ("auto", "float32", "bfloat16")


class Runtime(Protocol):
    """A model's network, ready to run. `name`: "onnx" or "keras". `workers`: the threads that should call `predict`;
    their number makes the best use of the processor."""

    name: str
    workers: Executor

    def predict(self, inputs: "Mapping[str, np.ndarray]") -> "np.ndarray":
        """Masks or waves, float32 (B, ..., C, K), for {"mixture": (B, ..., C), ...} with the shapes of its Form."""


def load(
    model: str | os.PathLike[str], runtime: str = "auto", precision: str = "auto", device: str | None = None
) -> Runtime:
    """Load the network of a model, given by name or folder, in this runtime.

    "auto" uses ONNX Runtime if the model has a graph, unless a GPU or bfloat16 is requested. `precision`: "float32",
    "bfloat16", or "auto", which lets Keras use bfloat16 if it is faster. `device`: "cpu", "gpu" or None for any
    device that is available. Raises ModelError (no such model, broken files, no graph) and ValueError (settings that
    do not go together).
    """
    from splitstrument import models

    for value, field, values in ((runtime, "runtime", RUNTIMES), (precision, "precision", PRECISIONS)):
        if value not in values:
            raise ValueError(f"{field} {value!r}: it must be one of " + ", ".join(values))
    folder = models.find(model)
    if runtime == "onnx" and (device == "gpu" or precision == "bfloat16"):
        wanted = "on a GPU" if device == "gpu" else "in bfloat16"
        raise ValueError(f"runtime onnx: does not run {wanted}; leave out one of the two")
    if runtime == "auto":
        needs_keras = device == "gpu" or precision == "bfloat16"
        runtime = "keras" if needs_keras or not (models.graph(folder) and _is_installed("onnxruntime")) else "onnx"
    if runtime == "onnx":
        from splitstrument.runtimes.onnx import Onnx

        return Onnx(folder)
    _check_keras(folder)
    from splitstrument.runtimes.keras import Keras

    return Keras(folder, precision, device)


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _check_keras(folder: Path) -> None:
    """Raise ModelError if the model has no graph and Keras is not installed."""
    from splitstrument import models
    from splitstrument.commands import install_line

    if not _is_installed("keras") and not models.graph(folder):
        way = install_line("splitstrument[train]")
        raise ModelError(f"{folder}: has no {models.GRAPH}, and without one it needs TensorFlow: {way}")


@functools.cache
def processors() -> int:
    """The number of processors this process may use: OMP_NUM_THREADS, which joblib sets for its processes, or all."""
    try:
        there = len(os.sched_getaffinity(0))
    except AttributeError:  # missing on macOS and Windows
        there = os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(there, int(wanted)) if wanted.isdigit() and int(wanted) else there
