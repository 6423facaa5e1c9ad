"""Pairs -> a trained model: one run or a queue of runs, a folder each.

A run folder is a model folder with its history, from its first step on. A run that was stopped, or whose machine went
down, goes on where it was when the same command is given again. Pure Keras 3: any backend.
"""

import argparse
import contextlib
import signal
import subprocess
import sys
from pathlib import Path

from splitstrument.console import command


def train(run, selection, samplers, path):
    """Train `run` (training.config.Run) on a Selection of tracks, in the folder `path`, until it is finished.

    `samplers`: those of training and validation windows, see `prepare`.

    Goes on from the folder's newest checkpoint. Returns whether it came to its end (False: somebody stopped it). Raises
    ValueError where the folder is another run's, or training cannot go on.
    """
    from splitstrument.backend import keras_on

    keras = keras_on()
    from splitstrument import networks
    from training import devices, losses, optimizers
    from training.loop import Loop, Stopped
    from training.run_folder import RunFolder
    from training.stopping import Stopping
    from training.trainee import Trainee

    found = devices.find()
    keras.utils.set_random_seed(run.seed)
    settings = networks.settings(run.network, run.options)
    folder = RunFolder(path, run, selection)
    with found.scope():
        keras.config.set_dtype_policy("mixed_bfloat16" if run.precision == "bfloat16" else "float32")
        network = networks.build(run.network, run.options)
        keras.config.set_dtype_policy("float32")
        if run.initial:
            _begin_with(network, run.initial, folder.path.parent)
        loss = losses.find(run.loss)
        trainee = Trainee(network, settings.fft_length, run.sample_rate, loss, found.replicas)
        optimizer = optimizers.build(run.optimizer, samplers[0].steps, run.epochs)
        optimizer.build(network.trainable_variables)
        trainee.compile(optimizer, jit_compile="auto" if found.replicas == 1 else False)
    if found.chief:
        folder.describe(_environment(keras, found))
    stopping = Stopping()
    loop = Loop(run, trainee, *samplers, found, folder, stopping)
    with stopping.listening():
        try:
            loop.resume()
            loop.go()
        except Stopped:
            if found.chief:
                state = loop.state
                folder.say(
                    f"{path}: stopped in epoch {state.epoch + 1}, after step {state.step}; give the command again"
                )
            return False
    return True


def prepare(run, root):
    """(Selection of the tracks below `root`, (sampler of training windows, sampler of validation windows)).

    Raises ValueError, with a line for each fault, where `run` cannot be trained on them.
    """
    from dataclasses import replace

    from splitstrument import networks
    from training.config import Augmentation
    from training.sampler import Sampler
    from training.selection import select

    settings = networks.settings(run.network, run.options)
    hop = settings.fft_length // 4
    length = (settings.frames - 1) * hop + settings.fft_length
    selection = select(run, root, length)
    shape = (length, settings.frames * hop, settings.channels, run.seed)
    in_order = replace(run.windows, sampling="sequential", shuffle="none", steps=0)
    return selection, (
        Sampler(selection.training, run.windows, run.augmentation, *shape),
        Sampler(selection.validation, in_order, Augmentation(), *shape, most=run.validation_steps),
    )


def _begin_with(network, initial, runs):
    """Give `network` the weights of a run beside this one, or of a model."""
    from splitstrument import models

    weights = models.load(runs / initial if (runs / initial).is_dir() else initial)[1].get_weights()
    try:
        network.set_weights(weights)
    except ValueError:
        raise ValueError(f"initial: {initial} is another network than this run's") from None


def _environment(keras, devices):
    """What a run runs on."""
    import platform
    from importlib.metadata import version

    backend = keras.backend.backend()
    return {
        "splitstrument": version("splitstrument"),
        "python": platform.python_version(),
        "keras": keras.__version__,
        backend: version(backend),
        "numpy": version("numpy"),
        "devices": [str(device) for device in keras.distribution.list_devices()],
        "replicas": devices.replicas,
        "command": sys.argv,
    }


def _load(options):
    """[(configuration file, run, what `prepare` gives)] of all runs, checked before the first one begins."""
    from training import config

    loaded = []
    for path in options.configurations:
        run = config.load(path, options.set)
        if run.name in (other.name for _, other, _ in loaded):
            raise ValueError(f"{path}: another run is called {run.name} too; give each its name")
        _check_packages(run)
        loaded.append((path, run, prepare(run, options.pairs)))
    return loaded


def _check_packages(run):
    """Raise ModuleNotFoundError now for what a run would miss later."""
    import importlib

    for name, needed in (("librosa", run.augmentation.stretched > 0), ("tensorboardX", run.tensorboard)):
        if needed:
            importlib.import_module(name)


def _one(run, selection, samplers, path):
    """Train one run unless it is finished: the exit code."""
    from splitstrument.locking import locked
    from training import checkpoints, devices
    from training.state import State, is_finished

    state = checkpoints.read_state(path / "checkpoints")
    if state and is_finished(run, State(**state)):
        print(f"{path}: finished before, after epoch {state['epoch']}")
        return 0
    for line in selection.left_out:
        print(line, file=sys.stderr)
    path.mkdir(parents=True, exist_ok=True)
    with contextlib.nullcontext() if devices.worker() else locked(path):
        if not train(run, selection, samplers, path):
            return 130
    print(f"{path}: a model folder; use it with: splitstrument separate SONG --model {path}")
    return 0


def _queue(loaded, options):
    """Train runs one after the other, each in a process of its own, so that none takes another down: the exit code."""
    codes = {}
    for path, run, _ in loaded:
        line = [sys.executable, "-m", "splitstrument", "train", str(path), "--pairs", options.pairs]
        line += ["--output", options.output, *(part for change in options.set for part in ("--set", change))]
        with subprocess.Popen(line) as process:
            # The terminal's Ctrl-C reaches the run itself; what is sent to this process is passed on.
            before = signal.signal(signal.SIGTERM, lambda *_, process=process: process.terminate())
            ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
            codes[run.name] = process.wait()
            signal.signal(signal.SIGTERM, before)
            signal.signal(signal.SIGINT, ignored)
        if codes[run.name] == 130:
            return 130
    failed = [name for name, code in codes.items() if code]
    print(f"{len(codes)} runs: {len(codes) - len(failed)} finished" + (f"; failed: {', '.join(failed)}" * bool(failed)))
    return 1 if failed else 0


@command
def main(arguments=None):
    parser = argparse.ArgumentParser(prog="splitstrument train", description=__doc__.split("\n")[0])
    parser.add_argument(
        "configurations",
        nargs="+",
        metavar="CONFIG",
        help="the run's YAML file (or a .jsonc of the thesis); several are trained one after the other",
    )
    parser.add_argument("--pairs", default=".", help="the folder that the collections' folders are in")
    parser.add_argument("--output", default="runs", help="the folder of run folders")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="instead of what the file says, for example --set optimizer.learning_rate=1e-3",
    )
    options = parser.parse_args(arguments)
    loaded = _load(options)
    if len(loaded) > 1:
        return _queue(loaded, options)
    _, run, prepared = loaded[0]
    return _one(run, *prepared, Path(options.output) / run.name)


if __name__ == "__main__":
    sys.exit(main())
