"""Assign a score's parts, and invented parts for missing players, to instruments.

The target's parts go to its own instruments. The others mostly go to instruments that are easily mistaken for the
target, since a network has to learn that difference.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from datasets_tools.synthesis import chords
from datasets_tools.synthesis.accompaniment import Accompaniment, bars_of, beats_per_bar
from datasets_tools.synthesis.material import FAMILIES, GUITARS, Instrument, Material
from datasets_tools.synthesis.scores import Part, Score, played
from datasets_tools.synthesis.styles import expressive, strummed

TARGETS = {"guitar": GUITARS, "piano": ("piano",)}
# Weights for the choice of the family that plays a backing part, by target.
CONFUSERS = {
    "guitar": {
        **{"piano": 2.0, "electric piano": 2.5, "clavinet": 2.0, "harpsichord": 0.7, "mallets": 0.8, "organ": 2.5},
        **{"accordion": 0.8, "strings": 1.8, "harp": 0.5, "voice": 2.5, "brass": 3.0, "reeds": 2.5, "flutes": 1.0},
        **{"synth lead": 2.0, "synth pad": 1.0},
    },
    "piano": {
        **{"electric piano": 3.0, "clavinet": 1.2, "harpsichord": 1.0, "mallets": 2.0, "organ": 2.0, "accordion": 0.8},
        **{"acoustic guitar": 2.5, "electric guitar": 2.5, "distorted guitar": 1.5, "strings": 2.0, "harp": 1.0},
        **{"voice": 2.5, "brass": 1.5, "reeds": 1.5, "flutes": 1.0, "synth lead": 1.5, "synth pad": 1.5},
    },
}
MADE = {
    "acoustic guitar": ("strum", "strum", "arpeggio", "solo"),
    "electric guitar": ("strum", "arpeggio", "solo", "comp"),
    "distorted guitar": ("power", "power", "strum", "solo"),
    "piano": ("comp", "arpeggio", "comp", "pad"),
}
LEADS = ("voice", "brass", "reeds", "flutes", "synth lead")
BASSES, EFFECTS = range(32, 40), range(104, 128)  # programs from 104 on (sitar, kalimba, gun shot ...) are not used


@dataclass(frozen=True)
class Voice:
    """A Part, its instrument, and whether it belongs to the target. `drive`: of an amplifier in dB, or None.

    `level`: in dB, without pauses, before the song's own balance. `doubled`: played twice, left and right.
    """

    part: Part
    instrument: Instrument
    target: bool
    level: float
    drive: float | None = None
    doubled: bool = False


def arranged(score: Score, target: str, material: Material, random: np.random.Generator) -> list[Voice] | None:
    """The Voices of a Score for a `target` of TARGETS, with at least one voice of the target and one other.

    None if the material or the score is not sufficient.
    """
    families = [family for family in TARGETS[target] if family in material.families]
    # Songs without a form keep bars of sixteen steps, so that a seed still gives the same song.
    steps = 4 * beats_per_bar(score) if score.sections else 16
    made = Accompaniment(chords.heard(score), bars_of(score), random, score.sections, steps)
    parts = [part for part in score.parts if part.drums or part.program not in EFFECTS]
    own = [p for p in parts if not p.drums and p.program in _programs(TARGETS[target]) and len(p.notes) > 8]
    others = [p for p in parts if p not in own and not p.drums and p.program not in BASSES and len(p.notes) > 8]
    if not families or not (parts and (made.chords or own)):
        return None
    # All parts of a piano song may be pianos: the fullest one is the most likely target, others get other instruments.
    fullness = [len(part.notes) ** 2 for part in own]
    chances = [one / sum(fullness) for one in fullness]
    own = [own[index] for index in random.choice(len(own), len(own), False, chances)] if own else []
    count = 1 if target == "piano" else int(random.choice([1, 2, 3], p=[0.45, 0.4, 0.15]))
    own, others = own[:count], others + own[count:]
    voices = _targets(target, families, count, own, others, made, material, random)
    voices += _rhythm(parts, made, material, random)
    voices += _backing(target, others, made, material, random)
    voices = [voice for voice in voices if voice and len(voice.part.notes) > 2]
    told = {voice.target for voice in voices}
    return voices if told == {True, False} else None


def _programs(families: Iterable[str]) -> set[int]:
    return {program for family in families for program in FAMILIES[family]}


def _targets(
    target: str,
    families: Sequence[str],
    count: int,
    own: Sequence[Part],
    others: Sequence[Part],
    made: Accompaniment,
    material: Material,
    random: np.random.Generator,
) -> list[Voice | None]:
    """`count` voices of the target: its own parts, invented ones or, in a song without any, another player's part."""
    chances = {"acoustic guitar": 0.25, "electric guitar": 0.3, "distorted guitar": 0.45, "piano": 1.0}
    weights = [chances[family] for family in families]
    family = random.choice(families, p=[weight / sum(weights) for weight in weights])
    voices: list[Voice | None] = []
    for number in range(count):
        if number and random.random() < 0.3:
            family = random.choice(families)
        keep = 0.85 if target == "piano" else 0.5
        if number < len(own) and (random.random() < keep or not made.chords):
            part = own[number]
        elif others and random.random() < 0.15:
            part = others[int(random.integers(len(others)))]
        elif made.chords:
            part = getattr(made, str(random.choice(MADE[str(family)])))()
        else:
            continue
        if target == "piano":
            voices.append(piano(part, material, random))
        else:
            voices.append(guitar(part, str(family), material, random))
    return voices


def guitar(
    part: Part, family: str, material: Material, random: np.random.Generator, target: bool = True
) -> Voice | None:
    """A guitar Voice: strings through an amplifier, except for acoustic guitars and sampled distortion."""
    part = strummed(part, random) if part.role == "" and random.random() < 0.8 else part
    part = expressive(part, random) if random.random() < 0.7 else part
    drive, level = None, random.normal(-20, 2.5)
    instrument = material.pick(family, random)
    if family == "electric guitar" and random.random() < 0.75:
        drive = random.uniform(-6, 12)
    if family == "distorted guitar" and random.random() < 0.75:
        # The input of a real amplifier is clean. Distorted samples of single notes would not intermodulate.
        clean = material.pick("electric guitar", random) or instrument
        drive = random.uniform(14, 40)
        instrument = clean and replace(clean, family=family, program=FAMILIES[family][0])
    if instrument is None:
        return None
    chance = {"distorted guitar": 0.5}.get(family, 0.15) if part.role != "solo" else 0.05
    return Voice(played(part, random, 0.01), instrument, target, level, drive, bool(random.random() < chance))


def piano(part: Part, material: Material, random: np.random.Generator) -> Voice | None:
    """A piano Voice for the target."""
    performed, instrument = played(part, random, 0.004, 5.0), material.pick("piano", random)
    return Voice(performed, instrument, True, random.normal(-20, 2.5)) if instrument else None


def _rhythm(parts: Sequence[Part], made: Accompaniment, material: Material, random: np.random.Generator) -> list[Voice]:
    """Bass and drums, from the score or invented."""
    voices = []
    basses = [part for part in parts if not part.drums and part.program in BASSES]
    drums = sorted((part for part in parts if part.drums), key=lambda part: -len(part.notes))[:1]
    if random.random() < 0.9 and (basses or made.chords) and (bass := material.pick("bass", random)):
        part = basses[0] if basses else made.bass()
        drive = random.uniform(-6, 20) if random.random() < 0.4 else None
        voices.append(Voice(played(part, random), bass, False, random.normal(-18, 3), drive))
    if random.random() < 0.88 and (drums or made.bars) and (kit := material.pick("drums", random)):
        part = drums[0] if drums and random.random() < 0.7 else made.drums()
        voices.append(Voice(played(part, random, 0.005), kit, False, random.normal(-16, 3)))
    return voices


def _backing(
    target: str, others: Sequence[Part], made: Accompaniment, material: Material, random: np.random.Generator
) -> list[Voice | None]:
    """One to five further voices, of families that are easily mistaken for the target."""
    weights = {name: weight for name, weight in CONFUSERS[target].items() if name in material.families}
    voices: list[Voice | None] = []
    names = list(weights)
    if not names:
        return voices
    chances = [weights[name] / sum(weights.values()) for name in names]
    count = int(random.choice([1, 2, 3, 4, 5], p=[0.2, 0.3, 0.25, 0.15, 0.1]))
    waiting = [others[index] for index in random.permutation(len(others))]
    for _ in range(count):
        family = str(random.choice(names, p=chances))
        if waiting and random.random() < 0.65:
            part = waiting.pop()
            kept = next((name for name in names if part.program in FAMILIES[name]), None)
            family = kept if kept and random.random() < 0.3 else family
        elif made.chords:
            if family in LEADS and random.random() < 0.6:
                part = made.solo(int(random.choice([52, 60, 64])))
            else:
                part = getattr(made, str(random.choice(["comp", "pad", "arpeggio"])))()
        else:
            continue
        if family in GUITARS:
            voices.append(guitar(part, family, material, random, target=False))
            continue
        part = expressive(part, random) if family in LEADS else part
        # An amplified organ, clavinet or voice is still not a guitar.
        drive = random.uniform(0, 30) if random.random() < 0.12 else None
        performed, instrument = played(part, random), material.pick(family, random)
        if instrument:
            voices.append(Voice(performed, instrument, False, random.normal(-21, 4), drive))
    return voices
