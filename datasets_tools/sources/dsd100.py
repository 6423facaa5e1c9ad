"""DSD100 (https://sigsep.github.io/datasets/dsd100.html).

`<root>/Sources/{Dev,Test}/<NNN - Artist - Title>/{bass,drums,other,vocals}.wav`, and the mixtures in separate folders,
`<root>/Mixtures/{Dev,Test}/<NNN - Artist - Title>/mixture.wav`.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from datasets_tools.sources import walk
from datasets_tools.sources.musdb import PARTS, track_of
from datasets_tools.tracks import Track

_SPLITS = ("Dev", "Test")


def read(root: str | Path) -> Iterator[Track]:
    """Yield the tracks; a track without a mixture file still has its other stems."""
    for folder, _, files in walk(root):
        split = folder.parent
        if split.name not in _SPLITS or split.parent.name != "Sources":
            continue
        paths = {part: folder / f"{part}.wav" for part in PARTS if f"{part}.wav" in files}
        mixture = split.parent.parent / "Mixtures" / split.name / folder.name / "mixture.wav"
        if os.path.isfile(mixture):
            paths["mixture"] = mixture
        yield from track_of(folder.name, paths, "dsd100")
