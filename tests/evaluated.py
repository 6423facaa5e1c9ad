"""Sounds and tracks for tests of evaluation, on disk."""

import numpy as np
import soundfile

from splitstrument.tracks import STEMS

RATE = 8000


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
