"""Recordings of one instrument alone: `<root>/<instrument>/<recording>`, also in subfolders.

Each recording is a track with one stem; the label is the name of the folder directly below the root.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from datasets_tools.sources import is_audio, walk
from datasets_tools.tracks import Stem, Track


def read(root: str | Path) -> Iterator[Track]:
    """Yield a track for every recording in a folder below `root`."""
    root = Path(os.path.abspath(root))
    for folder, _, files in walk(root):
        if folder == root:
            continue
        instrument = folder.relative_to(root).parts[0]
        for name in filter(is_audio, files):
            yield Track(Path(name).stem, (Stem(name, folder / name, label=instrument),), "solo")
