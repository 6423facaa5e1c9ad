"""Mix recorded guitars with unrelated bands, to test what a model mistakes for a guitar.

    python3 recipes/backed.py GUITARS BACKINGS OUTPUT

GUITARS: an organised folder of tracks with the group guitar; BACKINGS: songs in Slakh's layout; OUTPUT: an organised
folder with one track per backing. Each track has an excerpt of a guitar that plays at least two thirds of the time, 4
to 10 dB below its backing. A fixed seed determines excerpts and levels.
"""

import sys
from pathlib import Path

import numpy as np
import soundfile
import soxr

from splitstrument.files.atomic import atomic_folder

BLOCK = 0.1  # seconds


def excerpt(path, seconds, rate, random):
    """A random excerpt of the audio file `path` with little silence: `seconds` at `rate`, float32 (frames, 2)."""
    sound, own = soundfile.read(path, dtype="float32", always_2d=True)
    sound = soxr.resample(np.broadcast_to(sound, (len(sound), 2)), own, rate)
    block = round(BLOCK * rate)
    power = (sound[: len(sound) // block * block] ** 2).reshape(-1, block * 2).mean(1)
    heard = np.concatenate([[0], np.cumsum(power > 1e-3 * power.max())])
    length = round(seconds / BLOCK)
    shares = (heard[length:] - heard[:-length]) / length
    starts = np.flatnonzero(shares >= 2 / 3)
    start = starts[random.integers(len(starts))] if len(starts) else shares.argmax()
    return sound[start * block : start * block + round(seconds * rate)]


def main(guitars, backings, output):
    tracks = sorted(Path(guitars).glob("*/guitar"))
    for number, song in enumerate(sorted(Path(backings).glob("*/mix.flac"))):
        random = np.random.default_rng([0, number])
        track = tracks[number % len(tracks)]
        made = Path(output) / f"backed_{number:02d}_{track.parent.name}"
        if made.exists():
            continue
        backing, rate = soundfile.read(song, dtype="float32", always_2d=True)
        guitar = excerpt(next(track.iterdir()), len(backing) / rate, rate, random)
        ratio = random.uniform(-10, -4)
        guitar *= 10 ** (ratio / 20) * np.sqrt((backing**2).mean() / (guitar**2).mean())
        gain = 0.9 / max(1.0, np.abs(guitar).max(), np.abs(backing).max())
        with atomic_folder(made) as part:
            for group, sound in (("guitar", guitar), ("other", backing)):
                (part / group).mkdir()
                soundfile.write(part / group / f"{group}.wav", gain * sound, rate, "FLOAT")


if __name__ == "__main__":
    main(*sys.argv[1:])
