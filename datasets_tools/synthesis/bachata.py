"""Bachata songs by seed, with the true stems of bongo, guira, bass and guitar, and the times of their beats.

After the poster "The extraction of musical instruments from bachata songs" (Illes). Every four bars of a song are in
one of the genre's rhythms: derecho, majao or mambo. It may begin with a few beats of guitar alone, and its tempo may
drift. Guitars and basses are any instruments of the material; bongos and guiras are those of General MIDI banks, or
computed: a struck membrane, and a comb of metal that is scraped.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from datasets_tools.synthesis.patterns import hits
from datasets_tools.synthesize import add_material
from splitstrument.parser import Parser
from splitstrument.stages.console import command

if TYPE_CHECKING:
    from datasets_tools.synthesis.material import Instrument, Material
    from datasets_tools.synthesis.scores import Note

STEMS = ("bongo", "guira", "bass", "guitar")
BEATS, STEPS = 4, 16  # in a bar
SECTION = 4  # bars of one rhythm

# Bars of each player in sixteenths (see patterns.hits): capitals are accents. Bongo: h and l are the high and the low
# drum. Guira: a long scrape has holds. Bass and guitar: digits are notes of the chord from its root, x is a strum.
RHYTHMS = {
    "derecho": {
        "bongo": ("H.h.h.h.H.h.L.l.", "H.h.hhh.H.h.L.l.", "H.h.h.h.H.h.L.L."),
        "guira": ("X-xxX-xxX-xxX-xx", "X---x.x.X---x.x.", "X-x.X-xxX-x.X-xx"),
        "bass": ("0-----2-0---2---", "0-------0---2---", "0-----0-2---3---"),
        "guitar": ("0.2.3.2.1.3.2.3.", "0.1.2.3.2.1.2.3.", "0.2.32..1.3.23.."),
    },
    "majao": {
        "bongo": ("H.h.H.h.H.h.L.l.", "h.H.h.H.h.H.L.L.", "H.hhH.h.H.h.LlL."),
        "guira": ("X---X---X---X---", "X-x-X-x-X-x-X-x-", "X---x---X---x-x-"),
        "bass": ("0---0---2---0---", "0---2---3---2---", "0---0---0---2-3-"),
        "guitar": ("..x...x...x...x.", "0.x.2.x.0.x.2.x.", "..x-..xx..x-..xx"),
    },
    "mambo": {
        "bongo": ("H.hhHhh.HhhhL.Ll", "HhHhH.hhHhHhLlL.", "H..hH.h.HhH.LlLl"),
        "guira": ("XxxxXxxxXxxxXxxx", "X-xxXxx.X-xxXxxx", "X-xxX-xxXxxxX-xx"),
        "bass": ("0-.0-.2-0-.0-.3-", "0-..2-..0-.02-3-", "0-.0..2-3-.2..0-"),
        "guitar": ("3.2.32.13.2.32.1", "4.3.4.3.2.3.43.2", "2.3.4.3.23.4.3.2"),
    },
}
SCALES = ((0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 5, 7, 9, 11))  # minor and major
PROGRESSIONS = (((0, 6, 5, 4), (0, 3, 6, 2), (0, 5, 2, 6), (5, 3, 0, 4)), ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 4, 3)))
BANK_BONGOS = (60, 61)  # General MIDI: high and low
BANK_GUIRAS = ((73, 74), (69, 69), (70, 70))  # short and long: guiro, cabasa, maracas
SFZ_BONGOS = (52, 53)  # of FreePats' World percussion
LEVELS = {"bongo": -22.0, "guira": -25.0, "bass": -19.0, "guitar": -20.0}  # dBFS of what sounds


@dataclass(frozen=True)
class Settings:
    """What a song is like. `tempo`: beats a minute, the same all the time; None: random, and it may drift.

    `pickup`: up to so many beats of guitar alone come before the first bar, a random number of them.
    """

    bars: int = 16
    tempo: float | None = None
    pickup: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.bars <= 400:
            raise ValueError(f"bars: must be 1 to 400, not {self.bars}")
        if self.tempo is not None and not 40 <= self.tempo <= 240:
            raise ValueError(f"tempo: must be 40 to 240 beats a minute, not {self.tempo:g}")
        if not 0 <= self.pickup <= 16:
            raise ValueError(f"pickup: must be 0 to 16 beats, not {self.pickup}")


@dataclass(frozen=True)
class Song:
    """`stems`: {name: float32 (frames, 1)} at players.RATE. `beats`: the times of all beats in seconds; `bars`: of the
    first beats of bars.

    `sounds`: {stem: (name of its instrument, licence)}.
    """

    stems: dict[str, np.ndarray]
    beats: tuple[float, ...]
    bars: tuple[float, ...]
    sounds: dict[str, tuple[str, str]]


def play(material: "Material", settings: Settings, seed: int) -> Song:
    """The song of a seed. Raises ValueError if the material lacks one of the instruments."""
    from datasets_tools.synthesis import effects
    from datasets_tools.synthesis.players import RATE

    random = np.random.default_rng([seed, 7])
    composer = _Composer(random, settings)
    stems, sounds = {}, {}
    for stem in STEMS:
        audio, sounds[stem] = _played(stem, composer, material)
        audio = effects.filtered(audio.mean(1, keepdims=True), effects.equaliser(random, RATE))
        if random.random() < 0.5:
            audio = effects.roomy(audio, random, RATE).mean(1, keepdims=True)
        stems[stem] = effects.level_normalised(audio, LEVELS[stem] + random.normal(0, 2), RATE)
    peak = max(float(np.abs(sound).max()) for sound in (*stems.values(), np.asarray(sum(stems.values()))))
    stems = {stem: (sound * (0.9 / max(peak, 0.9))).astype(np.float32) for stem, sound in stems.items()}
    first = composer.pickup
    return Song(stems, tuple(composer.beats.tolist()), tuple(composer.beats[first::BEATS].tolist()), sounds)


class _Composer:
    """The times of all beats, and the notes of each player."""

    def __init__(self, random: np.random.Generator, settings: Settings) -> None:
        self.random, self.bars = random, settings.bars
        self.pickup = int(random.integers(settings.pickup + 1)) if settings.pickup else 0
        count = self.pickup + BEATS * self.bars
        tempo = np.full(count, settings.tempo or random.uniform(105, 165))
        if settings.tempo is None and random.random() < 0.5:
            tempo *= np.linspace(1, random.uniform(0.9, 1.1), count)
        times = np.concatenate([[0.0], np.cumsum(60 / tempo)])
        self.beats, self.seconds = times[:-1], float(times[-1])
        self.times = times
        mode = int(random.random() < 0.4)
        self.scale, self.tonic = SCALES[mode], int(random.integers(28, 40))
        self.progression = PROGRESSIONS[mode][int(random.integers(len(PROGRESSIONS[mode])))]
        names = [*RHYTHMS]
        order = [names[int(random.integers(len(names)))] for _ in range(-(-self.bars // SECTION))]
        self.rhythms = [order[bar // SECTION] for bar in range(self.bars)]

    def at(self, bar: int, step: float) -> float:
        """The time of a sixteenth of a bar; bar -1 is the pick-up."""
        beat = self.pickup + BEATS * bar + step / (STEPS // BEATS)
        return float(np.interp(beat, np.arange(len(self.times)), self.times))

    def chord(self, bar: int, low: int) -> list[int]:
        """The chord of a bar as five notes from its root, the root in the octave above `low`."""
        degree = self.progression[max(bar, 0) % len(self.progression)]
        steps = [degree + third for third in (0, 2, 4, 7, 9)]
        notes = [self.tonic + self.scale[step % 7] + 12 * (step // 7) for step in steps]
        return [note + low + (notes[0] - low) % 12 - notes[0] for note in notes]

    def notes(self, stem: str, low: int = 0) -> list[tuple[str, "Note"]]:
        """(symbol, note) of all that a player strikes.

        `low`: chords have their roots in the octave above this pitch; 0 for percussion, whose notes have the pitch 0.
        """
        from datasets_tools.synthesis.scores import Note

        chosen = {name: rhythm[stem][int(self.random.integers(3))] for name, rhythm in RHYTHMS.items()}
        patterns = [(bar, chosen[name]) for bar, name in enumerate(self.rhythms)]
        if self.pickup and stem == "guitar":
            start = -(-self.pickup // BEATS)
            lead = (chosen["derecho"] * start)[-self.pickup * STEPS // BEATS :].rjust(start * STEPS, ".")
            patterns[:0] = [(bar - start, lead[bar * STEPS : (bar + 1) * STEPS]) for bar in range(start)]
        made = []
        for bar, pattern in patterns:
            for step, symbol, held in hits(pattern):
                loose = self.random.normal(0, 0.004)
                start = max(self.at(bar, step) + loose, 0.0)
                long = 2.0 if stem == "guitar" and symbol.isdigit() else held  # a plucked string rings on
                end = max(self.at(bar, step + long), start + 0.03)
                accent = symbol.isupper() or step % BEATS == 0
                velocity = int(np.clip(self.random.normal(100 if accent else 78, 8), 30, 127))
                chord = self.chord(bar, low) if low else [0]
                pitches = [chord[int(symbol)]] if symbol.isdigit() else chord[1:] if low else chord
                made += [(symbol, Note(start, end, pitch, velocity)) for pitch in pitches]
        return made


def _played(stem: str, composer: _Composer, material: "Material") -> tuple[np.ndarray, tuple[str, str]]:
    """(the sound of a player, (frames, channels); the name and licence of the instrument)."""
    from dataclasses import replace

    from datasets_tools.synthesis.material import GUITARS
    from datasets_tools.synthesis.percussion import bongo, guira
    from datasets_tools.synthesis.players import render
    from datasets_tools.synthesis.scores import Part

    random, seconds = composer.random, composer.seconds
    if stem in ("bass", "guitar"):
        family = "bass" if stem == "bass" else GUITARS[int(random.integers(2))]
        instrument = material.pick(family, random)
        if instrument is None:
            raise ValueError(f"no {family} in the folders of sounds")
        notes = composer.notes(stem, 28 if stem == "bass" else int(random.integers(48, 58)))
        part = Part(instrument.program, tuple(note for _, note in notes))
        return render(instrument, part, seconds, random), (instrument.name, instrument.licence)
    struck = composer.notes(stem)
    instrument = _percussion(stem, material, random)
    if instrument is None:
        sound = (bongo if stem == "bongo" else guira)(struck, seconds, random)
        return sound, (f"computed {stem}", "none needed")
    if stem == "bongo":
        high, low = SFZ_BONGOS if instrument.kind == "sfz" else BANK_BONGOS
        keys = {"h": high, "l": low}
    else:
        short, long = BANK_GUIRAS[int(random.integers(len(BANK_GUIRAS)))]
        keys = {"x": short, "X": long}
    notes = [replace(note, pitch=keys.get(symbol, keys.get(symbol.lower(), 60))) for symbol, note in struck]
    part = Part(instrument.program, tuple(notes), drums=True)
    # Detuned as if by another size or tension: the banks have few.
    sound = render(instrument, part, seconds, random, random.normal(0, 150))
    return sound, (instrument.name, instrument.licence)


def _percussion(stem: str, material: "Material", random: np.random.Generator) -> "Instrument | None":
    """A bank or an SFZ program with the instrument, or None for a computed one, in equal shares by source."""
    kinds = ("bank", "sfz") if stem == "bongo" else ("bank",)
    groups = [[one for one in group if one.kind in kinds] for group in material.families.get("drums", [])]
    groups = [group for group in groups if group]
    computed = f"computed {stem}" not in material.left_out
    if not groups and not computed:
        raise ValueError(f"no {stem} in the folders of sounds")
    choice = int(random.integers(len(groups) + computed))
    return groups[choice][int(random.integers(len(groups[choice])))] if choice < len(groups) else None


def write(song: Song, folder: Path, rate: int, made_from: dict[str, Any]) -> None:
    """Write a track of four parts (datasets_tools.pairs), with the times of its beats and bars in its record."""
    import soxr

    from datasets_tools.pairs import parts_writer
    from datasets_tools.synthesis.players import RATE

    sounds = {stem: {"instrument": name, "licence": licence} for stem, (name, licence) in song.sounds.items()}
    times = {name: [round(time, 4) for time in getattr(song, name)] for name in ("beats", "bars")}
    stems = [soxr.resample(song.stems[stem], RATE, rate) for stem in STEMS]
    with parts_writer(folder, STEMS, rate, 1, {"made_from": made_from, **times, "sounds": sounds}) as write_blocks:
        write_blocks(*stems)


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Write <output>/tracks_<rate>hz/bachata<seed> for each song, unless it is there."""
    parser = Parser("bachata", __doc__.split("\n")[0])
    add = parser.add_argument
    add_material(parser)
    add("--output", type=Path, required=True, metavar="FOLDER", help="folder for the songs")
    add("--songs", type=int, default=1, help="number of songs (default: 1)")
    add("--seed", type=int, default=0, help="seed of the first song (default: 0)")
    add("--bars", type=int, default=16, help="bars of each song (default: 16)")
    add("--rate", type=int, default=44100, metavar="HZ", help="sample rate of the tracks (default: 44100)")
    add("--tempo", type=float, metavar="BPM", help="beats a minute (default: random, and it may drift)")
    add("--pickup", type=int, default=0, metavar="BEATS", help="up to so many beats before the first bar (default: 0)")
    options = parser.parse_args(arguments)
    if options.songs < 1 or options.seed < 0 or not 8000 <= options.rate <= 192000:
        parser.error("need --songs >= 1, --seed >= 0 and --rate of 8000 to 192000")
    from tqdm import tqdm

    from datasets_tools.pairs import finished, rate_folder
    from datasets_tools.synthesis.material import Material
    from splitstrument.files.yaml_files import plain
    from splitstrument.stages.locking import kept

    settings = Settings(options.bars, options.tempo, options.pickup)
    computed = {"computed bongo", "computed guira"}.intersection(options.leave_out)
    material = Material(options.sounds, options.material, [name for name in options.leave_out if name not in computed])
    material.left_out |= computed
    names = {one.name for groups in material.families.values() for group in groups for one in group}
    made_from = plain(asdict(settings) | {"instruments": sorted(names), "left_out": sorted(material.left_out)})
    with kept(options.output):
        for seed in tqdm(range(options.seed, options.seed + options.songs), unit="song", disable=None):
            folder = rate_folder(options.output, options.rate) / f"bachata{seed}"
            if not finished(folder, made_from, STEMS):
                write(play(material, settings, seed), folder, options.rate, made_from)
    return 0


if __name__ == "__main__":
    sys.exit(main())
