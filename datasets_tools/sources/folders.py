"""Plain folders: `<root>/<track>/<stem>.wav`, each file named after its instrument.

Also `<root>/<track>/<group>/<any>.wav`, such as the organised layout: files in a folder named after a group of
tracks.GROUPS belong to that group. A track is a folder directly below the root, with everything inside it.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from datasets_tools.sources import is_audio, walk
from datasets_tools.tracks import GROUPS, Stem, Track

# "01_Kick", "05 - Guitar", "01. Vocals", "02 Drums", but not "12 String Guitar" or "12-string guitar".
_NUMBER = re.compile(r"\A(?:\d+(?:_+| - |\. )|0\d+[ .-]+)")
_DECIDED = {"mix": "mix", "mixture": "mix", "excluded": "excluded"}


def read(root: str | Path) -> Iterator[Track]:
    """Yield the tracks of plain folders; the label is the name of a group's folder, or else the file name."""
    return read_folders(root, "folders", _label)


def _label(path: Path) -> str:
    groups = (part.lower() for part in reversed(path.parent.parts) if part.lower() in GROUPS)
    return next(groups, None) or plain_name(path.name)


def plain_name(name: str) -> str:
    """A file name without its suffix and its leading number."""
    stem = Path(name).stem
    return _NUMBER.sub("", stem) or stem


def read_folders(root: str | Path, source: str, label: Callable[[Path], str]) -> Iterator[Track]:
    """Yield a track for every folder directly below `root` that contains audio files, at any depth.

    `label` returns a stem's label for its path relative to the track's folder.
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
