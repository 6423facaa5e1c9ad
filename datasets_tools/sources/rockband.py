"""Songs of rhythm games: Rock Band, Guitar Hero, Frets on Fire, Clone Hero (thesis, section 4.1).

A song is a folder, at any depth, with guitar, rhythm, bass, drums (or drums_1 to drums_4), vocals, keys as .ogg, .opus,
.mp3, .wav or .flac, each with what the player of it plays, and song, which is all the rest: it lacks the other stems.
preview and crowd are no part of the song. Songs taken from the games' files have free names instead (`01 - Kick.ogg`,
`<Song> (Guitar).ogg`), and a file named as its folder is then the mix.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from datasets_tools.sources import is_audio, walk
from datasets_tools.sources.folders import plain_name
from datasets_tools.tracks import Stem, Track

_EXCLUDED = ("crowd", "preview", "preivew")  # the last is a misspelling that songs have
_REST = ("song", "backing")
_PARTS = ("guitar", "rhythm", "bass", "drums", "vocals", "keys")
_KNOWN = re.compile(rf"({'|'.join(_PARTS + _REST + _EXCLUDED)})(_\d)?", re.IGNORECASE)


def read(root: str | Path) -> Iterator[Track]:
    """Yield the songs; the label is the part's name ("backing" for song), or the file's without number and song."""
    root = Path(os.path.abspath(root))
    for folder, _, files in walk(root):
        names = [name for name in files if is_audio(name)]
        # Sounds of any name right in the root are no song: the root is where the songs are.
        if folder == root and not any(map(_known, names)):
            continue
        stems = tuple(_stem(folder, name) for name in names)
        separate = [stem for stem in stems if stem.group is None and stem.label != "backing"]
        # In these games a file alone, whatever its name, is the whole song.
        if separate and sum(stem.group != "excluded" for stem in stems) >= 2:
            yield Track(folder.name, stems, "rockband")


def _known(name: str) -> str | None:
    """Which part of the games a file is, in lower case and without a number; None for a free name."""
    known = _KNOWN.fullmatch(Path(name).stem)
    return known[1].lower() if known else None


def _stem(folder: Path, name: str) -> Stem:
    path, part = folder / name, _known(name)
    if part:
        return Stem(name, path, "excluded" if part in _EXCLUDED else None, "backing" if part in _REST else part)
    if path.stem.lower() == folder.name.lower():
        return Stem(name, path, "mix", "mix")
    # The song's name may name an instrument, which says nothing of the stem.
    label = plain_name(name)
    part = re.fullmatch(re.escape(folder.name) + r"[\W_]+(\w.*?)\)?", label, re.IGNORECASE)
    return Stem(name, path, label=part[1] if part else label)
