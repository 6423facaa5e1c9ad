"""What runs of several networks cost and give, side by side: a table, and a picture of quality over size.

    python -m tests.benchmarks.runs RUN... --pairs TRACKS --evaluation EVALUATION [--picture FILE]

RUN is a folder of `splitstrument train` on TRACKS, EVALUATION a folder of `splitstrument evaluate` with these runs. For
each run: its trainable parameters; the seconds of a training step and the most memory, by a training of its own
configuration that is begun anew for two short epochs, of which the second counts; times real time and the most memory
of `splitstrument separate` with three minutes of stereo; and medians of SI-SDR and plain SDR of every part.
"""

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.processes import Run, machine, run, write_song

STEPS, SECONDS = 10, 180.0


def step(folder: Path, pairs: Path) -> tuple[float, Run]:
    """(seconds of a training step without waiting for data, the whole short training)."""
    from training.run_folder import CONFIGURATION, read_history

    with tempfile.TemporaryDirectory() as scratch:
        short = [f"windows.steps={STEPS}", "epochs=2", "validation_steps=1", "name=short"]
        command = [sys.executable, "-m", "splitstrument", "train", str(folder / CONFIGURATION), "--pairs", str(pairs)]
        made = run([*command, "--output", scratch, *(word for each in short for word in ("--set", each))])
        last = read_history(Path(scratch) / "short")[-1]
    return (last["seconds"] - last["waited"]) / STEPS, made


def separated(folder: Path) -> Run:
    """A separation of three minutes, from the start of the program to its files."""
    with tempfile.TemporaryDirectory() as scratch:
        song = Path(scratch, "song.wav")
        write_song(song, SECONDS)
        command = [sys.executable, "-m", "splitstrument", "separate", str(song), "--model", str(folder)]
        return run([*command, "--output", scratch])


def draw(path: Path, rows: list[dict], parts: list[str]) -> None:
    """SI-SDR of each part over the parameters; the names of the runs stand above."""
    from matplotlib.figure import Figure

    from splitstrument.files.pictures import save

    plot = Figure((8, 4.5), layout="constrained")
    axes = plot.add_subplot()
    sizes = [row["parameters"] for row in rows]
    for part, marker in zip(parts, itertools.cycle("osD^v")):
        axes.plot(sizes, [row[part] for row in rows], label=part, linestyle="", marker=marker, alpha=0.8)
    axes.set_xscale("log")
    names = axes.secondary_xaxis("top")
    names.set_xticks(sizes, [row["name"] for row in rows], rotation=25, ha="left", fontsize=8)
    names.minorticks_off()
    axes.set_xlabel("trainable parameters")
    axes.set_ylabel("median SI-SDR in dB")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    save(plot, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True)
    parser.add_argument("--picture", type=Path, help="a PNG and an SVG of this name, without its ending")
    options = parser.parse_args()
    costs = [(*step(folder, options.pairs), separated(folder)) for folder in options.runs]
    # Imported late: what starts programs should be small (see processes.run).
    from evaluation.results import find
    from splitstrument.files.tables import markdown

    ((_, evaluation),) = find([options.evaluation])
    results = {Path(result.source).resolve(): result for result in evaluation.systems if result.source}
    rows, table = [], []
    for folder, (seconds, training, separation) in zip(options.runs, costs, strict=True):
        result = results[folder.resolve()]
        parts = list(result.summary)
        si_sdr = {part: result.summary[part].measures["si_sdr"].median for part in parts}
        plain = {part: result.summary[part].measures["plain_sdr"].median for part in parts}
        rows.append({"name": result.name, "parameters": result.parameters, **si_sdr})
        figures = (f"{result.parameters:,}", f"{seconds:.2f}", f"{training.mebibytes:,.0f}")
        figures += (f"{SECONDS / separation.seconds:.1f}", f"{separation.mebibytes:,.0f}")
        table.append((f"`{result.name}`", *figures, *(f"{si_sdr[part]:.2f} / {plain[part]:.2f}" for part in parts)))
    print(machine() + "\n")
    head = ("run", "parameters", "s a step", "MiB in training", "times real time", "MiB")
    print(markdown((*head, *(f"{part}: SI-SDR / SDR" for part in parts)), table))
    if options.picture:
        draw(options.picture, rows, parts)


if __name__ == "__main__":
    main()
