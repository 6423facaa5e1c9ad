"""Multitrack collections, one per file, found by name.

Each module's docstring describes the collection's layout and origin. Its function `read(root)` yields the Tracks below
the folder `root` in a fixed order. Each Stem has the absolute path of an existing file and the collection's label. Its
group is None unless the collection itself determines it (a mixture: "mix"). The notes of a track state its problems,
such as stems that are not on disk. If its metadata cannot be read, the track has no stems, and its note is one line
that names the file and the problem. A root without any track of the collection yields nothing.
"""

import importlib
import os
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from datasets_tools.tracks import Track
from splitstrument.files.folders import walk as walk_folders

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".m4a", ".mp4")


def names() -> list[str]:
    """The names of all collections, sorted; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(name: str) -> ModuleType:
    """The module of the collection called `name`."""
    return importlib.import_module(f"{__name__}.{name}")


def walk(root: str | Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield (folder, its subfolders, its files) as `splitstrument.files.folders.walk` does, with absolute paths.

    Unreadable folders are left out; `catalogue.collect` reports them.
    """
    return walk_folders(os.path.abspath(root), unreadable=[])


def field(values: Any, name: str, kind: type | tuple[type, ...], where: object) -> Any:
    """The field `name` of metadata. Raises ValueError if it is empty or not of the type `kind`."""
    value = values.get(name) if isinstance(values, dict) else None
    if not value or not isinstance(value, kind):
        raise ValueError(f"{where}: the field {name} is missing, empty or of the wrong type")
    return value


def tracks_of(source: str, read_track: Callable[..., Track | None], places: Mapping[str, tuple]) -> Iterator[Track]:
    """Yield read_track(*place) for each of `places`, {name: place}, unless it is None; a ValueError becomes a note."""
    for name, place in places.items():
        try:
            track = read_track(*place)
        except ValueError as error:
            track = Track(name, (), source, (str(error),))
        if track is not None:
            yield track


def is_audio(name: str) -> bool:
    """Whether a file name has the suffix of an audio file."""
    return name.lower().endswith(SUFFIXES)
