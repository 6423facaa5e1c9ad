"""What the benchmarks of whole programs share: a song to give to them, and their time and memory from start to end."""

import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "song.ogg"
RATE = 44100


class Failed(Exception):
    """A program that did not end well. Its text says which, and the last line that it printed."""


@dataclass(frozen=True)
class Run:
    """A program from its start to its end. `seconds`: by the clock; `computing`: of all processors together, its own
    processes' too; `mebibytes`: the most that the largest of its processes had in memory."""

    seconds: float
    computing: float
    mebibytes: float


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Run:
    """Run a program to its end. Raises Failed.

    Linux counts what this process had in memory as the other's until that has begun, so keep this process small.
    """
    with tempfile.TemporaryFile() as log:
        actions = [(os.POSIX_SPAWN_DUP2, log.fileno(), stream) for stream in (1, 2)]
        start = time.perf_counter()
        child = os.posix_spawnp(command[0], command, {**os.environ, **(environment or {})}, file_actions=actions)
        _, status, usage = os.wait4(child, 0)
        seconds = time.perf_counter() - start
        if status:
            log.seek(0)
            lines = log.read().decode(errors="replace").split("\n")
            said = next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
            raise Failed(f"{shlex.join(command)}: {said}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def write_song(path: str | Path, seconds: float) -> None:
    """The example song, again and again, as a 16-bit 44.1 kHz stereo WAV."""
    import soundfile

    missing = round(seconds * RATE)
    with soundfile.SoundFile(path, "w", RATE, 2, "PCM_16") as file:
        while missing:
            with soundfile.SoundFile(EXAMPLE) as example:
                if (example.samplerate, example.channels) != (RATE, 2):
                    sys.exit(f"{EXAMPLE}: is not 44.1 kHz stereo")
                for block in example.blocks(10 * RATE, dtype="int16"):
                    file.write(block[:missing])
                    missing -= min(missing, len(block))


def versions(python: str, *packages: str) -> dict[str, str]:
    """The versions of those of these packages that this Python has."""
    code = (
        "import sys; from importlib.metadata import distributions; there = {d.name: d.version for d in distributions()}"
        "; print(*(f'{p} {there[p]}' for p in sys.argv[1:] if p in there), sep='\\n')"
    )
    printed = subprocess.run([python, "-c", code, *packages], check=True, capture_output=True, text=True).stdout
    return dict(line.split() for line in printed.splitlines())


def machine() -> str:
    """The processor, and how many of its cores this process may use, in a line."""
    try:
        model = re.search("^model name\\s*:\\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
        there = len(os.sched_getaffinity(0))
    except (OSError, AttributeError):  # not on Linux
        model, there = None, os.cpu_count() or 1
    load = os.getloadavg()[0]
    return f"{model[1] if model else platform.machine()}, {there} cores, load {load:.1f} as this begins"
