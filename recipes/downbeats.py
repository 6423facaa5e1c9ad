"""Fits the weights of the downbeat estimator, structure/downbeats.csv, to songs whose bars are known.

    python recipes/downbeats.py --bank /usr/share/sounds/sf2/TimGM6mb.sf2

MMA plays random charts with forms (datasets_tools.synthesis.forms). As in `synthesize`, some of its players are
replaced by invented ones. A General MIDI bank plays them without effects, which takes a second or two per song; songs
for tests should have other banks. A logistic regression is fitted to the beats that our tracker finds in songs where
it finds most. Needs mma, tinysoundfont and the extras synthesize, structure and evaluation.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import soxr
import tinysoundfont
from mir_eval.beat import f_measure, trim_beats
from sklearn.linear_model import LogisticRegression

from datasets_tools.synthesis import chords, forms
from datasets_tools.synthesis.accompaniment import Accompaniment, bars_of, beats_per_bar
from datasets_tools.synthesis.players import RATE as BANK_RATE
from datasets_tools.synthesis.players import sounded
from datasets_tools.synthesis.scores import Score, played, varied
from splitstrument.files.tables import write_csv
from structure.bars import COLUMNS, CONTEXT, WEIGHTS, describe, in_context
from structure.features import RATE, Collector, Features
from structure.tracking import NoBeats, track

SONGS, SECONDS, SEED = 60, 60.0, 78
KINDS = ("strum", "power", "arpeggio", "solo", "comp", "pad")
PROGRAMS = (0, 4, 16, 24, 25, 27, 29, 30, 48, 52, 61, 65, 73, 80, 88)
NEAR = 0.07  # seconds between a beat and a true downbeat


def arranged(score: Score, random: np.random.Generator) -> Score:
    """Some of the players of a Score, and invented ones, in another tempo and key."""
    steps = 4 * beats_per_bar(score)
    made = Accompaniment(chords.heard(score), bars_of(score), random, score.sections, steps)
    drums = [part for part in score.parts if part.drums]
    parts = [part for part in score.parts if not part.drums and random.random() < 0.55]
    if random.random() < 0.88:
        parts += drums if drums and random.random() < 0.6 else [made.drums()]
    if random.random() < 0.5:
        parts.append(made.bass())
    for _ in range(int(random.integers(1, 4))):
        part = getattr(made, str(random.choice(KINDS)))()
        parts.append(replace(part, program=int(random.choice(PROGRAMS))))
    score = replace(score, parts=tuple(played(part, random, 0.008) for part in parts if part.notes))
    return varied(score, random.uniform(0.85, 1.18), int(random.integers(-5, 7)))


class Bank:
    """Plays Scores with a General MIDI bank."""

    def __init__(self, path: Path) -> None:
        self._synth = tinysoundfont.Synth(gain=-6, samplerate=BANK_RATE)
        self._bank = self._synth.sfload(str(path), max_voices=128)

    def play(self, score: Score, random: np.random.Generator) -> np.ndarray:
        """The mono sound of a Score at RATE, at a random level."""
        synth, events = self._synth, []
        synth.sounds_off()
        synth.generate(BANK_RATE // 2)
        free = [channel for channel in range(16) if channel != 9]
        for number, part in enumerate(score.parts):
            channel = 9 if part.drums else free[number % len(free)]
            synth.program_select(
                channel, self._bank, 128 if part.drums else 0, 0 if part.drums else part.program, part.drums
            )
            gain = random.uniform(0.5, 1.1)
            for note in part.notes:
                velocity = int(np.clip(note.velocity * gain, 1, 127))
                events += [(note.start, 1, channel, note.pitch, velocity), (note.end, 0, channel, note.pitch, 0)]
        sound = soxr.resample(sounded(synth, events, score.seconds).mean(axis=1), BANK_RATE, RATE)
        level = 10 ** (random.uniform(-15, 0) / 20)
        return (sound / (np.abs(sound).max() + 1e-9) * level).astype(np.float32)


def rendered(seed: int, seconds: float, bank: Bank, random: np.random.Generator) -> tuple[Score, Features]:
    """A random song of about `seconds`, and its Features as the `bank` plays it. Raises ValueError if that fails."""
    score = arranged(forms.performed(forms.drawn(random, seconds), seed), random)
    collected = Collector()
    collected.add(bank.play(score, random))
    return score, collected.features()


def examples(seed: int, bank: Bank) -> tuple[np.ndarray, np.ndarray] | None:
    """(beats in context, whether each is a downbeat) of one song; None if it cannot be played or tracked."""
    try:
        score, features = rendered(seed, SECONDS, bank, np.random.default_rng([SEED, seed]))
        beats = track(features)
    except (NoBeats, ValueError):
        return None
    if f_measure(trim_beats(np.array(score.beats)), trim_beats(beats)) < 0.8:
        return None
    first = np.abs(beats[:, None] - np.array(score.bars)[None]).min(axis=1) < NEAR
    return in_context(describe(features, beats)), first


def main() -> None:
    """Render, fit and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bank", type=Path, required=True, help="a General MIDI bank, SF2")
    parser.add_argument("--songs", type=int, default=SONGS, help=f"default: {SONGS}")
    parser.add_argument("--output", type=Path, default=WEIGHTS, help=f"default: {WEIGHTS}")
    options = parser.parse_args()
    bank = Bank(options.bank)
    found = [one for seed in range(options.songs) if (one := examples(seed, bank)) is not None]
    rows, first = (np.concatenate(part) for part in zip(*found, strict=True))
    model = LogisticRegression(C=0.01, max_iter=1000).fit(rows, first)
    places = [(beat, what) for beat in range(-CONTEXT, CONTEXT + 1) for what in COLUMNS]
    table = [(beat, what, f"{weight:.5f}") for (beat, what), weight in zip(places, model.coef_[0], strict=True)]
    write_csv(options.output, [("beat", "what", "weight"), *table, (0, "constant", f"{model.intercept_[0]:.5f}")])
    print(f"{len(found)} songs, {len(rows)} beats: {options.output}")


if __name__ == "__main__":
    main()
