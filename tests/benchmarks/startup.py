"""How long a short song takes, and where that time goes: by `splitstrument separate`, and in the demonstrator.

    python tests/benchmarks/startup.py

- separate: a song of 10 s (`--seconds`), from the program's start to its stems on disk, and the steps of that, each
  measured alone: Python's own start; the imports by `-X importtime`, for each package the time of its own modules,
  without those of other packages that they import; loading the model; decoding, separating and writing the song
  (startup_steps.py). What is left over is the rest: options, looking for songs and models, and the program's end.
- serve: from the start of `splitstrument serve` to its first line and to its first page, and a job of 30 s
  (`--job-seconds`) from its upload to "done": the first one, sent as soon as that page is there, and the one after it.

All figures are medians of some rounds. Songs are the example song, as 16-bit 44.1 kHz stereo WAV.
"""

import argparse
import contextlib
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from processes import machine, run, versions, write_song

PARTS = ("separate", "serve")
SHOWN = 0.01  # seconds of a package that gets a line of its own
# The program, with its standard error kept open: that is closed while TensorFlow is imported, and has the times.
PROGRAM = """
import os, runpy
plain = os.dup2
os.dup2 = lambda here, there, *more: there if there == 2 else plain(here, there, *more)
runpy.run_module("splitstrument", run_name="__main__", alter_sys=True)
"""
IMPORT = re.compile(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", re.M)


def imports(python: str, code: str, *words: str) -> dict[str, float]:
    """{module: seconds of its own} of all that a Python imports for this code, whose arguments are `words`."""
    command = [python, "-X", "importtime", "-c", code, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, errors="replace")
    return {name: int(microseconds) / 1e6 for microseconds, name in IMPORT.findall(done.stderr)}


def packages(modules: Mapping[str, float]) -> Counter[str]:
    """The seconds of each top-level package; the standard library is one."""
    sums: Counter[str] = Counter()
    for name, seconds in modules.items():
        top = name.split(".")[0]
        sums["standard library" if top in sys.stdlib_module_names else top] += seconds
    return sums


def separate(python: str, model: str, runtime: str, seconds: float, repeats: int) -> None:
    """The whole program, and its steps."""
    with tempfile.TemporaryDirectory() as folder:
        song = str(Path(folder, "song.wav"))
        write_song(song, seconds)
        words = ["separate", song, "--model", model, "--runtime", runtime]
        words += ["--overwrite", "--output", folder]
        whole, bare, load, work = [], [], [], []
        imported: list[Counter[str]] = []
        for _ in range(repeats):
            whole.append(run([python, "-m", "splitstrument", *words]).seconds)
            bare.append(run([python, "-c", "pass"]).seconds)
            before = imports(python, "pass")
            modules = {name: each for name, each in imports(python, PROGRAM, *words).items() if name not in before}
            imported.append(packages(modules))
            command = [python, str(Path(__file__).with_name("startup_steps.py")), song, model, runtime]
            listed = "\n".join(modules)
            printed = subprocess.run(command, input=listed, check=True, capture_output=True, text=True).stdout
            steps = json.loads(printed.splitlines()[-1])
            load.append(steps["load"])
            work.append(steps["separate"])
    total = statistics.median(whole)
    names = {name for sums in imported for name in sums}
    own = {name: statistics.median(sums[name] for sums in imported) for name in names}
    large = sorted((name for name in own if own[name] >= SHOWN), key=own.__getitem__, reverse=True)
    rows = {"Python's start": statistics.median(bare)}
    rows |= {f"import: {name}": own[name] for name in large}
    rows[f"import: {len(names) - len(large)} smaller packages"] = sum(own[name] for name in names - set(large))
    rows |= {"load the model": statistics.median(load), "separate the song": statistics.median(work)}
    rows["the rest"] = total - sum(rows.values())
    print(f"\n`separate` on {seconds:g} s, {model}, {runtime}: {total:.2f} s ({spread(whole)}), {repeats} rounds\n")
    print("| step | seconds | share |\n|---|---|---|")
    for name, took in rows.items():
        print(f"| {name} | {took:.3f} | {took / total:.0%} |", flush=True)


def spread(values: Sequence[float]) -> str:
    """The least and the most."""
    return f"{min(values):.2f} to {max(values):.2f}"


@contextlib.contextmanager
def demonstrator(python: str, model: str, folder: str) -> Iterator[tuple[str, float]]:
    """A server that has told where it is: its address, and when it was started."""
    words = ["-m", "splitstrument", "serve", "--port", "0", "--folder", folder, "--models", model, "--youtube", "no"]
    start = time.perf_counter()
    process = subprocess.Popen([python, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        found = re.match(r"http://\S+", process.stdout.readline() if process.stdout else "")
        if not found:
            sys.exit(f"{' '.join(words)}: did not start; does {python} have splitstrument[web]?")
        yield found[0], start
    finally:
        process.terminate()
        process.wait()


def job(address: str, song: bytes) -> float:
    """The seconds from sending a song until its job is done."""
    border = "song-of-a-benchmark"
    head = f'--{border}\r\nContent-Disposition: form-data; name="song"; filename="song.wav"\r\n\r\n'
    body = head.encode() + song + f"\r\n--{border}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={border}"}
    start = time.perf_counter()
    said = ask(urllib.request.Request(f"{address}/api/jobs", body, kind))
    while said["state"] in ("waiting", "running"):
        time.sleep(0.03)
        said = ask(f"{address}/api/jobs/{said['id']}")
    if said["state"] != "done":
        sys.exit(f"the job is {said['state']}: {said['message']}")
    return time.perf_counter() - start


def ask(request: str | urllib.request.Request) -> dict:
    """The JSON that is answered."""
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def serve(python: str, model: str, seconds: float, repeats: int) -> None:
    """The server's start, and two jobs."""
    names = ("first line", "first page", "first job", "second job")
    times: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "song.wav")
        write_song(path, seconds)
        song = path.read_bytes()
        for turn in range(repeats):
            with demonstrator(python, model, f"{folder}/{turn}") as (address, start):
                times["first line"].append(time.perf_counter() - start)
                with urllib.request.urlopen(f"{address}/", timeout=60) as answer:
                    answer.read()
                times["first page"].append(time.perf_counter() - start)
                times["first job"].append(job(address, song))
                times["second job"].append(job(address, song))
    print(f"\n`serve`, {model}, jobs of {seconds:g} s, {repeats} rounds\n\n| until | seconds | all |\n|---|---|---|")
    for name, values in times.items():
        print(f"| {name} | {statistics.median(values):.2f} | {spread(values)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure (default: both)")
    parser.add_argument("--ours", default=sys.executable, help="the Python that has splitstrument (default: this one)")
    parser.add_argument("--model", default="guitar", help="(default: guitar)")
    runtimes = {"nargs": "+", "default": ["auto"], "choices": ("auto", "onnx", "keras")}
    parser.add_argument("--runtimes", **runtimes, help="of `separate`; the demonstrator has its own (default: auto)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of the song (default: 10)")
    parser.add_argument("--job-seconds", type=float, default=30.0, help="of the job's song (default: 30)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds (default: 5)")
    options = parser.parse_args()
    print(machine())
    packages_there = versions(options.ours, "splitstrument", "onnxruntime", "tensorflow", "keras", "numpy", "scipy")
    print(", ".join(map(" ".join, packages_there.items())))
    if "separate" in options.parts:
        for runtime in options.runtimes:
            separate(options.ours, options.model, runtime, options.seconds, options.repeats)
    if "serve" in options.parts:
        serve(options.ours, options.model, options.job_seconds, options.repeats)


if __name__ == "__main__":
    main()
