"""Make tracks of guitar or piano and rest from recordings, for training and, from other recordings, for validation.

    python3 recipes/real_sounds.py FETCHED OUTPUT

FETCHED: the output of recipes/real_sounds.sh. OUTPUT gets the folders sectoid, direct, clips, stems and orchestra for
training, and held-guitar, held-piano and held-none for validation; both have different recordings, amplifiers and
songs. Debian's packages guitarix-common (impulse responses of loudspeakers) and fretsonfire-songs-sectoid are needed
too. A fixed seed determines all random choices.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile
import soxr

from datasets_tools.synthesis import effects
from datasets_tools.synthesis.effects import level_normalised
from datasets_tools.synthesis.recorded import LEVEL, at_speed, backing, impulse_response, reamped, row
from splitstrument.files.atomic import atomic_folder
from splitstrument.files.audio import open_audio
from splitstrument.stages.console import command

RATE = 44100
AMPLIFIERS = Path("/usr/share/gx_head/sounds/amps")
HELD_AMPLIFIERS = ("Laney ironheart", "EVH 5150 III", "Marshall JMP 2203  Jose Arredondo mod")
SECTOID, HELD_SONG = Path("/usr/share/games/fretsonfire/data/songs/sectoid"), "Metal madness"
ALBUM, HELD_ALBUM_SONG = ("1.Hydrogen", "2.Lithium", "5.Rubidium", "6.Caesium"), "7.Francium"
DRUMS = ("DRUM", "HH", "HAT", "KICK", "SNARE", "BEAT", "CRASH", "TOM", "CLAP", "CYMBAL", "BREAK", "PERC", "BUILD")


def sound(path: Path) -> np.ndarray:
    with open_audio(path) as reader:
        rate, audio = reader.info.sample_rate, np.concatenate(list(reader.blocks(1 << 16)))
    audio = audio.astype(np.float32) if rate == RATE else soxr.resample(audio.astype(np.float32), rate, RATE)
    return np.broadcast_to(audio[:, :2], (len(audio), 2))


def sounds(paths: Iterable[Path]) -> list[np.ndarray]:
    return [sound(path) for path in sorted(paths)]


def write(folder: Path, name: str, **parts: np.ndarray) -> None:
    """Write a track with these parts; guitar or rest, if missing, is silent. The mixture is below full scale."""
    if (folder / name).exists():
        return
    length = max(len(part) for part in parts.values())
    silence = np.zeros((length, 2), np.float32)
    whole = dict.fromkeys(("guitar", "rest"), silence) | {
        name: np.concatenate([part, silence[len(part) :]]) for name, part in parts.items()
    }
    peak = max(np.abs(sum(whole.values())).max(), *(np.abs(part).max() for part in whole.values()))
    with atomic_folder(folder / name) as unfinished:
        for part, audio in whole.items():
            soundfile.write(unfinished / f"{part}_{name}.wav", audio * min(1, 0.95 / peak), RATE, "PCM_16")


def pieces(audio: np.ndarray, seconds: float) -> list[np.ndarray]:
    """Cut `audio` into pieces of this length; a last piece of at least a third of the length is kept."""
    step = round(seconds * RATE)
    return [audio[start : start + step] for start in range(0, max(1, len(audio) - step // 3), step)]


def stems(song: Path) -> dict[str, np.ndarray]:
    """Voices, drums, piano and other groups of a song of the album, each as the sum of its stems."""
    groups: dict[str, np.ndarray] = {}
    for path in sorted(song.glob("*_mobile.m4a")):
        name = path.name.upper().partition("_STEM_")[2]
        if not name or "MASTER" in name:
            continue
        drums = any(word in name for word in DRUMS) and "MELODY" not in name
        group = "voices" if "VOX" in name else "piano" if "PIANO" in name else "drums" if drums else "other"
        audio, total = sound(path), groups.get(group, np.zeros((0, 2), np.float32))
        total = np.concatenate([total, np.zeros((max(0, len(audio) - len(total)), 2), np.float32)])
        total[: len(audio)] += audio
        groups[group] = total
    return groups


def direct(fetched: Path) -> np.ndarray:
    """The direct guitars of KlonCentaur, joined in order, (frames,)."""
    folder = fetched / "KlonCentaur/GainStageTraining/DataIn"
    paths = sorted(folder.glob("sample*.wav"), key=lambda path: int(path.stem.removeprefix("sample")))
    return np.concatenate([sound(path)[:, :1] for path in paths])


class Maker:
    """Make random tracks in `output` from the downloaded material in `fetched`."""

    def __init__(self, fetched: Path, output: Path) -> None:
        self.fetched, self.output, self.random = fetched, output, np.random.default_rng(22)
        names = sorted(AMPLIFIERS.glob("*.wav"))
        self.cabinets = [impulse_response(path, RATE) for path in names if path.stem not in HELD_AMPLIFIERS]
        self.held = [impulse_response(AMPLIFIERS / f"{name}.wav", RATE) for name in HELD_AMPLIFIERS]
        self.rests: list[np.ndarray] = []

    def sectoid(self) -> None:
        for song in sorted(path for path in SECTOID.iterdir() if path.is_dir()):
            guitar, rest = sound(song / "guitar.ogg"), sound(song / "song.ogg")
            held = HELD_SONG.lower() in song.name.lower()
            both = zip(pieces(guitar[: len(rest)], 60), pieces(rest[: len(guitar)], 60), strict=True)
            for number, (own, others) in enumerate(both):
                name = f"{song.name.replace(' ', '-')}-{number}"
                write(self.output / ("held-guitar" if held else "sectoid"), name, guitar=own, rest=others)

    def album(self) -> None:
        for song in ALBUM:
            for group, audio in stems(self.fetched / "everythingisremixed/src" / song).items():
                for number, piece in enumerate(pieces(audio, 30)):
                    if group == "piano" or np.sqrt((piece**2).mean()) < 10 ** (-48 / 20):
                        continue
                    self.rests.append(piece)
                    write(self.output / "stems", f"{song.split('.')[1]}-{group}-{number}", rest=piece)

    def orchestra(self) -> None:
        for path in sorted(self.fetched.glob("data/audio/*.hq.ogg")):
            if path.name.startswith(("Hungarian", "Kevin_MacLeod_-_P_I")):
                for number, piece in enumerate(pieces(level_normalised(sound(path), LEVEL, RATE), 40)):
                    write(self.output / "orchestra", f"{path.name[:9]}-{number}", rest=piece)

    def over_rest(self, folder: str, name: str, guitar: np.ndarray) -> None:
        """Write a track of a guitar over one to three stems of the album."""
        count = int(self.random.integers(1, 4))
        chosen = [self.rests[index] for index in self.random.choice(len(self.rests), count, False)]
        write(self.output / folder, name, guitar=guitar, rest=backing(chosen, len(guitar), self.random, RATE))

    def guitars(self) -> None:
        random, played = self.random, direct(self.fetched)[: 165 * RATE]
        for take, drive in enumerate((-6.0, 4.0, 12.0, 24.0, 36.0)):
            for number, piece in enumerate(pieces(played, 33)):
                piece = at_speed(piece, float(random.choice([0, 0, -2, 2, 3, -3, -5])))
                cabinet = None if random.random() < 0.45 else self.cabinets[int(random.integers(len(self.cabinets)))]
                gain = drive if random.random() < 0.8 else random.uniform(-6, 40)
                self.over_rest("direct", f"direct-{take}-{number}", reamped(piece, gain, random, RATE, cabinet))

    def clips(self) -> None:
        bainter = self.fetched / "samples-alex-bainter/samples"
        power = self.fetched / "2PacAndBiggie/color2sound/electric-guitar-power-chords"
        kinds = (
            ("chords", bainter / "acoustic-guitar-chords-cmaj", 14, (-0.15, 0.05), 4.0),
            ("spank", bainter / "guitar-coil-spank", 3, (-2.0, 0.0), 60.0),
            ("dusty", bainter / "guitar-dusty", 3, (-2.0, 0.0), 60.0),
            ("power", power, 12, (-0.05, 0.0), 2.0),
        )
        for kind, folder, tracks, gap, longest in kinds:
            whole = [level_normalised(clip, LEVEL, RATE) for clip in sounds(folder.glob("*.wav"))]
            for number in range(tracks):
                long = round(self.random.uniform(0.3, 1) * longest * RATE)
                made = row([clip[:long] for clip in whole], 36.0, gap, self.random, RATE)
                made = at_speed(made, float(self.random.choice([0, 2, -2, 3, -3, 5])))
                made = effects.filtered(made, effects.equaliser(self.random, RATE, (-3.0, 6.0)))
                if self.random.random() < 0.4:
                    made = effects.roomy(made, self.random, RATE)
                self.over_rest("clips", f"{kind}-{number}", level_normalised(made, LEVEL, RATE))

    def choosing(self) -> None:
        """Make the validation tracks: held-out guitars and a piano with the album's last song or alone; a trumpet."""
        song = sum_of(stems(self.fetched / "everythingisremixed/src" / HELD_ALBUM_SONG))
        rests = [
            level_normalised(song[at * RATE : (at + 25) * RATE], LEVEL, RATE) for at in (45, 85, 125, 165, 205, 240)
        ]

        def under(folder: str, name: str, part: str, audio: np.ndarray, place: int, level: float) -> None:
            played = level_normalised(audio[: 25 * RATE], LEVEL + level, RATE)
            write(self.output / folder, name, **{part: played, "rest": rests[place][: len(played)]})

        random = np.random.default_rng(7)
        other = np.concatenate(sounds((self.fetched / "plugins/NeuralFXEmulation/wav/audio/input").glob("*.wav")))
        own = direct(self.fetched)[168 * RATE :]
        takes = (
            ("other-clean", other[: 25 * RATE], -6, 0, -5),
            ("other-drive", other[28 * RATE : 53 * RATE], 28, 1, -4),
        )
        takes += (("klon-crunch", own[: 22 * RATE], 10, 2, -5), ("klon-clean", own[22 * RATE :], -6, 2, -6))
        for place, (name, audio, drive, cabinet, level) in enumerate(takes):
            guitar = reamped(audio, drive, random, RATE, self.held[cabinet])
            under("held-guitar", name, "guitar", guitar, place, level)
        chopin = sound(self.fetched / "map-tiles/tiles/muzak/chopin_eliogu_op55_no1.mp3")
        for number, (start, place, level) in enumerate(((20, 0, -4), (150, 2, -6), (260, 4, -3))):
            under("held-piano", f"chopin-{number}", "piano", chopin[start * RATE :], place, level)
        (trumpet,) = sounds(self.fetched.glob("data/audio/sorohanro*.hq.ogg"))
        trumpet = level_normalised(np.tile(trumpet, (5, 1))[: 25 * RATE], LEVEL, RATE)
        write(self.output / "held-none", "trumpet", rest=trumpet[: 12 * RATE])
        write(self.output / "held-none", "song-trumpet", rest=trumpet + rests[4])
        for name, place in (("song-a", 5), ("song-b", 1)):
            write(self.output / "held-none", name, rest=rests[place])


def sum_of(groups: dict[str, np.ndarray]) -> np.ndarray:
    total = np.zeros((max(map(len, groups.values())), 2), np.float32)
    for audio in groups.values():
        total[: len(audio)] += audio
    return total


@command
def main(arguments):
    maker = Maker(*map(Path, arguments))
    for step in (maker.sectoid, maker.album, maker.orchestra, maker.guitars, maker.clips, maker.choosing):
        print(f"{step.__name__} ...", flush=True)
        step()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
