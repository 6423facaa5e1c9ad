"""Plain folders: `<root>/<track>/<stem>.wav`, each file named by its instrument.

Also `<root>/<track>/<group>/<any>.wav`, where a folder named as a group of tracks.GROUPS says what its files are (the
organised layout is such a one). A track is a folder right below the root, with all that lies below it.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from datasets_tools.sources import is_audio, walk
from datasets_tools.tracks import GROUPS, Stem, Track

# "01_Kick", "05 - Guitar", "01. Vocals", "02 Drums"; but neither "12 String Guitar" nor "12-string guitar".
_NUMBER = re.compile(r"\A(?:\d+(?:_+| - |\. )|0\d+[ .-]+)")
_DECIDED = {"mix": "mix", "mixture": "mix", "excluded": "excluded"}


def read(root: str | Path) -> Iterator[Track]:
    """Yield the tracks of plain folders; the label is the folder of a group, else the file's name."""
    return read_folders(root, "folders", _label)


def _label(path: Path) -> str:
    groups = (part.lower() for part in reversed(path.parent.parts) if part.lower() in GROUPS)
    return next(groups, None) or plain_name(path.name)


def plain_name(name: str) -> str:
    """A file's name without its suffix and the number in front."""
    stem = Path(name).stem
    return _NUMBER.sub("", stem) or stem


def read_folders(root: str | Path, source: str, label: Callable[[Path], str]) -> Iterator[Track]:
    """Yield a track for every folder right below `root` that holds sounds, at any depth.

    `label` gives a stem's label from its path relative to the track's folder.
    """
    root = Path(os.path.abspath(root))
    sounds = ((folder / name).relative_to(root) for folder, _, files in walk(root) for name in filter(is_audio, files))
    for track, paths in groupby((path for path in sounds if len(path.parts) > 1), key=lambda path: path.parts[0]):
        paths = [path.relative_to(track) for path in paths]
        shared = Counter(path.name for path in paths)
        stems = []
        for path in paths:
            name = path.name if shared[path.name] == 1 else path.as_posix()
            words = label(path)
            stems.append(Stem(name, root / track / path, _DECIDED.get(words.lower()), words))
        yield Track(track, tuple(stems), source)
