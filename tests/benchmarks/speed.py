"""Times real time within one process, which has loaded everything before; for whole programs see rivals.py.

    python tests/benchmarks/speed.py
    python tests/benchmarks/speed.py --models PRETRAINED_MODELS --spleeter scratch/bin/spleeter

- song: from file to file (decode a 16-bit 44.1 kHz stereo WAV, separate, write the stems), in each runtime.
- network: the network alone, without decoding and STFT, in each runtime and precision: what a window of it costs when
  as many run at once as a song lets run, what a minute of a song costs, and one window alone. PRETRAINED_MODELS holds
  Deezer's `2stems`, which is measured too; with Spleeter's program, also that in its TensorFlow (spleeter_networks.py).
- hourglass: the thesis's Stacked Hourglass, ours in each runtime against the thesis's way (float32, one window at a
  time, no overlap), from the same spectra.

Each figure is the median of some rounds in which rivals take turns, after one to warm up. What needs TensorFlow is
left out where there is none.
"""

import argparse
import functools
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from processes import machine, versions, write_song

if TYPE_CHECKING:
    import numpy as np

    from splitstrument.extraction import Model

PARTS = ("song", "network", "hourglass")
WAYS = (("onnx", "float32"), ("keras", "float32"), ("keras", "auto"))
THESIS, HOURGLASS_WINDOWS = "the thesis's way", 8
SPLEETER_STEP = 512 * 1024 / 44100  # seconds from one of its windows to the next one


def medians(rivals: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each function, rounds alternating, after one to warm up. One that returns a float has timed
    itself."""
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(rounds + 1):
        for name, function in rivals.items():
            start = time.perf_counter()
            own = function()
            took = time.perf_counter() - start if not isinstance(own, float) else own
            if turn:
                times[name].append(took)
    return {name: statistics.median(values) for name, values in times.items()}


def runtimes_there() -> tuple[str, ...]:
    """Keras only with TensorFlow."""
    return ("onnx", "keras") if importlib.util.find_spec("tensorflow") else ("onnx",)


def song(model: str, seconds: float, rounds: int) -> None:
    """From file to file."""
    from splitstrument import Separator
    from splitstrument.song_files import Output, separate_file

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "song.wav")
        write_song(path, seconds)
        ways: dict[str, Callable[[], object]] = {}
        for runtime in runtimes_there():
            separator = Separator(model, runtime=runtime)
            ways[runtime] = functools.partial(separate_file, separator, path, Path(folder), Output())
        times = medians(ways, rounds)
    print(f"\n{model}, {seconds:g} s from file to file, in a process that has loaded it:\n")
    print("| runtime | time | times real time |\n|---|---|---|")
    for name, took in times.items():
        print(f"| {name} | {took:.2f} s | {seconds / took:.1f} |", flush=True)


@dataclass(frozen=True)
class Network:
    """A model's network in a runtime, and a random window. `step`: the seconds of a song from one to the next."""

    model: "Model"
    window: dict[str, "np.ndarray"]
    step: float

    @classmethod
    def load(cls, model: str, runtime: str, precision: str) -> "Network":
        """Raises ModelError and ValueError where this model has no such runtime."""
        import numpy as np

        from splitstrument import inference

        loaded = inference.load(model, precision, "cpu", runtime)
        form, random = loaded.form, np.random.default_rng(0)
        window = {name: random.random((1, *shape), np.float32) * 10 for name, shape in form.shapes().items()}
        hop = form.window / 4 if form.domain == "spectrum" else 1
        return cls(loaded, window, (form.length - loaded.overlap) * hop / loaded.card.sample_rate)

    def windows(self, count: int) -> None:
        """So many windows, as many of them at once as the runtime takes of a song."""
        runtime = self.model.runtime
        list(runtime.workers.map(runtime.predict, [self.window] * count))

    def alone(self, count: int) -> None:
        """So many windows, one after the other."""
        for _ in range(count):
            self.windows(1)


def network(models: Mapping[str, str], options: argparse.Namespace) -> None:
    """Networks alone: `models` are names that are shown, and the models."""
    from splitstrument.cards import ModelError

    print("\nNetworks alone:\n")
    print("| network | a window, as in a song | a minute of a song | times real time | one window alone |")
    print("|---|---|---|---|---|", flush=True)
    for shown, model in models.items():
        networks = {}
        for runtime, precision in WAYS:
            if runtime not in runtimes_there():
                continue
            try:
                networks[f"{shown}, {runtime}, {precision}"] = Network.load(model, runtime, precision)
            except (ModelError, ValueError) as error:
                print(f"Left out: {shown}, {runtime}, {precision}. {error}", flush=True)
        steps = {name: network.step for name, network in networks.items()}
        counts = {name: max(4, round(options.length / step)) for name, step in steps.items()}
        ways = {name: functools.partial(network.windows, counts[name]) for name, network in networks.items()}
        if options.spleeter and shown == "2stems":
            name = "2stems, Spleeter's own TensorFlow, float32"
            steps[name], counts[name] = SPLEETER_STEP, max(4, round(options.length / SPLEETER_STEP))
            ways[name] = functools.partial(theirs, options, counts[name])
        times = medians(ways, options.rounds)
        single = medians({name: functools.partial(n.alone, 4) for name, n in networks.items()}, options.rounds)
        for name, took in times.items():
            window = took / counts[name]
            alone = f"{250 * single[name]:.0f} ms" if name in single else ""
            cells = [name, f"{1000 * window:.0f} ms", f"{60 * window / steps[name]:.2f} s"]
            print("| " + " | ".join([*cells, f"{steps[name] / window:.0f}", alone]) + " |", flush=True)


def theirs(options: argparse.Namespace, count: int) -> float:
    """The seconds of Spleeter's own networks for so many windows at once."""
    command = [Path(options.spleeter).with_name("python"), Path(__file__).with_name("spleeter_networks.py"), str(count)]
    environment = os.environ | {"MODEL_PATH": str(options.models.absolute())}
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    return float(printed.split()[-1])


def hourglass(rounds: int) -> None:
    """The thesis's network, its way and ours."""
    from splitstrument import models, networks
    from splitstrument.backend import keras_on
    from splitstrument.exporting import export

    keras_on()
    with tempfile.TemporaryDirectory() as folder:
        slow = networks.build("hourglass")
        models.save(slow, models.Card("hourglass", ("guitar",), 22050, "hourglass"), folder)
        export(folder)
        ours = {", ".join(way): Network.load(folder, *way) for way in WAYS}
    window = ours["keras, float32"].window

    def the_thesis_way() -> None:
        for _ in range(HOURGLASS_WINDOWS):
            slow.predict(window, verbose=0)

    ways = {name: functools.partial(network.windows, HOURGLASS_WINDOWS) for name, network in ours.items()}
    times = medians(ways | {THESIS: the_thesis_way}, rounds)
    steps = {name: network.step for name, network in ours.items()}
    steps[THESIS] = networks.form("hourglass").step / 22050  # whose windows do not overlap
    speeds = {name: steps[name] * HOURGLASS_WINDOWS / took for name, took in times.items()}
    print("\nHourglass, network alone:\n\n| | times real time | times as fast as the thesis's way |\n|---|---|---|")
    for name, speed in speeds.items():
        print(f"| {name} | {speed:.2f} | {speed / speeds[THESIS]:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure (default: all)")
    parser.add_argument("--model", default="guitar", help="(default: guitar)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="the folder that holds Deezer's 2stems")
    parser.add_argument("--spleeter", metavar="PROGRAM", help="Spleeter's program, with --models")
    parser.add_argument("--length", type=float, default=120, help="seconds of the song (default: 120)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    options = parser.parse_args()
    print(machine())
    print(", ".join(map(" ".join, versions(sys.executable, "onnxruntime", "tensorflow", "keras", "numpy").items())))
    if "song" in options.parts:
        song(options.model, options.length, options.rounds)
    if "network" in options.parts:
        models = {options.model: options.model}
        network(models | ({"2stems": str(options.models / "2stems")} if options.models else {}), options)
    if "hourglass" in options.parts and "keras" in runtimes_there():
        hourglass(options.rounds)


if __name__ == "__main__":
    main()
