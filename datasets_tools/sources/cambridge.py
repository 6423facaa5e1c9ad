"""The multitracks of Cambridge Music Technology, "Mixing Secrets" (https://cambridge-mt.com/ms/mtk/).

`<root>/<Track>/<NN>_<Name>.wav`; the names follow no convention, and some tracks have subfolders. As there is no
metadata, the label is the file name without the number.
"""

from collections.abc import Iterator
from pathlib import Path

from datasets_tools.sources.folders import plain_name, read_folders
from datasets_tools.tracks import Track


def read(root: str | Path) -> Iterator[Track]:
    """Yield the tracks: each folder directly below `root` with all audio files inside it, at any depth."""
    return read_folders(root, "cambridge", lambda path: plain_name(path.name))
