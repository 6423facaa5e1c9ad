r"""`splitstrument separate` beside Spleeter and Demucs: time and memory from the start of a program to its files.

    python3.11 -m venv scratch && scratch/bin/pip install spleeter==2.4.2       # and ffmpeg
    python3.11 -m venv other && other/bin/pip install torch demucs==4.1.0 soundfile
    python tests/benchmarks/rivals.py --spleeter scratch/bin/spleeter --models PRETRAINED_MODELS \
        --demucs other/bin/python

PRETRAINED_MODELS holds Deezer's `2stems`, which ours is given too; what is not named is left out. Songs are the
example song, again and again, as 16-bit 44.1 kHz stereo WAV. Systems take turns in every round, each time as a new
process that writes new files; they stand in the order of their median times. `computing` are the seconds of all
processors together, and memory is the most that the largest process had in any round. Spleeter gets the song's length
(`-d`), for it stops at 10 minutes otherwise.

Demucs needs weights for its sound, but not for its time: `htdemucs` runs with random ones (demucs_random.py), on the
first of the songs, with its own defaults but one: no shifts. Ours runs with the same weights.
"""

import argparse
import math
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from processes import Failed, Run, machine, run, versions, write_song

SPLEETER, DEMUCS = "Spleeter 2stems", "Demucs, htdemucs"


@dataclass
class System:
    """A program that separates a song into `folder`, and how it went."""

    name: str
    command: list[str]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The median of its times."""
        return statistics.median(run.seconds for run in self.runs)

    @property
    def mebibytes(self) -> float:
        """The most of all rounds."""
        return max(run.mebibytes for run in self.runs)

    def separate(self, length: float) -> None:
        """One more run. Raises Failed, too where a stem is not `length` seconds long."""
        import soundfile

        shutil.rmtree(self.folder, ignore_errors=True)
        self.runs.append(run(self.command, self.environment))
        stems = list(self.folder.rglob("*.wav"))
        for stem in stems:
            written = soundfile.info(stem).duration
            if abs(written - length) > 0.1:
                raise Failed(f"{stem.name}: is {written:.2f} s long, and the song is {length:.2f} s")
        if len(stems) < 2:
            raise Failed(f"{self.name}: wrote {len(stems)} stems")
        shutil.rmtree(self.folder)


def systems(options: argparse.Namespace, song: Path, length: float) -> Iterator[System]:
    """All that are asked for and there."""
    ours = [options.ours, "-m", "splitstrument", "separate", str(song)]
    runtimes = list(options.runtimes)
    if "keras" in runtimes and "tensorflow" not in versions(options.ours, "tensorflow"):
        print(f"Left out: the runtime keras, for {options.ours} has no TensorFlow.", flush=True)
        runtimes.remove("keras")
    models = {name: name for name in options.model}
    if options.models:
        models["2stems"] = str((options.models / "2stems").absolute())
    for name, model in models.items():
        for runtime in runtimes:
            folder = song.parent / f"{name}_{runtime}"
            command = [*ours, "--model", model, "--runtime", runtime, "--output", str(folder)]
            yield System(f"ours, {name}, {runtime}", command, folder)
    if options.spleeter and options.models:
        folder = song.parent / "spleeter"
        command = [options.spleeter, "separate", "-p", "spleeter:2stems", "-d", str(math.ceil(length))]
        environment = {"MODEL_PATH": str(options.models.absolute())}
        yield System(SPLEETER, [*command, "-o", str(folder), str(song)], folder, environment)
    if options.demucs and length == options.minutes[0] * 60:
        model = song.parent / "htdemucs"
        model.mkdir()
        weights, script = str(model / "random.safetensors"), str(Path(__file__).with_name("demucs_random.py"))
        run([options.demucs, script, "write", weights])
        folder = song.parent / "ours"
        command = [*ours, "--model", str(model), "--format", "wav", "--output", str(folder)]
        yield System("ours, htdemucs, keras", command, folder)
        folder = song.parent / "demucs"
        command = [options.demucs, script, "separate", weights, str(song), str(folder)]
        yield System(DEMUCS, command, folder)


def measure(options: argparse.Namespace, minutes: float) -> list[System]:
    """All systems on a song of so many minutes. One that fails is left out, and a line says why."""
    with tempfile.TemporaryDirectory() as folder:
        song = Path(folder, "song.wav")
        write_song(song, minutes * 60)
        running = list(systems(options, song, minutes * 60))
        for _ in range(options.repeats):
            for system in list(running):
                try:
                    system.separate(minutes * 60)
                    print(f"  {system.name}: {system.runs[-1].seconds:.2f} s", file=sys.stderr, flush=True)
                except Failed as error:
                    print(f"Left out: {system.name}. {error}", flush=True)
                    running.remove(system)
    return running


def table(measured: list[System]) -> str:
    """Markdown: the figures of each system, beside those of the rival that is there."""
    rival = next((system for system in measured if system.name in (SPLEETER, DEMUCS)), None)
    name = rival.name.split()[0].strip(",") if rival else "a rival"
    lines = [f"| system | median | all | computing | times as fast as {name} | peak memory | of {name}'s |"]
    lines.append("|---|---|---|---|---|---|---|")
    for system in sorted(measured, key=lambda system: system.seconds):
        times = sorted(run.seconds for run in system.runs)
        computing = statistics.median(run.computing for run in system.runs)
        faster = f"{rival.seconds / system.seconds:.2f}" if rival else ""
        share = f"{system.mebibytes / rival.mebibytes:.0%}" if rival else ""
        spread = f"{times[0]:.1f} to {times[-1]:.1f} s" if len(times) > 1 else "one run"
        cells = [system.name, f"{system.seconds:.1f} s", spread, f"{computing:.1f} s", faster]
        lines.append("| " + " | ".join([*cells, f"{system.mebibytes:,.0f} MiB", share]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", default=sys.executable, help="the Python that has splitstrument (default: this one)")
    parser.add_argument("--model", nargs="*", default=["guitar"], help="our models (default: guitar)")
    parser.add_argument("--runtimes", nargs="*", default=["onnx", "keras"], help="of ours (default: onnx keras)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="the folder that holds Deezer's 2stems")
    parser.add_argument("--spleeter", metavar="PROGRAM", help="Spleeter's program")
    parser.add_argument("--demucs", metavar="PYTHON", help="a Python that has Demucs")
    parser.add_argument("--minutes", type=float, nargs="+", default=[3.0, 12.0], help="of the songs (default: 3 12)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds (default: 5)")
    options = parser.parse_args()
    print(machine())
    ours = versions(options.ours, "splitstrument", "onnxruntime", "tensorflow", "keras", "numpy")
    print("ours:", ", ".join(map(" ".join, ours.items())))
    if options.demucs:
        print("Demucs:", ", ".join(map(" ".join, versions(options.demucs, "demucs", "torch").items())))
    for minutes in options.minutes:
        measured = measure(options, minutes)
        print(f"\n{minutes:g} minutes, from the start of the program to its files, {options.repeats} rounds:\n")
        print(table(measured), flush=True)


if __name__ == "__main__":
    main()
