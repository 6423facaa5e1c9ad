"""The available instruments and MIDI songs, found on disk by name, each with its licence.

An instrument is a program of a General MIDI bank, an SFZ file, or computed here without samples: plucked strings,
pianos, synthesizers and a singing voice. The words of the voice come from Flite; its licence does not restrict the use
of its output.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets_tools.synthesis import speech
from splitstrument.checking import STRICT, checked
from splitstrument.files.folders import walk
from splitstrument.suggestions import no_such

TABLE = Path(__file__).with_name("material.yaml")
# Families of instruments and their General MIDI programs; the first one stands for instruments without a number.
FAMILIES = {
    "piano": (0, 1, 3),
    "electric piano": (4, 5, 2),
    "harpsichord": (6,),
    "clavinet": (7,),
    "mallets": (11, 8, 9, 10, 12, 13, 14, 15),
    "organ": (16, 17, 18, 19, 20),
    "accordion": (21, 22, 23),
    "acoustic guitar": (25, 24),
    "electric guitar": (27, 26, 28),
    "distorted guitar": (30, 29),
    "bass": (33, 32, 34, 35, 36, 37, 38, 39),
    "strings": (48, 40, 41, 42, 43, 44, 45, 49, 50, 51),
    "harp": (46,),
    "voice": (52, 53, 54),
    "brass": (61, 56, 57, 58, 59, 60, 62, 63),
    "reeds": (66, 64, 65, 67, 68, 69, 70, 71),
    "flutes": (73, 72, 74, 75, 76, 77, 78, 79),
    "synth lead": (80, 81, 82, 83, 84, 85, 86, 87),
    "synth pad": (88, 89, 90, 91, 92, 93, 94, 95),
    "drums": (0,),  # each bank numbers its own kits
}
GUITARS = ("acoustic guitar", "electric guitar", "distorted guitar")
SYNTHESIZED = (
    *("electric piano", "harpsichord", "clavinet", "mallets", "organ", "accordion", "bass", "strings", "harp", "brass"),
    *("reeds", "flutes", "synth lead", "synth pad"),
)


@dataclass(frozen=True)
class Instrument:
    """An instrument; `kind` is bank, sfz, string, tones, voice or words; `program` is its General MIDI number."""

    kind: str
    family: str
    program: int
    name: str
    licence: str
    path: Path | None = None


@dataclass(frozen=True)
class Song:
    """A MIDI file or chart, with its origin and licence."""

    path: Path
    name: str
    licence: str


@dataclass(frozen=True)
class InstrumentSource:
    """An entry of the table: a bank or SFZ programs, {file: family}."""

    name: str
    licence: str
    source: str
    bank: str = ""
    kits: tuple[int, ...] = (0,)
    programs: dict[str, str] | None = None
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        if bool(self.bank) == bool(self.programs):
            raise ValueError(f"{self.name}: needs either bank or programs")
        for family in (self.programs or {}).values():
            if family not in FAMILIES:
                raise ValueError(f"{self.name}: {no_such('family', family, FAMILIES)}")


@dataclass(frozen=True)
class SongSource:
    """An entry of the table: songs in folders with this name."""

    name: str
    licence: str
    source: str
    folder: str
    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Table:
    """All known instruments and songs."""

    instruments: tuple[InstrumentSource, ...] = ()
    songs: tuple[SongSource, ...] = ()
    __pydantic_config__ = STRICT


COMPUTED = (
    ("string", "electric guitar", 27, "computed plucked string"),
    ("string", "acoustic guitar", 25, "computed plucked string"),
    ("tones", "piano", 0, "computed piano"),
    ("tones", "piano", 3, "computed worn piano"),
    *(("tones", family, FAMILIES[family][0], "computed synthesizer") for family in SYNTHESIZED),
    ("voice", "voice", 53, "computed voice"),
    ("words", "voice", 53, "computed voice of words by Flite"),
)


class Material:
    """The instruments in the folders `sounds` that are listed in `tables` (YAML files), except those in `left_out`.

    `left_out`: names of sources, or `name:family` for one family of a source.

    `families`: {family: [Instrument, ...] grouped by source}, so that a large bank is not chosen more often than a
    small one. Raises ValueError if a table is invalid, a folder is missing, or a name in `left_out` is unknown.
    """

    def __init__(
        self, sounds: Iterable[str | Path], tables: Iterable[str | Path] = (), left_out: Iterable[str] = ()
    ) -> None:
        from splitstrument.files.yaml_files import read_yaml

        self.tables: list[Table] = [checked(Table, read_yaml(path), str(path)) for path in (TABLE, *tables)]
        names = [entry.name for table in self.tables for entry in table.instruments]
        names += [entry.name for table in self.tables for entry in table.songs]
        for source in left_out:
            name, _, family = source.partition(":")
            if name not in names and name not in {computed[3] for computed in COMPUTED}:
                raise ValueError(no_such("material", name, names))
            if family and family not in FAMILIES:
                raise ValueError(no_such("family", family, FAMILIES))
        self.left_out = set(left_out)
        files: dict[str, Path] = {}
        for folder in map(Path, sounds):
            if not folder.exists():
                raise ValueError(f"{folder}: no such file or folder")
            for path in _files(folder):
                files.setdefault(path.name, path)
        self.families: dict[str, list[list[Instrument]]] = {}
        for table in self.tables:
            for entry in table.instruments:
                self._add(entry, files)
        for kind, family, program, name in COMPUTED:
            if kind != "words" or speech.installed():
                self._put([Instrument(kind, family, program, name, "none needed")])

    def _add(self, entry: InstrumentSource, files: Mapping[str, Path]) -> None:
        if path := files.get(entry.bank):
            for family, programs in FAMILIES.items():
                numbers = entry.kits if family == "drums" else programs
                self._put([Instrument("bank", family, number, entry.name, entry.licence, path) for number in numbers])
        for file, family in (entry.programs or {}).items():
            if path := files.get(file):
                program = FAMILIES[family][0]
                self._put([Instrument("sfz", family, program, entry.name, entry.licence, path)])

    def _put(self, instruments: list[Instrument]) -> None:
        name, family = instruments[0].name, instruments[0].family
        if name in self.left_out or f"{name}:{family}" in self.left_out:
            return
        self.families.setdefault(family, []).append(instruments)

    def kinds(self) -> set[str]:
        """The kinds of all instruments."""
        return {one.kind for groups in self.families.values() for group in groups for one in group}

    def pick(self, family: str, random: np.random.Generator) -> Instrument | None:
        """A random Instrument of the family, or None if there is none."""
        groups = self.families.get(family)
        if not groups:
            return None
        group = groups[int(random.integers(len(groups)))]
        return group[int(random.integers(len(group)))]

    def songs(self, paths: Iterable[str | Path]) -> list[Song]:
        """The Songs at `paths` (MIDI files, charts, or folders of them), in order.

        Raises ValueError for a path that does not exist, or if no table states its licence.
        """
        songs: list[Song] = []
        for path in map(Path, paths):
            if not path.exists():
                raise ValueError(f"{path}: no such file or folder")
            files = sorted(file for file in _files(path) if file.suffix.lower() in (".mid", ".midi", ".mma"))
            if not files:
                raise ValueError(f"{path}: contains no MIDI file or chart (.mid, .midi, .mma)")
            songs += filter(None, map(self._song, files))
        return songs

    def _song(self, path: Path) -> Song | None:
        folders = path.resolve().parts[:-1]
        for table in reversed(self.tables):
            for entry in table.songs:
                if entry.folder in folders:
                    return None if entry.name in self.left_out else Song(path, entry.name, entry.licence)
        raise ValueError(f"{path}: its licence is unknown; list its folder under `songs` in a file for --material")


def _files(path: Path) -> list[Path]:
    """All files below `path`, sorted, or `path` itself if it is a file. Raises ValueError for unreadable folders."""
    if not path.is_dir():
        return [path]
    return sorted(folder / name for folder, _, names in walk(path) for name in names)
