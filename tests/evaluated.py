"""Sounds and tracks for tests of evaluation, on disk, and its command."""

import shutil

import numpy as np
import soundfile
import yaml

from evaluation import results
from splitstrument.__main__ import main
from splitstrument.tracks import STEMS

RATE = 8000
OTHERS = ["mixture", "ideal ratio mask", "ideal binary mask"]


def sound(seed, seconds=3.0, channels=1, level=0.03, rate=RATE):
    """Noise that swells and fades, dull where the seed is odd: float32 (samples, channels)."""
    samples = int(seconds * rate)
    noise = np.random.default_rng(seed).normal(0, level, (samples + 3, channels))
    noise = noise[3:] + noise[:-3] + noise[1:-2] + noise[2:-1] if seed % 2 else noise[3:]
    return (noise * (1.2 + np.sin(np.arange(samples) / 900 + seed))[:, None]).astype(np.float32)


def write_wav(path, samples, rate=RATE, subtype="FLOAT"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype)
    return path


def write_pair(root, name, instrument, rest, rate=RATE):
    write_wav(root / name / f"instrument_{name}.wav", instrument, rate)
    write_wav(root / name / f"rest_{name}.wav", rest, rate)
    return root


def write_pairs(root, count=2, seconds=3.0):
    for number in range(count):
        write_pair(root, f"song{number}", sound(2 * number, seconds), sound(2 * number + 1, seconds))
    return root


def write_stems(root, name, stems=STEMS):
    for number, stem in enumerate(stems):
        write_wav(root / name / f"{stem}.wav", sound(number, 0.5))
    return root


def write_parts(root, name, *parts, seconds=0.5):
    """A track of named parts, each of which has its own sound wherever it is."""
    for part in parts:
        write_wav(root / name / f"{part}_{name}.wav", sound(sum(part.encode()) % 97, seconds))
    return root


def command(pairs, output, *arguments, jobs="1", excerpts="0"):
    """The exit code of the command."""
    given = ["evaluate", *arguments, "--pairs", pairs, "--output", output, "--jobs", jobs, "--excerpts", excerpts]
    return main([str(argument) for argument in given])


def found_in(folder):
    """The Evaluation in the folder "output" of `folder`."""
    return results.read(folder / "output" / results.FILE)


def another(model, folder, **card):
    """A copy of a model with other words on its card: its path as text."""
    shutil.copytree(model, folder)
    fields = yaml.safe_load((model / "model.yaml").read_text()) | {"name": folder.name} | card
    (folder / "model.yaml").write_text(yaml.safe_dump(fields))
    return str(folder)
