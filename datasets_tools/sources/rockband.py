"""Songs of rhythm games: Rock Band, Guitar Hero, Frets on Fire, Clone Hero (thesis, section 4.1).

A song is a folder, at any depth. It contains guitar, rhythm, bass, drums (or drums_1 to drums_4), vocals and keys as
.ogg, .opus, .mp3, .wav or .flac, each with the part that its player plays, and song, which has everything else but not
these parts. preview and crowd do not belong to the song. Songs extracted from game files have arbitrary names instead
(`01 - Kick.ogg`, `<Song> (Guitar).ogg`); in these, a file with the name of its folder is the mix.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from datasets_tools.sources import is_audio, walk
from datasets_tools.sources.folders import plain_name
from datasets_tools.tracks import Stem, Track

_EXCLUDED = ("crowd", "preview", "preivew")  # the last is a misspelling found in songs
_REST = ("song", "backing")
_PARTS = ("guitar", "rhythm", "bass", "drums", "vocals", "keys")
_KNOWN = re.compile(rf"({'|'.join(_PARTS + _REST + _EXCLUDED)})(_\d)?", re.IGNORECASE)


def read(root: str | Path) -> Iterator[Track]:
    """Yield the songs; the label is the part ("backing" for song), or the file name without number and song name."""
    root = Path(os.path.abspath(root))
    for folder, _, files in walk(root):
        names = [name for name in files if is_audio(name)]
        # Audio files with arbitrary names directly in the root are not a song: the root contains the songs.
        if folder == root and not any(map(_known, names)):
            continue
        stems = tuple(_stem(folder, name) for name in names)
        separate = [stem for stem in stems if stem.group is None and stem.label != "backing"]
        # In these games, a single file is the whole song, whatever its name.
        if separate and sum(stem.group != "excluded" for stem in stems) >= 2:
            yield Track(folder.name, stems, "rockband")


def _known(name: str) -> str | None:
    """The part that a file contains, in lower case and without a number; None for an arbitrary name."""
    known = _KNOWN.fullmatch(Path(name).stem)
    return known[1].lower() if known else None


def _stem(folder: Path, name: str) -> Stem:
    path, part = folder / name, _known(name)
    if part:
        return Stem(name, path, "excluded" if part in _EXCLUDED else None, "backing" if part in _REST else part)
    if path.stem.lower() == folder.name.lower():
        return Stem(name, path, "mix", "mix")
    # The song name may contain an instrument, which says nothing about the stem.
    label = plain_name(name)
    part = re.fullmatch(re.escape(folder.name) + r"[\W_]+(\w.*?)\)?", label, re.IGNORECASE)
    return Stem(name, path, label=part[1] if part else label)
