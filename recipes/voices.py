"""Make tracks of a few voices without bass and drums: a guitar, a piano, or instruments that are mistaken for them.

    python3 recipes/voices.py guitar|piano|confusers OUTPUT --sounds PATH... --midi PATH... --material FILE...

A guitar or a piano plays with other voices; `confusers` has one to three other voices and neither guitar nor piano.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from datasets_tools.synthesis import chords, songs
from datasets_tools.synthesis.accompaniment import Accompaniment, bars_of
from datasets_tools.synthesis.arrangement import LEADS, MADE, Voice, guitar, piano
from datasets_tools.synthesis.material import GUITARS, Material, Song
from datasets_tools.synthesis.players import RATE
from datasets_tools.synthesis.scores import played
from datasets_tools.synthesis.styles import expressive
from splitstrument.files.atomic import atomic_folder
from splitstrument.stages.console import command

# The instruments that are most often mistaken for guitars and pianos, with weights for their choice.
OTHERS = {
    **{"reeds": 5, "brass": 5, "organ": 4, "clavinet": 3, "electric piano": 3, "voice": 2, "strings": 2},
    **dict.fromkeys(("synth lead", "accordion", "harpsichord", "mallets", "flutes"), 1),
}


def confuser(made: Accompaniment, material: Material, random: np.random.Generator) -> Voice | None:
    families = [family for family in OTHERS if family in material.families]
    weights = np.array([OTHERS[family] for family in families], float)
    family = str(random.choice(families, p=weights / weights.sum()))
    instrument = material.pick(family, random)
    if family in LEADS and random.random() < 0.75:
        part = expressive(made.solo(int(random.choice([48, 52, 60, 64]))), random)
    else:
        part = getattr(made, str(random.choice(["comp", "comp", "arpeggio", "pad"])))()
    drive = random.uniform(0, 25) if random.random() < 0.1 else None
    return instrument and Voice(played(part, random), instrument, False, random.normal(-20, 2.5), drive)


def track(
    what: str, material: Material, scores: Sequence[Song], settings: songs.Settings, number: int
) -> dict[str, np.ndarray]:
    """{part: audio} of a track; empty if the score has no chords."""
    random = np.random.default_rng([settings.seed, number])
    score, _ = songs.drawn_score(scores, settings, random)
    made = Accompaniment(chords.heard(score), bars_of(score), random)
    if not made.chords:
        return {}
    voices = [confuser(made, material, random) for _ in range(int(random.choice([1, 2, 3], p=[0.4, 0.4, 0.2])))]
    if what == "piano":
        own = [part for part in score.parts if not part.drums and part.program < 8 and len(part.notes) > 30]
        fullest = max(own, key=lambda part: len(part.notes), default=None)
        part = fullest if random.random() < 0.75 else None
        voices.append(piano(part or getattr(made, str(random.choice(MADE["piano"])))(), material, random))
    elif what == "guitar":
        family = str(random.choice(GUITARS))
        voices.append(guitar(getattr(made, str(random.choice(MADE[family])))(), family, material, random))
    frames = round(settings.seconds * RATE)
    parts = {part: np.zeros((frames, 2), np.float32) for part in ("guitar", "piano", "rest")}
    for voice in voices:
        if voice:
            cents = random.normal(0, 8) if voice.target and random.random() < 0.4 else 0.0
            parts[what if voice.target else "rest"] += songs.played_voice(voice, settings.seconds, cents, random)[
                :frames
            ]
    return parts


@command
def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("what", choices=("guitar", "piano", "confusers"))
    add("output", type=Path)
    add("--tracks", type=int, default=60)
    add("--seconds", type=float, default=30.0)
    add("--seed", type=int, default=0)
    for name in ("--sounds", "--midi", "--material", "--leave-out"):
        add(name, nargs="+", default=[])
    options = parser.parse_args(arguments)
    material = Material(options.sounds, options.material, options.leave_out)
    scores = material.songs(options.midi)
    settings = songs.Settings(seconds=options.seconds, seed=options.seed, charts=0.0 if scores else 1.0)
    for number in range(options.tracks):
        name = f"{options.what}{options.seed}_{number:03d}"
        if (options.output / name).exists():
            continue
        parts = track(options.what, material, scores, settings, number)
        peak = max((float(np.abs(part).max()) for part in [*parts.values(), sum(parts.values())]), default=0.0)
        if peak < 1e-3:
            continue
        with atomic_folder(options.output / name) as unfinished:
            for part, sound in parts.items():
                soundfile.write(unfinished / f"{part}_{name}.wav", sound * min(1, 0.95 / peak), RATE, "PCM_16")
        print(name, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
