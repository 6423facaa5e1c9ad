"""The command `export`: writes a model as an ONNX or LiteRT graph that runs without TensorFlow."""

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
SAME, NEAR = 1e-5, 1e-3  # largest allowed difference from Keras's results: with float32 weights, and with float16
WINDOWS = 3  # number of windows used to compare results and to measure times
Predict = Callable[[dict[str, "np.ndarray"]], "np.ndarray"]


@dataclass(frozen=True)
class Export:
    """What was written.

    `difference`: the largest difference between its results and Keras's. `weights`: "float16", "float32", or "" if the
    weights stay in the model's own file. `seconds`, `keras_seconds`: the time for one window with the graph, and with
    Keras as it is used for separation.
    """

    path: Path
    difference: float
    weights: str
    seconds: float
    keras_seconds: float


def export(model: str | os.PathLike[str], format: str = "onnx", output: str | os.PathLike[str] | None = None) -> Export:
    """Write the graph of a model, given by name or folder, as "onnx" or "litert".

    Without `output`, an ONNX graph is written beside the model's weights and reads them from their file. Separation
    uses it from then on. With `output`, the graph is a separate file that contains the weights, in float16 unless
    that changes the results by more than NEAR. Raises ModelError if there is no such model, or if the graph's results
    differ from Keras's; ValueError if the format is unknown or needs an output; OSError if the file cannot be
    written.
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
        raise ValueError(f"{path}: the name of a file in format {format} must end in {FORMATS[format]}")
    if path and not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path.parent))
    card, network = models.load(folder)
    form = networks.form(card.network, card.options)
    comparison = _Comparison(network, form, runtimes.load(folder, "keras").predict)
    try:
        return _alone(folder, comparison, format, path) if path else _beside(folder, comparison)
    except (ValueError, RuntimeError) as error:  # from the converters, and from LiteRT for what it cannot run
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{folder}: cannot be converted to {format} ({reason})") from None


def _alone(folder: Path, comparison: "_Comparison", format: str, path: Path) -> Export:
    """Write a separate file that contains the weights, in float16, or in float32 if float16 is not exact enough."""
    from splitstrument.files.atomic import AtomicFile

    write = {"onnx": _write_onnx, "litert": _write_litert}[format](comparison)
    run = {"onnx": _onnx, "litert": _litert}[format]
    with AtomicFile(path) as hidden:
        for weights, most in (("float16", NEAR), ("float32", SAME)):
            write(hidden, weights)
            difference, seconds = comparison.of(run(hidden))
            if difference <= most:
                return Export(path, difference, weights, seconds, comparison.seconds)
        raise ModelError(f"{folder}: the results of its {format} graph differ from Keras's (by {difference:.1e})")


def _beside(folder: Path, comparison: "_Comparison") -> Export:
    """Write the graph that `splitstrument.runtimes` uses. It is kept only if its results equal Keras's."""
    import onnx

    from splitstrument import models
    from splitstrument.files.atomic import AtomicFile
    from splitstrument.runtimes import graph
    from splitstrument.runtimes.onnx import Onnx

    path = folder / models.GRAPH
    if not path.exists() and models.graph(folder):
        raise ModelError(f"{folder}: already runs without TensorFlow; --output FILE.onnx writes a separate file")
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
    """Compares graphs with Keras: its results for some windows of noise, and its time for one window.

    `network` is the float32 network that is converted, `quickest` the function that Keras separates songs with.
    """

    def __init__(self, network: Any, form: Form, quickest: Predict) -> None:
        import numpy as np

        self.network, self.form = network, form
        random = np.random.default_rng(0)
        self._inputs = {name: random.random((WINDOWS, *shape), np.float32) for name, shape in form.shapes().items()}
        self._expected = np.asarray(network.predict_on_batch(self._inputs))
        self.seconds = self._seconds(quickest)

    def of(self, predict: Predict) -> tuple[float, float]:
        """(the largest difference in the results, the seconds for one window)."""
        import numpy as np

        difference = np.abs(np.asarray(predict(self._inputs)) - self._expected).max()
        return float(difference), self._seconds(predict)

    def _seconds(self, predict: Predict) -> float:
        """The time for one window, the shortest of several, since the first call may compile."""
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
    """Run the file in TensorFlow's interpreter, which a separate package, ai-edge-litert, will replace."""
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
        "Write a model as a graph that runs without TensorFlow. Without --output it is written beside the "
        "model's weights, and separation uses it from then on.",
    )
    parser.add_argument("model", metavar="MODEL", help="a model's name (see: splitstrument models) or folder")
    parser.add_argument("--format", default="onnx", choices=tuple(FORMATS), help="format of the graph (default: onnx)")
    parser.add_argument("--output", metavar="FILE", help="write a separate file that contains the weights")
    options = parser.parse_args(arguments)
    exported = export(options.model, options.format, options.output)
    size = exported.path.stat().st_size / 2**20
    weights = f", weights in {exported.weights}" if exported.weights else ", weights in the model's own file"
    print(f"{exported.path}: {size:.2f} MiB{weights}; within {exported.difference:.1g} of Keras's results")
    own, keras = (round(1000 * seconds) for seconds in (exported.seconds, exported.keras_seconds))
    print(f"  a window takes {own} ms, with Keras {keras}")
    return 0
