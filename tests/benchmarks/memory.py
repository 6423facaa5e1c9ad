"""Peak memory of `splitstrument separate` for songs of 1, 10 and 60 minutes (44.1 kHz stereo).

python tests/benchmarks/memory.py --model guitar
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile


def write_song(path, minutes):
    random = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", 44100, 2, "PCM_16") as file:
        for _ in range(minutes):
            file.write(random.uniform(-0.5, 0.5, (60 * 44100, 2)))


def peak(*command):
    """Peak resident memory of a command in MiB."""
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"{' '.join(command)}: failed")
    return usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="guitar")
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 10, 60])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for minutes in options.minutes:
            song = Path(folder, f"{minutes}.wav")
            write_song(song, minutes)
            separate = [sys.executable, "-m", "splitstrument", "separate", str(song)]
            used = peak(*separate, "--model", options.model, "--output", folder)
            print(f"{minutes} minutes: {used:.0f} MiB", flush=True)
            song.unlink()


if __name__ == "__main__":
    main()
