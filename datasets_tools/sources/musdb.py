"""MUSDB18 and MUSDB18-HQ (https://sigsep.github.io/datasets/musdb.html).

MUSDB18: `<root>/{train,test}/<Artist> - <Title>.stem.mp4` with five audio streams: mixture, drums, bass, other
and vocals. MUSDB18-HQ: `<root>/{train,test}/<Artist> - <Title>/{mixture,drums,bass,other,vocals}.wav`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from datasets_tools.sources import walk
from datasets_tools.tracks import Stem, Track

PARTS = ("drums", "bass", "other", "vocals")
_STREAMS = ("mixture", *PARTS)
_SPLITS = ("train", "test")
_SUFFIX = ".stem.mp4"


def read(root: str | Path) -> Iterator[Track]:
    """Yield the tracks of both layouts."""
    for folder, _, files in walk(root):
        for name in files:
            if name.lower().endswith(_SUFFIX):
                stems = (_stem(part, part, folder / name, number) for number, part in enumerate(_STREAMS))
                yield Track(name[: -len(_SUFFIX)], tuple(stems), "musdb")
        if folder.parent.name in _SPLITS:
            paths = {part: folder / f"{part}.wav" for part in _STREAMS if f"{part}.wav" in files}
            yield from track_of(folder.name, paths, "musdb")


def track_of(name: str, paths: Mapping[str, Path], source: str) -> Iterator[Track]:
    """Yield the track with these files, {"mixture" or one of PARTS: path}; nothing if there are none of PARTS."""
    if any(part in paths for part in PARTS):
        stems = tuple(_stem(path.name, part, path) for part, path in paths.items())
        yield Track(name, stems, source, tuple(f"not on disk: {part}.wav" for part in PARTS if part not in paths))


def _stem(name: str, part: str, path: Path, stream: int | None = None) -> Stem:
    return Stem(name, path, "mix" if part == "mixture" else None, part, stream)
