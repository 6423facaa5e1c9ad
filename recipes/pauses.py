"""Mute the instrument of rendered songs for as long as it is silent in the thesis's songs (appendix A.1 and A.3).

    python3 recipes/pauses.py PAIRS INSTRUMENT OUTPUT

In rendered songs of 30 s the instrument plays nearly all the time, in whole recorded songs it does not. OUTPUT has the
pairs of the folder PAIRS with the beginning, the middle or the end of the instrument muted.
"""

import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from splitstrument.files.atomic import atomic_folder
from splitstrument.files.yaml_files import read_yaml

TABLES = {"guitar": "A.1", "piano": "A.3"}
FADE = 0.05  # seconds


def paused(instrument: np.ndarray, rate: int, share: float, place: float) -> np.ndarray:
    """`instrument` (frames, channels), silent for `share` of its length: at its beginning (`place` 0), or end (1)."""
    silent = round(share * len(instrument))
    start = round(place * (len(instrument) - silent))
    gain = np.ones(len(instrument), np.float32)
    gain[start : start + silent] = 0
    fade = max(1, round(FADE * rate))
    smooth = np.convolve(np.pad(gain, fade, mode="edge"), np.full(2 * fade + 1, 1 / (2 * fade + 1)), mode="valid")
    return instrument * np.minimum(gain, smooth)[:, None]


def main(pairs: Path, instrument: str, output: Path) -> None:
    songs = read_yaml(Path(str(files("evaluation"))) / "tables.yaml")["silence"][TABLES[instrument]]["songs"]
    random = np.random.default_rng(43)
    for track in tqdm(sorted(path for path in pairs.glob("tracks_*hz/*") if path.is_dir())):
        share = (random.choice(10, p=np.divide(songs, sum(songs))) + random.uniform()) / 10
        place = random.choice([0.0, 0.5, 1.0])
        target = output / track.relative_to(pairs)
        if target.exists():
            continue
        with atomic_folder(target) as part:
            for path in track.glob("*.wav"):
                sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
                if path.name.startswith("instrument_"):
                    sound = paused(sound, rate, share, place)
                soundfile.write(part / path.name, sound, rate, subtype=soundfile.info(path).subtype)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
