"""How quick `mix` is, and how its time and memory grow.

    python tests/benchmarks/mix.py [--tracks 30 --more 300]

Makes tracks of 8 stems of 60 s (16 bit, 44.1 kHz, stereo; further tracks are links to the same sound) and mixes
them at 44,100 and 22,050 Hz:

- with this project's command, on all cores;
- as the thesis did it, with pydub (overlay) and librosa (load at 22,050 Hz), one track after another in one process;
  with librosa's default of 2021 (resampy's kaiser_best) and with today's (soxr_hq).

Rivals take turns in one run; each figure is the least of the rounds. Memory is the largest sum over the command's
processes of what each has for itself, sampled ten times a second. Needs pydub, librosa, resampy and psutil.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import soundfile

GROUPS = ("guitar", "guitar", "bass", "drums", "drums", "piano", "vocals", "other")
RATE, SECONDS = 44100, 60


def make(root, tracks):
    """An organised folder of `tracks` tracks; the sounds of the first are linked by the others."""
    random = np.random.default_rng(0)
    for track in range(tracks):
        for stem, group in enumerate(GROUPS):
            path = root / f"track{track:03}" / group / f"{stem}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            if track:
                os.link(root / "track000" / group / f"{stem}.wav", path)
            else:
                sound = random.normal(0, 0.03, (SECONDS * RATE, 2)).astype(np.float32)
                soundfile.write(path, sound, RATE, "PCM_16")


def thesis(organised, output, resampling):
    """The same pairs by pydub and librosa."""
    import librosa
    from pydub import AudioSegment

    for folder in sorted(organised.iterdir()):
        for part in ("instrument", "rest"):
            mixed = None
            for path in sorted(folder.glob("*/*.wav")):
                if (path.parent.name == "guitar") == (part == "instrument"):
                    stem = AudioSegment.from_file(path)
                    mixed = stem if mixed is None else mixed.overlay(stem)
            target = output / "tracks_44100hz" / folder.name / f"{part}_{folder.name}.wav"
            target.parent.mkdir(parents=True, exist_ok=True)
            mixed.export(target, format="wav")
            sound, rate = librosa.load(target, sr=22050, mono=False, res_type=resampling)
            target = output / "tracks_22050hz" / folder.name / target.name
            target.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(target, sound.T, rate)


def ours(organised, output):
    """Run the command; the peak of its memory in MiB."""
    import psutil

    line = [sys.executable, "-m", "datasets_tools.mix", organised, "--instrument", "guitar", "--output", output]
    process, peak = subprocess.Popen([str(word) for word in line], stdout=subprocess.DEVNULL), 0
    while process.poll() is None:
        total = 0
        try:
            parent = psutil.Process(process.pid)
            for each in (parent, *parent.children(recursive=True)):
                total += each.memory_full_info().uss
        except psutil.Error:
            pass
        peak = max(peak, total / 2**20)
        time.sleep(0.1)
    assert process.returncode == 0
    return peak


def timed(function, *arguments):
    shutil.rmtree(arguments[1], ignore_errors=True)
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tracks", type=int, default=30)
    parser.add_argument("--more", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root / "few", options.tracks)
        make(root / "many", options.more)
        rivals = {"kaiser_best": [], "soxr_hq": [], "ours": []}
        for _ in range(options.rounds):
            for resampling in ("kaiser_best", "soxr_hq"):
                rivals[resampling].append(timed(thesis, root / "few", root / "theirs", resampling)[0])
            rivals["ours"].append(timed(ours, root / "few", root / "pairs"))
        own, memory = min(rivals["ours"])
        print("| what | tracks | seconds | of ours | peak memory in MiB |\n|---|---|---|---|---|")
        print(f"| splitstrument mix | {options.tracks} | {own:.2f} | 1 | {memory:.0f} |")
        for resampling in ("kaiser_best", "soxr_hq"):
            took = min(rivals[resampling])
            print(f"| pydub and librosa ({resampling}) | {options.tracks} | {took:.2f} | {took / own:.1f} | |")
        took, memory = timed(ours, root / "many", root / "pairs")
        print(f"| splitstrument mix | {options.more} | {took:.2f} | {took / own:.1f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
