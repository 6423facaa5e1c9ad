"""Make pairs of guitar and rest with guitars through other amplifiers and loudspeakers.

    python3 recipes/reamped.py songs SONGS OUTPUT
    python3 recipes/reamped.py direct FETCHED BANDS TRACKS

songs: the songs of `splitstrument synthesize` in SONGS, played faster and higher or slower and lower. direct: direct
signals of recorded guitars in FETCHED, the output of recipes/real_sounds.sh, over accompaniments as of
recipes/further_recordings.py: TRACKS gets the folder further-direct. Half of the guitars that were played without an
amplifier get a strongly distorted one, often twice, left and right, as on metal records. The amplifiers of the
validation in recipes/real_sounds.py are left out. A fixed seed determines all random choices.
"""

import sys
import zlib
from pathlib import Path

import numpy as np
from further_recordings import LEVEL as HEARD
from further_recordings import Maker, excerpt, files
from real_sounds import AMPLIFIERS, HELD_AMPLIFIERS, RATE, sound, write

from datasets_tools.synthesis.effects import level_normalised, placed
from datasets_tools.synthesis.recorded import LEVEL, at_speed, impulse_response, reamped
from splitstrument.files.yaml_files import read_yaml
from splitstrument.stages.console import command

# Direct signals in FETCHED, each of which is heard this often.
DIRECT = (
    "neural-amp-modeler-wasm/ui/public/inputs/* - Guitar.wav",
    "neural-amp-modeler-react/public/Drop_D_Riff.mp3",
    "tone-render/di/real/lorcan/*.wav",
)
TAKES = 4
LATE = (0.008, 0.03)  # seconds: how much later the second of two takes comes


def again(audio: np.ndarray, distorted: bool, cabinets: list, random: np.random.Generator) -> np.ndarray:
    """A guitar, (frames, 2), through another amplifier; `distorted`: it went through one already."""
    cabinet = None if random.random() < 0.4 else cabinets[int(random.integers(len(cabinets)))]
    drive = random.uniform(-6, 6) if distorted else random.uniform(18, 40) if random.random() < 0.5 else 0.0
    if drive < 18 or random.random() < 0.5:
        return reamped(audio, drive or random.uniform(-6, 18), random, RATE, cabinet)
    late = int(random.uniform(*LATE) * RATE)
    takes = (audio, np.pad(audio, ((late, 0), (0, 0)))[: len(audio)])
    both = [reamped(take, drive + random.normal(0, 2), random, RATE, cabinet).mean(1, keepdims=True) for take in takes]
    sides = [placed(np.repeat(take, 2, 1), side) for take, side in zip(both, (-0.9, 0.9), strict=True)]
    return level_normalised(sides[0] + sides[1], LEVEL, RATE)


def song(folder: Path, output: Path, cabinets: list) -> None:
    """Write the pair of one song, unless it has no guitar."""
    random = np.random.default_rng(zlib.crc32(folder.name.encode()))
    parts = {"guitar": [], "rest": []}
    for name, stem in read_yaml(folder / "metadata.yaml")["stems"].items():
        path = folder / "stems" / f"{name}.flac"
        if path.exists():
            audio = sound(path)
            guitar = stem["inst_class"] == "Guitar" and np.abs(audio).max() > 1e-3
            if guitar:
                own = np.sqrt(np.square(audio).mean())
                drive = stem["amplifier_drive_db"]
                audio = again(audio, bool(drive and drive > 10) or stem["program_num"] in (29, 30), cabinets, random)
                audio = audio * np.float32(own / np.sqrt(np.square(audio).mean()))
            parts["guitar" if guitar else "rest"].append(audio)
    if parts["guitar"] and parts["rest"]:
        semitones = float(random.choice([-4, -3, -2, -1, 1, 2, 3]))
        write(output, f"{folder.name}-again", **{part: at_speed(sum(each), semitones) for part, each in parts.items()})


def direct(fetched: Path, bands: Path, tracks: Path, cabinets: list) -> None:
    """Write pairs of the direct guitars, at other speeds and through other amplifiers, over random accompaniments."""
    maker, random = Maker(fetched, bands, tracks), np.random.default_rng(28)
    for number, path in enumerate(path for pattern in DIRECT for path in files(fetched, pattern)):
        audio = sound(path)
        for take in range(TAKES):
            played = at_speed(audio, float(random.choice([-3, -2, -1, 0, 0, 1, 2, 3, 5])))
            level = HEARD + random.normal(0, 2)
            guitar = excerpt(again(played, False, cabinets, random), level, random)
            rest = maker.accompaniment(level + random.normal(1, 3))
            write(tracks / "further-direct", f"direct-{number:02d}-{take}", guitar=guitar, rest=rest)


@command
def main(arguments):
    what, *folders = arguments
    names = sorted(path for path in AMPLIFIERS.glob("*.wav") if path.stem not in HELD_AMPLIFIERS)
    cabinets = [impulse_response(path, RATE) for path in names]
    if what == "direct":
        direct(*map(Path, folders), cabinets)
    else:
        songs, output = map(Path, folders)
        for path in files(songs, "*/metadata.yaml"):
            song(path.parent, output, cabinets)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
