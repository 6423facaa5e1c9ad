"""Peak memory and time of `splitstrument separate` for songs of 1, 10 and 60 minutes, and what a minute costs.

    python tests/benchmarks/memory.py --model guitar

Songs are the example song, again and again, as 16-bit 44.1 kHz stereo WAV; each is separated by a process of its own,
from its start to its stems on disk. At the end stand straight lines through the figures, by least squares. Songs and
stems lie in a temporary folder (TMPDIR), of which 60 minutes take 1.9 GB.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from processes import Run, machine, run, write_song


def separate(python: str, song: Path, model: str, runtime: str | None) -> Run:
    """One separation by a process of its own, whose stems are removed. Raises Failed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [python, "-m", "splitstrument", "separate", str(song), "--model", model, "--output", folder]
        return run([*command, "--runtime", runtime] if runtime else command)


def line(minutes: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    """(a, b, e): value = a + b x minutes by least squares, from which none of the values is further away than e."""
    import numpy as np

    slope, start = np.polyfit(minutes, values, 1)
    return start, slope, np.abs(start + slope * np.asarray(minutes) - values).max()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ours", default=sys.executable, help="the Python that has splitstrument (default: this one)")
    parser.add_argument("--model", default="guitar", help="(default: guitar)")
    parser.add_argument("--runtime", choices=("auto", "onnx", "keras"), help="(default: as it comes)")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10, 60], help="(default: 1 10 60)")
    parser.add_argument("--repeats", type=int, default=3, help="runs for each length (default: 3)")
    options = parser.parse_args()
    print(machine())
    print(f"\n| minutes of {options.model} | median time | times real time | computing | peak memory |")
    print("|---|---|---|---|---|", flush=True)
    seconds, mebibytes = [], []
    for minutes in options.minutes:
        with tempfile.TemporaryDirectory() as folder:
            song = Path(folder, "song.wav")
            write_song(song, minutes * 60)
            runs = [separate(options.ours, song, options.model, options.runtime) for _ in range(options.repeats)]
        seconds.append(statistics.median(each.seconds for each in runs))
        mebibytes.append(max(each.mebibytes for each in runs))
        computing = statistics.median(each.computing for each in runs)
        cells = [f"{minutes:g}", f"{seconds[-1]:.2f} s", f"{60 * minutes / seconds[-1]:.1f}", f"{computing:.1f} s"]
        print("| " + " | ".join([*cells, f"{mebibytes[-1]:.0f} MiB"]) + " |", flush=True)
    if len(set(options.minutes)) > 1:
        start, slope, off = line(options.minutes, seconds)
        print(f"\nseconds = {start:.2f} {slope:+.3f} x minutes (at most {off:.2f} s from what was measured)")
        start, slope, off = line(options.minutes, mebibytes)
        print(f"MiB = {start:.0f} {slope:+.2f} x minutes (at most {off:.0f} MiB from what was measured)")


if __name__ == "__main__":
    main()
