"""Multitrack collections, one per file, found by name.

Each module's docstring says the collection's layout and where it comes from. Its function `read(root)` yields the
Tracks below the folder `root` in a fixed order. Each Stem has an absolute path to a file that is there, and the label
that the collection gives it; its group is None but where the collection itself decides it (a mixture: "mix"). What is
amiss with a track (stems that are not on disk) is in its notes; where its metadata cannot be read it has no stems, and
its note is one line that names the file and what is wrong. A root without a track of the collection yields nothing.
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
    """Yield (folder, its subfolders, its files) as `splitstrument.files.folders.walk` does, by absolute paths.

    Folders that cannot be read are left out: who reads a collection tells of them.
    """
    return walk_folders(os.path.abspath(root), unreadable=[])


def field(values: Any, name: str, kind: type | tuple[type, ...], where: object) -> Any:
    """The field `name` of metadata, which must be of the type `kind` and not empty; else ValueError."""
    value = values.get(name) if isinstance(values, dict) else None
    if not value or not isinstance(value, kind):
        raise ValueError(f"{where}: the field {name} is missing, empty or of the wrong kind")
    return value


def tracks_of(source: str, read_track: Callable[..., Track | None], places: Mapping[str, tuple]) -> Iterator[Track]:
    """Yield read_track(*place) for each of `places`, {name: place}, unless None; a ValueError becomes a note."""
    for name, place in places.items():
        try:
            track = read_track(*place)
        except ValueError as error:
            track = Track(name, (), source, (str(error),))
        if track is not None:
            yield track


def is_audio(name: str) -> bool:
    """Whether a file is sound, by its suffix."""
    return name.lower().endswith(SUFFIXES)
