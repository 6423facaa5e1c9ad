"""Make tracks whose parts are named by kinds of instruments, to learn to take out what sounds like an example.

    python3 recipes/kinds.py songs SONGS OUTPUT
    python3 recipes/kinds.py players FETCHED TRACKS OUTPUT
    python3 recipes/kinds.py recorded FETCHED MULDJORD OUTPUT

songs: a track for each song of `splitstrument synthesize` in SONGS; stems of one kind become one part. players: 200
tracks of 30 s, each of two to four recordings of different kinds. recorded: songs and players for the test only.
FETCHED is the output of recipes/real_sounds.sh, TRACKS of recipes/real_sounds.py and recipes/further_recordings.py,
MULDJORD the organised songs of recipes/tests.sh. A fixed seed determines all random choices.
"""

import functools
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import soundfile
from further_recordings import DEMOS, MELODIES, MERCURY, PLAIN, excerpt, files, joined, melody, notes, shortened
from real_sounds import RATE, sound, stems

from splitstrument.files.atomic import atomic_folder
from splitstrument.files.yaml_files import read_yaml
from splitstrument.stages.console import command

# The kinds of General MIDI programs, each from this program on.
PROGRAMS = {
    **{0: "piano", 2: "electric_piano", 3: "piano", 4: "electric_piano", 6: "harpsichord", 7: "clavinet", 8: "mallets"},
    **{16: "organ", 21: "accordion", 24: "acoustic_guitar", 26: "electric_guitar", 29: "distorted_guitar", 32: "bass"},
    **{38: "synth_bass", 40: "strings", 45: "harp", 47: "drums", 48: "strings", 52: "voice", 55: "brass"},
    **{64: "saxophone", 68: "woodwind", 72: "flute", 80: "synth_lead", 88: "synth_pad", 104: "other", 128: "drums"},
}
# Recordings for training, in FETCHED: {kind: patterns}. Each file is a sound of its own.
PLAYED = {
    "strings": ("bach-violin-dataset/bach-violin/audio/john-garner/*", f"{DEMOS}/strings/string_cyborgs.mp3"),
    "bass": (f"{DEMOS}/basses/*.mp3", f"{DEMOS}/strings/*bass.mp3"),
    "saxophone": (f"{DEMOS}/woodwinds/*.mp3",),
    "brass": (f"{DEMOS}/brass/*.mp3",),
    "drums": (f"{DEMOS}/drums/*.mp3",),
    "electric_guitar": (f"{DEMOS}/guitars/*.mp3", "MAX-Audio-Classifier/samples/jazz_guitar.wav"),
    "acoustic_guitar": ("map-tiles/tiles/muzak/trow_*.mp3", "shared-assets/audio/guitar.wav"),
}
# Clips to be joined: (kind, pattern, longest silence in seconds, seconds between clips).
CLIPS = (
    *(("voice", f"guitar-dsp/assets/vocalset/{singer}/*/*/*.wav", 0.8, 0.0) for singer in ("f2", "f8", "m1")),
    ("voice", "audio/berklee/*malevoice*.mp3", 1.0, 0.14),
    ("voice", f"{MERCURY}/vocal/choir/*.wav", 1.0, 0.25),
    ("acoustic_guitar", "audio/berklee/guitar_*.mp3", 1.0, 0.14),
    ("strings", f"{MERCURY}/string/bowed/violin/*.wav", 1.0, 0.25),
    ("drums", f"{MERCURY}/drums/tabla/*.wav", 1.0, 0.25),
    *(("mallets", f"{MERCURY}/idiophone/{name}/*.wav", 1.0, 0.25) for name in ("marimba", "glockenspiel", "xylophone")),
)
ORCHESTRA = {
    **{"saxophone": "saxophone", "trombone": "brass", "french horn": "brass", "cello": "strings", "flute": "flute"},
    **dict.fromkeys(("clarinet", "oboe", "bassoon", "cor anglais", "bass clarinet"), "woodwind"),
}
# Parts of tracks that exist: (kind, tracks, part).
MADE = (
    ("voice", "stems/*-voices-*", "rest"),
    ("drums", "stems/*-drums-*", "rest"),
    ("electric_guitar", "direct/direct-[01]-*", "guitar"),
    ("distorted_guitar", "direct/direct-[34]-*", "guitar"),
    ("acoustic_guitar", "clips/chords-*", "guitar"),
    ("distorted_guitar", "clips/power-*", "guitar"),
)
PLAYERS, SEED, LEVEL = 200, 27, -21.0  # tracks; dBFS of the active parts
PIECE = 30  # seconds


def write(folder: Path, name: str, parts: Mapping[str, np.ndarray]) -> None:
    """Write a track; all parts are as long as the shortest, and at least two of them are heard."""
    length = min(map(len, parts.values()))
    heard = {part: audio[:length] for part, audio in parts.items() if np.abs(audio[:length]).max() > 1e-3}
    if len(heard) < 2 or (folder / name).exists():
        return
    peak = max(np.abs(sum(heard.values())).max(), *(np.abs(audio).max() for audio in heard.values()))
    with atomic_folder(folder / name) as unfinished:
        for part, audio in heard.items():
            soundfile.write(unfinished / f"{part}_{name}.wav", audio * min(1, 0.95 / peak), RATE, "PCM_16")


def summed(sounds: Iterable[tuple[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """{kind: the sum of its sounds}."""
    parts: dict[str, np.ndarray] = {}
    for kind, audio in sounds:
        parts[kind] = parts[kind] + audio if kind in parts else audio
    return parts


def kind_of(program: int) -> str:
    """The kind of a General MIDI program; drums are 128."""
    return PROGRAMS[max(first for first in PROGRAMS if first <= program)]


def songs(rendered: Path, output: Path) -> None:
    """A track for each rendered song, with a part for each kind."""
    for path in files(rendered, "*/metadata.yaml"):
        found = [
            (kind_of(stem["program_num"]), sound(path.parent / "stems" / f"{name}.flac"))
            for name, stem in read_yaml(path)["stems"].items()
            if (path.parent / "stems" / f"{name}.flac").exists()
        ]
        write(output, path.parent.name, summed(found))


def players(fetched: Path, tracks: Path, output: Path) -> None:
    """Tracks of two to four recordings of different kinds, at random levels."""
    random = np.random.default_rng(SEED)
    pool: dict[str, list[np.ndarray]] = {}
    for kind, patterns in PLAYED.items():
        for pattern in patterns:
            pool.setdefault(kind, []).extend(shortened(sound(path)) for path in files(fetched, pattern))
    for kind, pattern, longest, gap in CLIPS:
        pool.setdefault(kind, []).append(joined(files(fetched, pattern), longest, gap))
    for instrument, kind in ORCHESTRA.items():
        paths = files(fetched, f"philharmonia-samples/audio/{instrument}/*.mp3")
        paths = [path for path in paths if PLAIN.search(path.name) and path.stat().st_size]  # one is empty
        pool.setdefault(kind, []).append(melody(notes(paths, 130, random), MELODIES[instrument], random))
    read = functools.cache(sound)
    made = {}
    for kind, pattern, part in MADE:
        made.setdefault(kind, []).extend(files(tracks, f"{pattern}/{part}_*.wav"))
    kinds = sorted({*pool, *made})
    for number in range(PLAYERS):
        parts = {}
        for kind in random.choice(kinds, int(random.integers(2, 5)), replace=False):
            own, others = pool.get(kind, []), made.get(kind, [])
            index = int(random.integers(len(own) + min(len(others), 10)))
            audio = own[index] if index < len(own) else read(others[int(random.integers(len(others)))])
            parts[str(kind)] = excerpt(audio, LEVEL + random.normal(0, 3), random)
        write(output / "players", f"players_{number:03d}", parts)
    for path in files(tracks, "sectoid/*/guitar_*.wav"):
        rest = path.with_name(path.name.replace("guitar_", "rest_"))
        write(output / "sectoid", path.parent.name, {"distorted_guitar": sound(path), "rest": sound(rest)})


def recorded(fetched: Path, muldjord: Path, output: Path) -> None:
    """Tracks for the test: songs and players that are nowhere in training."""
    whole = {"francium": {"rest" if kind == "other" else kind: audio for kind, audio in _francium(fetched).items()}}
    folder = fetched / "webaudio-examples/multi-track"
    named = {"leadguitar": "electric_guitar", "horns": "brass", "clav": "clavinet", "bassguitar": "bass"}
    whole["multi-track"] = {
        kind: 0.5 * sound(folder / f"{name}.mp3") for name, kind in {**named, "drums": "drums"}.items()
    }
    for song in sorted(path for path in muldjord.iterdir() if path.is_dir()):
        groups = (("distorted_guitar", "guitar"), ("rest", "other"))
        whole[song.name] = {part: sum(map(sound, files(song / group, "*"))) for part, group in groups}
    for name, parts in whole.items():
        length = min(map(len, parts.values()))
        for number, start in enumerate(range(0, length - PIECE * RATE // 2, PIECE * RATE)):
            piece = {part: audio[start : start + PIECE * RATE] for part, audio in parts.items()}
            write(output, f"{name}-{number}", piece)
    duets = {
        "violin-voice": (
            "bach-violin-dataset/bach-violin/audio/minji-kim/*",
            "guitar-dsp/assets/vocalset/m10/*/*/*.wav",
        ),
        "trumpet-piano": ("data/audio/sorohanro*.hq.ogg", "map-tiles/tiles/muzak/chopin_eliogu_op55_no1.mp3"),
    }
    random = np.random.default_rng(SEED)
    for name, patterns in duets.items():
        players = [joined(files(fetched, pattern), 0.8, 0.0) for pattern in patterns]
        for number in range(2):
            kinds = {"violin": "strings", "trumpet": "brass"}
            parts = zip(name.split("-"), players, strict=True)
            write(
                output,
                f"{name}-{number}",
                {kinds.get(part, part): excerpt(audio, LEVEL, random) for part, audio in parts},
            )


def _francium(fetched: Path) -> dict[str, np.ndarray]:
    groups = stems(fetched / "everythingisremixed/src/7.Francium")
    longest = max(map(len, groups.values()))
    named = {"voices": "voice"}
    return {
        named.get(group, group): np.concatenate([audio, np.zeros((longest - len(audio), 2), np.float32)])
        for group, audio in groups.items()
    }


@command
def main(arguments):
    what, *folders = arguments
    {"songs": songs, "players": players, "recorded": recorded}[what](*map(Path, folders))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
