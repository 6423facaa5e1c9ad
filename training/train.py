"""Train models on pairs: one run, or several in a row, each with its own folder.

From the first step on, a run folder is a model folder with a history. To resume a run after a stop or a crash, give
the same command again. Pure Keras 3, so any backend works.
"""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.parser import Parser
from splitstrument.stages.console import command

if TYPE_CHECKING:
    from training.config import Run
    from training.devices import Devices
    from training.run_folder import RunFolder
    from training.sampler import Sampler
    from training.selection import Selection
    from training.stopping import Stopping


def train(run: "Run", samplers: "tuple[Sampler, Sampler]", folder: "RunFolder", stopping: "Stopping") -> bool:
    """Train `run` in its RunFolder until it is finished or `stopping` is requested.

    `samplers`: for training and validation windows, see `prepare`. Resumes from the newest checkpoint of the folder.
    Returns whether the run is finished. Raises ValueError if training cannot continue.
    """
    from splitstrument.backend import keras_on

    keras = keras_on()
    from splitstrument import networks
    from training import losses, optimizers
    from training.initial import begin_with_initial
    from training.loop import Loop, Stopped
    from training.trainee import Trainee

    devices = find_devices()
    keras.utils.set_random_seed(run.seed)
    form, began = networks.form(run.network, run.options), ""
    with devices.scope():
        keras.config.set_dtype_policy("mixed_bfloat16" if run.precision == "bfloat16" else "float32")
        network = networks.build(run.network, run.options, run.source_names)
        keras.config.set_dtype_policy("float32")
        if run.initial:
            began = begin_with_initial(network, run, folder.path.parent)
        loss = losses.find(run.loss)
        trainee = Trainee(network, form, run.sample_rate, loss, run.whole, devices.replicas)
        optimizer = optimizers.build(run.optimizer, samplers[0].steps, run.epochs)
        optimizer.build(network.trainable_variables)
        trainee.compile(optimizer, jit_compile=devices.compiled)
    loop = Loop(run, trainee, *samplers, devices, folder, stopping)
    if devices.chief:
        environment = _environment(keras, devices)
        folder.describe(environment)
        folder.say_beginning(f"{run.network} of {networks.size(network):,} weights, {environment['backend']}", began)
    try:
        loop.resume()
        loop.go()
    except Stopped:
        if devices.chief:
            where = f"in epoch {loop.state.epoch + 1}, after step {loop.state.step}"
            folder.say(f"{folder.path}: stopped {where}; give the same command again to resume")
        return False
    if devices.chief:
        folder.say_end(loop.state)
    return True


def find_devices() -> "Devices":
    """The available devices: TensorFlowDevices if Keras uses TensorFlow, else training.devices.Devices."""
    import keras

    if keras.backend.backend() == "tensorflow":
        from training.tensorflow_backend import TensorFlowDevices

        return TensorFlowDevices()
    from training.devices import Devices

    return Devices()


def prepare(run: "Run", root: str | Path) -> "tuple[Selection, tuple[Sampler, Sampler]]":
    """(Selection of tracks below `root`, (sampler of training windows, sampler of validation windows)).

    Raises ValueError if `run` cannot be trained on them.
    """
    from dataclasses import replace

    from splitstrument import networks
    from training.config import Augmentation
    from training.sampler import Sampler
    from training.selection import select

    form = networks.form(run.network, run.options)
    selection = select(run, root, form.samples)
    shape = (form.samples, form.step, form.channels, run.seed)
    in_order = replace(run.windows, sampling="sequential", shuffle="none", steps=0)
    most, example = run.validation_steps, bool(form.example)
    return selection, (
        Sampler(selection.training, run.windows, run.augmentation, *shape, example=example),
        Sampler(selection.validation, in_order, Augmentation(), *shape, most=most, example=example),
    )


def _environment(keras: Any, devices: "Devices") -> dict[str, object]:
    """The versions and devices of a run."""
    import platform
    from importlib.metadata import version

    name, on = keras.backend.backend(), [str(device) for device in keras.distribution.list_devices()]
    return {
        "splitstrument": version("splitstrument"),
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": f"{name} {version(name)} on {', '.join(on)}",
        "numpy": version("numpy"),
        "machine": f"{platform.node()}, {platform.platform()}",
        "replicas": devices.replicas,
        "command": sys.argv,
    }


def _load(options: argparse.Namespace) -> list[tuple]:
    """[(configuration file, changes, run, result of `prepare`)] of all runs, checked before the first one starts.

    Collections in other formats are decoded.
    """
    from training import config, devices
    from training.decoding import decode
    from training.selection import decodings
    from training.variants import variants

    loaded: list[tuple] = []
    decoded = set()
    series = [(file, changes) for file in options.configurations for changes in variants(file, options.set)]
    for path, changes in series:
        run = config.load(path, changes)
        if run.name in (other.name for _, _, other, _ in loaded):
            raise ValueError(f"{path}: another run is also called {run.name}; use different names")
        _check_packages(run)
        for needed in [] if devices.worker() else decodings(run, options.pairs):
            if needed not in decoded:
                decode(needed)
            decoded.add(needed)
        loaded.append((path, changes, run, prepare(run, options.pairs)))
    return loaded


def _check_packages(run: "Run") -> None:
    """Raise ModuleNotFoundError now if a package that the run needs later is missing."""
    import importlib

    for name, needed in (("librosa", run.augmentation.stretched > 0), ("tensorboardX", run.tensorboard)):
        if needed:
            importlib.import_module(name)


def _one(run: "Run", selection: "Selection", samplers: "tuple[Sampler, Sampler]", path: Path) -> int:
    """Train one run unless it is finished. Returns the exit code."""
    from splitstrument.stages.locking import locked
    from training import checkpoints, devices
    from training.run_folder import RunFolder
    from training.state import State, is_finished
    from training.stopping import Stopping

    for line in selection.left_out:
        print(line, file=sys.stderr)
    path.mkdir(parents=True, exist_ok=True)
    stopping = Stopping()
    with contextlib.nullcontext() if devices.worker() else locked(path), stopping.listening():
        folder = RunFolder(path, run, selection)
        state = checkpoints.read_state(folder.checkpoints)
        if state and is_finished(run, State(**state)):
            print(f"{path}: already finished, after epoch {state['epoch']}")
            return 0
        if not train(run, samplers, folder, stopping):
            return 130
    print(f"{path}: this folder is a model; try: splitstrument separate SONG --model {path}")
    return 0


def _queue(loaded: list[tuple], options: argparse.Namespace) -> int:
    """Train runs one after another, each in its own process so that failures stay separate. Returns the exit code."""
    from training.processes import run_command

    codes = {}
    for path, changes, run, _ in loaded:
        line = ["train", str(path), "--pairs", options.pairs, "--output", options.output]
        codes[run.name] = run_command(*line, *(part for change in changes for part in ("--set", change)))
        if codes[run.name] == 130:
            return 130
    failed = [name for name, code in codes.items() if code]
    print(f"{len(codes)} runs: {len(codes) - len(failed)} finished" + (f"; failed: {', '.join(failed)}" * bool(failed)))
    return 1 if failed else 0


@command
def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser("train", __doc__.split("\n")[0])
    parser.add_argument(
        "configurations",
        nargs="+",
        metavar="CONFIG",
        help="YAML file of a run or of a series, or a .jsonc file of the thesis; runs are trained one after another",
    )
    pairs = "folder of the collections, or a collection's own, such as MUSDB18's (default: current folder)"
    parser.add_argument("--pairs", default=".", help=pairs)
    parser.add_argument("--output", default="runs", help="folder for the run folders (default: runs)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="override a field of the file, for example --set optimizer.learning_rate=1e-3",
    )
    options = parser.parse_args(arguments)
    loaded = _load(options)
    if len(loaded) > 1:
        return _queue(loaded, options)
    _, _, run, (selection, samplers) = loaded[0]
    return _one(run, selection, samplers, Path(options.output) / run.name)


if __name__ == "__main__":
    sys.exit(main())
