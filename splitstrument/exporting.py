"""The command `export`: a model as a graph that runs without TensorFlow, in ONNX or LiteRT."""

import errno
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.cards import ModelError
from splitstrument.form import Form
from splitstrument.parser import Parser
from splitstrument.stages.console import command

if TYPE_CHECKING:
    import numpy as np

FORMATS = {"onnx": ".onnx", "litert": ".tflite"}
SAME, NEAR = 1e-5, 1e-3  # how far results may be from Keras's: as they are, and with weights in float16
WINDOWS = 3  # that results are compared on, and times are taken of
Predict = Callable[[dict[str, "np.ndarray"]], "np.ndarray"]


@dataclass(frozen=True)
class Export:
    """What was written: the file, the largest difference of its results from Keras's, the weights in it ("float16",
    "float32" or "" where they stay in the model's file), and the seconds for a window, its own and those of Keras as
    songs are separated with it."""

    path: Path
    difference: float
    weights: str
    seconds: float
    keras_seconds: float


def export(model: str | os.PathLike[str], format: str = "onnx", output: str | os.PathLike[str] | None = None) -> Export:
    """Write the graph of a known model's name or a model folder, "onnx" or "litert".

    Without `output`, an ONNX graph lies beside the model's weights, reads them from their file, and is what the model
    is separated with from then on. `output` is a file of its own, with the weights in it, in float16 unless that costs
    more than NEAR. Raises ModelError where there is no such model, or the graph computes something else than Keras
    does; ValueError for a format that is unknown or has no output; OSError where the file cannot be written.
    """
    from splitstrument import backend, models, networks, runtimes

    if format not in FORMATS:
        raise ValueError(f"format {format!r}: it must be one of " + ", ".join(FORMATS))
    if format != "onnx" and output is None:
        raise ValueError(f"format {format}: needs --output FILE{FORMATS[format]}")
    keras = backend.keras_on("cpu")
    keras.config.set_dtype_policy("float32")
    folder = models.find(model)
    path = None if output is None else Path(output)
    if path and path.suffix != FORMATS[format]:
        raise ValueError(f"{path}: the name of a file of {format} ends in {FORMATS[format]}")
    if path and not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
    card, network = models.load(folder)
    form = networks.form(card.network, card.options)
    comparison = _Comparison(network, form, runtimes.load(folder, "keras").predict)
    try:
        return _alone(folder, comparison, format, path) if path else _beside(folder, comparison)
    except (ValueError, RuntimeError) as error:  # of the converters, and of LiteRT for what it cannot run
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{folder}: cannot become a graph of {format} ({reason})") from None


def _alone(folder: Path, comparison: "_Comparison", format: str, path: Path) -> Export:
    """A file of its own, with the weights in float16, or, if that costs too much, in float32."""
    from splitstrument.files.atomic import AtomicFile

    write = {"onnx": _write_onnx, "litert": _write_litert}[format](comparison)
    run = {"onnx": _onnx, "litert": _litert}[format]
    with AtomicFile(path) as hidden:
        for weights, most in (("float16", NEAR), ("float32", SAME)):
            write(hidden, weights)
            difference, seconds = comparison.of(run(hidden))
            if difference <= most:
                return Export(path, difference, weights, seconds, comparison.seconds)
        raise ModelError(f"{folder}: its {format} graph computes something else ({difference:.1e} apart)")


def _beside(folder: Path, comparison: "_Comparison") -> Export:
    """The graph that `splitstrument.runtimes` takes: it becomes the model's only if it computes the same."""
    import onnx

    from splitstrument import models
    from splitstrument.files.atomic import AtomicFile
    from splitstrument.runtimes import graph
    from splitstrument.runtimes.onnx import Onnx

    path = folder / models.GRAPH
    if not path.exists() and models.graph(folder):
        raise ModelError(f"{folder}: runs without TensorFlow as it is; --output FILE.onnx writes a file of its own")
    files = [file for file in models.weight_files(folder) if file.suffix == ".h5"]
    stored = [weight for file in files for weight in graph.weights_in(file, folder)]
    converted = graph.convert(comparison.network, comparison.form)
    graph.refer(converted, stored)
    onnx.helper.set_model_props(converted, {"identity": models.network_identity(folder)})
    with AtomicFile(path) as hidden:
        onnx.save(converted, hidden)
        onnx.checker.check_model(hidden)
        difference, seconds = comparison.of(Onnx(folder, hidden).predict)
        if difference > SAME:
            raise ModelError(f"{folder}: its graph computes something else ({difference:.1e} apart)")
    return Export(path, difference, "", seconds, comparison.seconds)


class _Comparison:
    """Keras's results for some windows of noise, and its time for one, for others to be held against.

    `network` is the one of float32 that is converted, `quickest` what songs are separated with.
    """

    def __init__(self, network: Any, form: Form, quickest: Predict) -> None:
        import numpy as np

        self.network, self.form = network, form
        random = np.random.default_rng(0)
        self._inputs = {name: random.random((WINDOWS, *shape), np.float32) for name, shape in form.shapes().items()}
        self._expected = np.asarray(network.predict_on_batch(self._inputs))
        self.seconds = self._seconds(quickest)

    def of(self, predict: Predict) -> tuple[float, float]:
        """(The largest difference in the results, the seconds of a window)."""
        import numpy as np

        difference = np.abs(np.asarray(predict(self._inputs)) - self._expected).max()
        return float(difference), self._seconds(predict)

    def _seconds(self, predict: Predict) -> float:
        """The time of one window, the least of some: the first may compile."""
        window = {name: value[:1] for name, value in self._inputs.items()}
        times = []
        for _ in range(WINDOWS):
            start = time.perf_counter()
            predict(window)
            times.append(time.perf_counter() - start)
        return min(times)


def _write_onnx(comparison: _Comparison) -> Callable[[Path, str], None]:
    import onnx

    from splitstrument.runtimes import graph

    converted = graph.convert(comparison.network, comparison.form)

    def write(path: Path, weights: str) -> None:
        onnx.save(graph.halved(converted) if weights == "float16" else converted, path)

    return write


def _onnx(path: Path) -> Predict:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, inputs)[0]


def _write_litert(comparison: _Comparison) -> Callable[[Path, str], None]:
    from splitstrument import backend
    from splitstrument.files.atomic import scratch_folder
    from splitstrument.runtimes import graph

    tensorflow = backend.tensorflow()
    lite = tensorflow.lite

    def write(path: Path, weights: str) -> None:
        half = {"optimizations": [lite.Optimize.DEFAULT], "target_spec": {"supported_types": [tensorflow.float16]}}
        with scratch_folder(path.parent) as scratch:
            file = scratch / "network.tflite"
            signature = graph.signature(comparison.form)
            options = half if weights == "float16" else {}
            comparison.network.export(file, format="litert", verbose=False, input_signature=signature, **options)
            os.replace(file, path)

    return write


def _litert(path: Path) -> Predict:
    """The file in TensorFlow's own interpreter, which a package of its own, ai-edge-litert, is to replace."""
    import warnings

    from splitstrument import backend

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runner = backend.tensorflow().lite.Interpreter(str(path)).get_signature_runner()
    return lambda inputs: next(iter(runner(**inputs).values()))


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = Parser(
        "export",
        "Write a model's network as a graph that runs without TensorFlow. Without --output it lies beside "
        "the model's weights, and the model is separated with it from then on.",
    )
    parser.add_argument("model", metavar="MODEL", help="a model's name (see: splitstrument models) or folder")
    parser.add_argument("--format", default="onnx", choices=tuple(FORMATS), help="of the graph (default: onnx)")
    parser.add_argument("--output", metavar="FILE", help="a file of its own, with the weights in it")
    options = parser.parse_args(arguments)
    exported = export(options.model, options.format, options.output)
    size = exported.path.stat().st_size / 2**20
    weights = f", weights in {exported.weights}" if exported.weights else ", weights in the model's own file"
    print(f"{exported.path}: {size:.2f} MiB{weights}; within {exported.difference:.1g} of what Keras computes")
    own, keras = (round(1000 * seconds) for seconds in (exported.seconds, exported.keras_seconds))
    print(f"  a window takes {own} ms, with Keras {keras}")
    return 0
