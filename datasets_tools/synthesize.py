"""MIDI and sampled instruments -> pairs of guitar and rest, for training.

Each song is an excerpt of a MIDI file played by other instruments than its own: guitars from clean to heavily
distorted, and a backing that is easily confused with them (electric pianos, organs, horns, strings, voices, synths).
One seed gives the same songs again. Written as `<output>/tracks_22050hz/<song>/{instrument,rest}_<song>.wav`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from datasets_tools.amplifier import (
    distorted,
    equalised,
    loudness_normalised,
    placed,
    roomy,
)
from datasets_tools.players import RATE, Instrument, Note, render

GUITARS = range(24, 32)
BASSES = range(32, 40)
EFFECTS = range(119, 128)  # breath, seashore, gun shot ...: no instrument
PLUCKED = range(104, 108)  # sitar, banjo, shamisen, koto: neither guitar nor surely not
KITS = (0, 8, 16, 24, 32, 40)
# What is taken for a guitar most easily is played most often: (programs, weight).
CONFUSERS = (
    (range(0, 4), 2.0),
    (range(4, 8), 2.5),
    (range(8, 16), 1.0),
    (range(16, 24), 2.5),
    (range(40, 47), 1.0),
    (range(48, 52), 1.5),
    (range(52, 55), 1.5),
    (range(56, 64), 2.5),
    (range(64, 72), 2.5),
    (range(72, 80), 1.5),
    (range(80, 88), 2.0),
    (range(88, 96), 1.0),
)
ELECTRIC = (
    "guitar/fsbs-clean/EGuitarFSBS-bridge-clean-20220911.sfz",
    "guitar/emilyguitar/emily_clean.sfz",
    "guitar/emilyguitar/emily_basic.sfz",
    "guitar/shinyguitar/Samples/_use_electric.sfz",
)
ACOUSTIC = (
    "guitar/shinyguitar/Samples/_use_acoustic.sfz",
    "guitar/spanish-classical/SpanishClassicalGuitar-20190618.sfz",
    "guitar/discord-gm-steel/026-Acoustic Guitar (steel).sfz",
)
DISTORTED = ("guitar/fsbs-dist2/EGuitarFSBS-bridge-dist2-20220911.sfz",)
BASS_SFZ = (
    "bass/growlybass/growlybass_clean.sfz",
    "bass/growlybass/growlybass_dirty.sfz",
    "bass/swagbass/swagbass_clean.sfz",
    "bass/swagbass/swagbass.sfz",
)
KEYS_SFZ = (
    "piano/splendid/Splendid Grand Piano.sfz",
    "piano/upright-kw/UprightPianoKW-20220221.sfz",
    "epiano/fm-piano1/FM-Piano1 20190916.sfz",
)


class Sounds:
    """The banks and programs to choose from, and the random choices among them."""

    def __init__(self, soundfonts, sfz, random):
        self.soundfonts, self.sfz, self.random = soundfonts, Path(sfz), random

    def pick(self, items):
        return items[int(self.random.integers(len(items)))]

    def bank(self, program, drums=False):
        return Instrument(Path(self.pick(self.soundfonts)), int(program), drums)

    def program(self, names):
        return Instrument(self.sfz / self.pick(names))

    def confuser(self):
        """An instrument of the backing, drawn by the weights above."""
        weights = np.array([weight for _, weight in CONFUSERS])
        programs = CONFUSERS[int(self.random.choice(len(weights), p=weights / weights.sum()))][0]
        if programs.start < 8 and self.random.random() < 0.35:
            return self.program(KEYS_SFZ)
        return self.bank(self.pick(programs))

    def guitar(self, style):
        """(instrument, whether it goes through the amplifier) for a style: heavy, clean or acoustic."""
        draw = self.random.random()
        if style == "acoustic":
            return (self.program(ACOUSTIC) if draw < 0.6 else self.bank(self.pick((24, 25)))), False
        if style == "clean":
            return (self.program(ELECTRIC) if draw < 0.6 else self.bank(self.pick((26, 27, 28)))), draw < 0.3
        if draw < 0.15:
            return self.program(DISTORTED), False
        if draw < 0.3:
            return self.bank(self.pick((29, 30))), draw < 0.22
        return (self.program(ELECTRIC) if draw < 0.85 else self.bank(self.pick((26, 27, 28)))), True


def excerpt(part, start, seconds, random, transpose, tightness=0.008):
    """The notes of a MIDI part between two times, humanised, as Notes from 0, and its pitch bends."""
    notes = []
    for note in part.notes:
        if start <= note.start < start + seconds - 0.1:
            begin = max(0.0, note.start - start + random.normal(0, tightness))
            velocity = int(np.clip(note.velocity + random.normal(0, 8), 20, 127))
            pitch = note.pitch + (0 if part.is_drum else transpose)
            notes.append(Note(begin, max(begin + 0.05, note.end - start), int(np.clip(pitch, 0, 127)), velocity))
    bends = [(bend.time - start, bend.pitch) for bend in part.pitch_bends if start <= bend.time < start + seconds]
    return notes, bends


def guitar_part(sounds, part, style, window, transpose):
    """One guitar, float32 (frames, 2): heavy rhythm guitars often doubled, the two takes left and right."""
    random, (start, seconds) = sounds.random, window
    doubled = random.random() < (0.6 if style == "heavy" else 0.2)
    instrument, amplified = sounds.guitar(style)
    total = 0.0
    side = random.uniform(0.5, 1.0) * random.choice([-1, 1])
    positions = (side, -side) if doubled else (random.uniform(-0.8, 0.8) * random.integers(0, 2),)
    for position in positions:
        notes, bends = excerpt(part, start, seconds, random, transpose, 0.012)
        audio = render(instrument, notes, seconds, bends)
        if amplified:
            audio = distorted(audio, random, RATE)
        audio = equalised(audio.mean(1, keepdims=True), random, RATE)
        total = total + placed(loudness_normalised(np.repeat(audio, 2, 1), -20, RATE), position)
    return total


def backing_part(sounds, part, window, transpose):
    """One part of the backing, float32 (frames, 2), at its own random level."""
    random, (start, seconds) = sounds.random, window
    notes, bends = excerpt(part, start, seconds, random, transpose)
    if part.is_drum:
        instrument, level = sounds.bank(sounds.pick(KITS), drums=True), random.uniform(-19, -12)
    elif part.program in BASSES:
        use_sfz = random.random() < 0.5
        instrument = sounds.program(BASS_SFZ) if use_sfz else sounds.bank(sounds.pick(BASSES))
        level = random.uniform(-22, -15)
    else:
        keep = random.random() < 0.3 and part.program not in GUITARS
        instrument, level = (sounds.bank(part.program) if keep else sounds.confuser()), random.normal(-22, 4)
    audio = equalised(render(instrument, notes, seconds, bends), random, RATE)
    if not part.is_drum and part.program not in BASSES:
        if random.random() < 0.1:  # an organ, a clav or a voice through an amplifier is not a guitar either
            audio = distorted(audio, random, RATE)
        audio = placed(audio, random.uniform(-0.8, 0.8))
    return loudness_normalised(audio, level, RATE)


def choose_parts(midi, random):
    """Which parts play the guitar and which the backing: (guitars, backing); a song without guitar lends it a part."""
    parts = [p for p in midi.instruments if len(p.notes) > 8]
    parts = [p for p in parts if p.is_drum or (p.program not in EFFECTS and p.program not in PLUCKED)]
    guitars = [p for p in parts if not p.is_drum and p.program in GUITARS]
    pitched = [p for p in parts if not p.is_drum and p.program not in BASSES and p not in guitars]
    if not guitars and pitched:
        guitars = [pitched[int(random.integers(len(pitched)))]]
    guitars = [guitars[i] for i in random.permutation(len(guitars))[: random.integers(1, 4)]] if guitars else []
    backing = [p for p in parts if p not in guitars and (p.is_drum or p.program not in GUITARS)]
    drums = [p for p in backing if p.is_drum]
    others = [p for p in backing if not p.is_drum]
    others = [others[i] for i in random.permutation(len(others))[:6]]
    return guitars, drums[:2] + others


def synthesize(index, midi_files, soundfonts, sfz, seconds, seed):
    """Song `index` of the set: (guitar, rest), each float32 (frames, 2) at 22,050 Hz."""
    import pretty_midi
    import soxr

    random = np.random.default_rng([seed, index])
    sounds = Sounds(soundfonts, sfz, random)
    while True:
        try:
            midi = pretty_midi.PrettyMIDI(str(sounds.pick(midi_files)))
        except (OSError, ValueError, KeyError, IndexError, EOFError):
            continue  # a broken MIDI file: draw another
        guitars, backing = choose_parts(midi, random)
        if guitars and backing:
            break
    note = sounds.pick(sounds.pick(guitars).notes)
    window = (max(0.0, min(note.start - 2, midi.get_end_time() - seconds)), seconds)
    transpose = int(random.integers(-7, 4))
    style = str(random.choice(["heavy", "clean", "acoustic"], p=[0.6, 0.25, 0.15]))
    total = {"instrument": np.zeros((round(seconds * RATE), 2), np.float32)}
    total["rest"] = total["instrument"].copy()
    for part in guitars:
        own = "clean" if part.program in (24, 25, 26, 27, 28) and random.random() < 0.4 else style
        level = 10 ** (random.uniform(-4, 3) / 20)
        total["instrument"] += np.float32(level) * guitar_part(sounds, part, own, window, transpose)
    for part in backing:
        total["rest"] += backing_part(sounds, part, window, transpose)
    for name, audio in total.items():
        if random.random() < 0.6:
            audio = roomy(audio, random, RATE)
        audio = loudness_normalised(audio, -20 if name == "instrument" else random.uniform(-18, -13), RATE)
        total[name] = soxr.resample(audio, RATE, 22050)
    # One gain for both keeps their balance and leaves 16 bits enough room.
    peak = max(np.abs(audio).max() for audio in total.values())
    return tuple(audio * np.float32(min(1.0, 0.98 / peak)) for audio in total.values())


def write_song(index, arguments, midi_files):
    """Render one song into its folder, unless it is there already."""
    from datasets_tools.pairs import write_pair

    name = f"synth{arguments.seed}_{index:04d}"
    folder = Path(arguments.output) / "tracks_22050hz" / name
    if not folder.exists():
        songs = synthesize(index, midi_files, arguments.soundfont, arguments.sfz, arguments.seconds, arguments.seed)
        write_pair(folder, *songs, 22050)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="splitstrument synthesize", description=__doc__.split("\n")[0])
    parser.add_argument("--midi", nargs="+", required=True, help="MIDI files or folders of them")
    parser.add_argument("--soundfont", nargs="+", required=True, help="General MIDI banks, SF2 or SF3")
    parser.add_argument("--sfz", required=True, help="folder with the SFZ programs that the guide lists")
    parser.add_argument("--output", required=True, help="folder of pairs to write")
    parser.add_argument("--songs", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each song")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=-1, help="processes; -1: all cores")
    arguments = parser.parse_args(arguments)
    import pysfizz  # noqa: F401  here, so that what is missing is said before the work begins
    import tinysoundfont  # noqa: F401
    from joblib import Parallel, delayed
    from tqdm import tqdm

    files = []
    for path in map(Path, arguments.midi):
        files += sorted(path.rglob("*.mid")) if path.is_dir() else [path]
    missing = [p for p in [*files, *arguments.soundfont, arguments.sfz] if not Path(p).exists()]
    if missing or not files:
        print(f"splitstrument: {missing[0] if missing else 'no MIDI file'}: not found", file=sys.stderr)
        return 2
    jobs = (delayed(write_song)(index, arguments, files) for index in range(arguments.songs))
    for _ in tqdm(Parallel(arguments.jobs, return_as="generator")(jobs), total=arguments.songs, unit="song"):
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
