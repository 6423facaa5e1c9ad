"""Make tracks from further recordings: guitars, players, singers, notes of an orchestra's instruments, and a song.

    python3 recipes/further_recordings.py FETCHED BANDS TRACKS

FETCHED: the output of recipes/real_sounds.sh. BANDS: a folder of tracks from `splitstrument mix --parts`, in which the
part other has no guitar and no piano. TRACKS: the output of recipes/real_sounds.py, whose stems are used; it gets the
folders further-guitars (30 tracks of 30 s), further-rests (70 of 30 s) and recorded-song (1). A fixed seed determines
all random choices. The models were trained on tracks that were made of the same recordings in the same way, but with
other random numbers: equivalent ones, not identical.
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from real_sounds import RATE, sound, write

from datasets_tools.synthesis.effects import level_normalised
from splitstrument.stages.console import command

SECONDS = 30  # of a track
LEVEL = -22.0  # dBFS, of the active parts
RESTS = 70  # tracks without guitar
DEMOS = "sfzinstruments.github.io/docs/assets/audio"
MERCURY = "mercury/mercury_ide/media/samples"
# Guitars: {name: files in FETCHED}. Those of several files are clips.
GUITARS = {
    "berklee": "audio/berklee/guitar_*.mp3",
    "jazz": "MAX-Audio-Classifier/samples/jazz_guitar.wav",
    "trow": "map-tiles/tiles/muzak/trow_*.mp3",
    "lead": "webaudio-examples/multi-track/leadguitar.mp3",
    "shared": "shared-assets/audio/guitar.wav",
    "emily": f"{DEMOS}/guitars/emilyguitar.mp3",
    "shiny": f"{DEMOS}/guitars/shinyguitar.mp3",
}
SONG = ("horns", "drums", "clav", "bassguitar")
# Players and singers: each file is a sound of its own.
PLAYED = (
    "bach-violin-dataset/bach-violin/audio/*/*",
    f"{DEMOS}/[!g]*/*.mp3",
    *(f"webaudio-examples/multi-track/{part}.mp3" for part in SONG),
)
# Clips to be joined, the seconds to which silences are shortened, and the seconds between clips.
CLIPS = (
    *((f"guitar-dsp/assets/vocalset/{singer}/*/*/*.wav", 0.8, 0.0) for singer in ("f2", "f8", "m1", "m10")),
    *((f"audio/berklee/{voice}.mp3", 1.0, 0.14) for voice in ("*malevoice*", "*vocal*")),
    *(
        (f"{MERCURY}/{kind}/*.wav", 1.0, 0.25)
        for kind in ("vocal/choir", "string/bowed/violin", "string/plucked/violin", "drums/tabla")
        + tuple(f"woodwinds-flutes/{name}" for name in ("flute", "clarinet", "oboe"))
        + tuple(f"idiophone/{name}" for name in ("marimba", "glockenspiel", "kalimba", "xylophone"))
    ),
)
# Instruments of the Philharmonia's single notes, and the minutes of the melody that is made of them.
MELODIES = {
    **{"saxophone": 12, "trombone": 7, "cello": 7, "french horn": 6, "clarinet": 5, "flute": 5, "oboe": 4},
    **{"bassoon": 3, "cor anglais": 3, "double bass": 3, "bass clarinet": 2},
}
GUITAR_MINUTES = 5
PLAIN = re.compile("_normal|_phrase|vibrato")  # in the names of notes without special effects
NOTE = re.compile(r"_([A-G]s?)(\d)_")
KEYS = ("C", "Cs", "D", "Ds", "E", "F", "Fs", "G", "Gs", "A", "As", "B")
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 6, 7, 10))  # major, minor, blues


def files(folder: Path, pattern: str) -> list[Path]:
    """The files in `folder` that match, sorted. Raises ValueError if there are none."""
    if not (found := sorted(path for path in folder.glob(pattern) if path.is_file())):
        raise ValueError(f"{folder}: no file {pattern}; recipes/real_songs.sh makes all that is needed")
    return found


def shortened(audio: np.ndarray, longest: float = 2.0) -> np.ndarray:
    """Shorten silences (55 dB below the loudest) to `longest` seconds, and remove the silence at the beginning."""
    block = RATE // 10
    count = len(audio) // block
    if not count:
        return audio
    peaks = np.abs(audio[: count * block]).reshape(count, -1).max(1)
    heard = peaks > 10 ** (-55 / 20) * max(1e-4, peaks.max())
    if not heard.any():
        return audio[:0]
    places = np.arange(count)
    last = np.maximum.accumulate(np.where(heard, places, -1))
    kept = (last >= 0) & (places - last <= round(10 * longest))
    kept[max(0, int(heard.argmax()) - 2) : heard.argmax()] = True  # before a soft beginning
    return audio[: count * block].reshape(count, block, -1)[kept].reshape(-1, audio.shape[1])


def joined(paths: Iterable[Path], longest: float, gap: float) -> np.ndarray:
    """Clips of more than 0.1 s one after another, with silences shortened to `longest` and `gap` s between them."""
    pause = np.zeros((round(gap * RATE), 2), np.float32)
    clips = [clip for path in paths if len(clip := sound(path)) > RATE // 10]
    return shortened(np.concatenate([part for clip in clips for part in (shortened(clip, longest), pause)]))


def notes(paths: Sequence[Path], most: int, random: np.random.Generator) -> dict[int, list[np.ndarray]]:
    """At most `most` random single notes without the silence around them: {MIDI key: [(frames, 1)]}."""
    named = [(path, match) for path in paths if (match := NOTE.search(path.name))]
    found: dict[int, list[np.ndarray]] = {}
    for index in random.permutation(len(named))[:most]:
        path, match = named[index]
        audio = sound(path)[:, :1]
        loud = np.flatnonzero(np.abs(audio[:, 0]) > 0.02 * np.abs(audio).max())
        if len(loud):
            key = 12 * int(match[2]) + 12 + KEYS.index(match[1])
            found.setdefault(key, []).append(audio[max(0, loud[0] - 200) : loud[-1] + 2000])
    return found


def melody(
    found: Mapping[int, Sequence[np.ndarray]], minutes: float, random: np.random.Generator, ringing: bool = False
) -> np.ndarray:
    """Make a melody of single notes, (frames, 1): root, scale and tempo change every 48 notes.

    `ringing`: notes sound on for up to 4 s, and one in four is part of a chord.
    """
    keys, total = sorted(found), round(60 * minutes * RATE)
    made = np.zeros((total + 5 * RATE, 1), np.float32)
    key, start, fade = int(random.choice(keys)), 0, 8000 if ringing else 2000
    for count in range(total):
        if count % 48 == 0:
            root, beat = int(random.integers(12)), random.uniform(0.25, 0.6) * RATE
            scale = SCALES[int(random.integers(len(SCALES)))]
        step = int(random.choice((3, 5, 9)))
        near = [other for other in keys if (other - root) % 12 in scale and abs(other - key) <= step]
        key = int(random.choice(near or keys))
        length = beat * random.choice((0.5, 0.5, 1, 1, 1, 2, 3))
        longest = 4 * RATE if ringing else int(length * random.uniform(0.9, 1.15))
        clip = found[key][int(random.integers(len(found[key])))][:longest] * np.float32(random.uniform(0.6, 1))
        clip[-fade:] *= np.linspace(1, 0, len(clip[-fade:]), dtype=np.float32)[:, None]
        made[start : start + len(clip)] += clip
        start += 600 if ringing and random.random() < 0.25 else int(length)
        if random.random() < 0.05:
            start += int(beat * random.choice((1, 2)))
        if start >= total:
            break
    return made[:start]


def excerpt(audio: np.ndarray, decibels: float, random: np.random.Generator) -> np.ndarray:
    """A random excerpt of a track's length at this level, (frames, 2); shorter audio is repeated."""
    frames = SECONDS * RATE
    audio = np.tile(audio, (-(-frames // len(audio)), 1))
    start = int(random.integers(len(audio) - frames + 1))
    return np.broadcast_to(level_normalised(audio[start : start + frames], decibels, RATE), (frames, 2))


class Maker:
    """Make random tracks in `tracks` from the downloaded material in `fetched`, `bands` and the stems of `tracks`."""

    def __init__(self, fetched: Path, bands: Path, tracks: Path) -> None:
        self.fetched, self.tracks, self.random = fetched, tracks, np.random.default_rng(11)
        self.bands = files(bands, "**/other_*.wav")
        # Of the album's stems, those that sound in more than 30 % of the time.
        self.drums, self.voices = (
            [path for path in files(tracks / "stems", f"*-{group}-*/rest_*.wav") if activity(sound(path)) > 0.3]
            for group in ("drums", "voices")
        )
        self.others = list(self.recordings())

    def recordings(self) -> Iterable[np.ndarray]:
        """All recordings without guitar."""
        for pattern in PLAYED:
            yield from (shortened(sound(path)) for path in files(self.fetched, pattern))
        for pattern, longest, gap in CLIPS:
            yield joined(files(self.fetched, pattern), longest, gap)
        for instrument, minutes in MELODIES.items():
            paths = files(self.fetched, f"philharmonia-samples/audio/{instrument}/*.mp3")
            paths = [path for path in paths if PLAIN.search(path.name)]
            yield melody(notes(paths, 130, self.random), minutes, self.random)

    def one_of(self, paths: Sequence[Path], decibels: float) -> np.ndarray:
        return excerpt(sound(paths[int(self.random.integers(len(paths)))]), decibels, self.random)

    def other(self, decibels: float) -> np.ndarray:
        return excerpt(self.others[int(self.random.integers(len(self.others)))], decibels, self.random)

    def accompaniment(self, level: float) -> np.ndarray:
        """A band or drums, often a voice, and one or two of the recordings without guitar."""
        random, parts = self.random, []
        if random.random() < 0.4:
            parts.append(self.one_of(self.bands, level + random.normal(0, 2)))
        elif random.random() < 0.8:
            parts.append(self.one_of(self.drums, level + random.normal(0, 2)))
        if random.random() < 0.35:
            parts.append(self.one_of(self.voices, level + random.normal(0, 3)))
        parts += [self.other(level + random.normal(-1, 3)) for _ in range(1 + (random.random() < 0.5))]
        return np.sum(parts, axis=0)

    def guitars(self) -> None:
        played = {
            name: joined(paths, 1.0, 0.14) if len(paths := files(self.fetched, pattern)) > 1 else sound(paths[0])
            for name, pattern in GUITARS.items()
        }
        single = notes(files(self.fetched, "philharmonia-samples/audio/guitar/*.mp3"), 120, self.random)
        played["philharmonia"] = melody(single, GUITAR_MINUTES, self.random, ringing=True)
        for name, audio in played.items():
            audio = shortened(audio)
            for start in range(0, max(1, len(audio) - 5 * RATE), SECONDS * RATE):
                piece = audio[start : start + SECONDS * RATE]
                if np.sqrt((piece**2).mean()) < 10 ** (-60 / 20):  # the end of a fade-out
                    continue
                level = LEVEL + self.random.normal(0, 2)
                guitar = excerpt(piece, level, self.random)
                rest = self.accompaniment(level + self.random.normal(0, 2))
                write(self.tracks / "further-guitars", f"{name}-{start // RATE}", guitar=guitar, rest=rest)

    def rests(self) -> None:
        for number in range(RESTS):
            parts = [self.one_of(self.drums, LEVEL)] if self.random.random() < 0.3 else []
            parts += [self.other(LEVEL + self.random.normal(0, 3)) for _ in range(self.random.integers(1, 4))]
            write(self.tracks / "further-rests", f"rest-{number}", rest=np.sum(parts, axis=0))

    def song(self) -> None:
        """The recorded song of a guitar and four other stems, in equal proportion."""
        folder = self.fetched / "webaudio-examples/multi-track"
        guitar, *others = (sound(folder / f"{part}.mp3") for part in ("leadguitar", *SONG))
        frames = min(map(len, (guitar, *others)))
        rest = np.sum([other[:frames] for other in others], axis=0)
        write(self.tracks / "recorded-song", "multi-track", guitar=0.5 * guitar[:frames], rest=0.5 * rest)


def activity(audio: np.ndarray) -> float:
    """The share of seconds louder than -80 dBFS."""
    seconds = audio[: len(audio) // RATE * RATE].reshape(-1, RATE * audio.shape[1])
    return float((np.sqrt((seconds**2).mean(1)) > 1e-4).mean()) if len(seconds) else 0.0


@command
def main(arguments):
    maker = Maker(*map(Path, arguments))
    for step in (maker.song, maker.guitars, maker.rests):
        print(f"{step.__name__} ...", flush=True)
        step()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
