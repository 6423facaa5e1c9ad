"""Multitrack collections, one per file, found by name.

Each module's docstring says the collection's layout and where it comes from. Its function `read(root)` yields the
Tracks below the folder `root` in a fixed order. Each Stem has an absolute path to a file that is there, and the label
that the collection gives it; its group is None but where the collection itself decides it (a mixture: "mix"). What is
amiss with a track (stems that are not on disk) is in its notes. A root that holds no track of the collection yields
nothing. Metadata that cannot be read raises ValueError, in one line that names the file.
"""

import importlib
import os
import pkgutil
from pathlib import Path

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff", ".m4a", ".mp4")


def names():
    """The names of all collections, sorted; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(name):
    """The module of the collection called `name`."""
    return importlib.import_module(f"{__name__}.{name}")


def walk(root):
    """Yield (folder, its subfolders, its files), names sorted, hidden ones left out.

    Follows links, each real folder once, so that links that loop come to an end. A file is what can be opened: a link
    to nothing is none.
    """
    seen = set()
    for folder, folders, files in os.walk(os.path.abspath(root), followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        path = Path(folder)
        yield path, folders, sorted(n for n in files if not n.startswith(".") and os.path.isfile(path / n))


def is_audio(name):
    """Whether a file is sound, by its suffix."""
    return name.lower().endswith(SUFFIXES)
