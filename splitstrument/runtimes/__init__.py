"""What computes a model's network: ONNX Runtime (`onnx`), or Keras with its backend (`keras`), behind one interface.

A model that has a graph, model.onnx beside its card, needs no TensorFlow: it starts in a tenth of the time. Keras
computes on GPUs, in bfloat16, and all models that have no graph; `splitstrument export` makes one.
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
    """A model's network, ready to run. `name`: "onnx" or "keras". `workers`: who should call `predict`, and how many
    calls there should be at once, for the most of the processor."""

    name: str
    workers: Executor

    def predict(self, inputs: "Mapping[str, np.ndarray]") -> "np.ndarray":
        """Masks or waves, float32 (B, ..., C, K), for {"mixture": (B, ..., C), ...} as the model's Form says."""


def load(
    model: str | os.PathLike[str], runtime: str = "auto", precision: str = "auto", device: str | None = None
) -> Runtime:
    """The network of a known model's name or a model folder, in this runtime.

    "auto" takes ONNX Runtime where the model has a graph, unless a GPU or bfloat16 is asked for. `precision`:
    "float32", "bfloat16", or "auto", which lets Keras take bfloat16 where it is faster. `device`: "cpu", "gpu" or None
    for what there is. Raises ModelError (no such model, broken files, no graph) and ValueError (what cannot be had
    together).
    """
    from splitstrument import models

    for value, field, values in ((runtime, "runtime", RUNTIMES), (precision, "precision", PRECISIONS)):
        if value not in values:
            raise ValueError(f"{field} {value!r}: it must be one of " + ", ".join(values))
    folder = models.find(model)
    if runtime == "onnx" and (device == "gpu" or precision == "bfloat16"):
        wanted = "on a GPU" if device == "gpu" else "in bfloat16"
        raise ValueError(f"runtime onnx: does not compute {wanted}; leave one of the two out")
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
    """Raise ModelError where a model that has no graph is to be computed without Keras."""
    from splitstrument import models
    from splitstrument.commands import install_line

    if not _is_installed("keras") and not models.graph(folder):
        way = install_line("splitstrument[train]")
        raise ModelError(f"{folder}: has no {models.GRAPH}, and without that it needs TensorFlow: {way}")


@functools.cache
def processors() -> int:
    """How many processors this process may use: OMP_NUM_THREADS, as joblib sets it for its processes, or all."""
    try:
        there = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        there = os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(there, int(wanted)) if wanted.isdigit() and int(wanted) else there
