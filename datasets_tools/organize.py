"""One folder layout for every collection (thesis, section 4.2): `<root>/<track>/<group>/<stem file>`.

`<root>/<track>/.track.json` says which track of which collection it is, so that two tracks of one name get two folders
and a track that is organised again finds its own.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from datasets_tools.stages import StageError
from datasets_tools.tracks import GROUPS

NOTE = ".track.json"


@dataclass(frozen=True)
class Organised:
    """A track in the organised layout: its folder, and the files of each group that it has."""

    folder: Path
    stems: dict[str, tuple[Path, ...]]

    @property
    def name(self):
        return self.folder.name


def organised_tracks(root):
    """The tracks of the organised folder `root`, sorted by name; StageError where there are none."""
    root = Path(root)
    tracks = []
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        if folder.name.startswith(".") or not folder.is_dir():
            continue
        stems = {group: tuple(_files(folder / group)) for group in GROUPS}
        stems = {group: files for group, files in stems.items() if files}
        if stems:
            tracks.append(Organised(folder, stems))
    if not tracks:
        raise StageError(
            f"{root}: no tracks (<track>/<group>/<stem file>) in this folder; splitstrument organize makes them"
        )
    return tracks


def _files(folder):
    if folder.is_dir():
        return (path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and os.path.isfile(path))
    return ()
