"""MedleyDB 1 and 2 (https://medleydb.weebly.com).

`<Track>_METADATA.yaml` describes each stem. The audio is in `<Track>/<Track>_STEMS/<Track>_STEM_NN.wav`, the mixture
in `<Track>/<Track>_MIX.wav`. Metadata and audio may be in different folders below the root: the metadata come beside
the audio, in a separate folder, or with the medleydb repository. RAW files, from which the stems were mixed, are
ignored.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets_tools.sources import field, tracks_of, walk
from datasets_tools.tracks import Stem, Track
from splitstrument.files.yaml_files import read_yaml

_SUFFIX = "_METADATA.yaml"


def read(root: str | Path) -> Iterator[Track]:
    """Yield the tracks that have both metadata and stems; a stem of several instruments has the label "a + b"."""
    listing = {folder: files for folder, _, files in walk(root)}
    metadata: dict[str, Path] = {}
    folders: dict[str, Path] = {}
    for folder, files in listing.items():
        if files:
            folders.setdefault(folder.name, folder)
        for name in files:
            if name.endswith(_SUFFIX):
                metadata.setdefault(name.removesuffix(_SUFFIX), folder / name)
    places = {name: (name, path, folders, listing) for name, path in sorted(metadata.items())}
    return tracks_of("medleydb", _track, places)


def _track(name: str, path: Path, folders: Mapping[str, Path], listing: Mapping[Path, Sequence[str]]) -> Track | None:
    values, labels = read_yaml(path), dict[str, str]()
    for key, part in field(values, "stems", dict, path).items():
        where = f"{path}: stem {key}"
        labels.setdefault(field(part, "filename", str, where), _label(part, where))
    folder = folders.get(str(values.get("stem_dir") or f"{name}_STEMS"))
    if folder is None:
        return None
    there = set(listing[folder])
    stems = [Stem(file, folder / file, label=label) for file, label in labels.items() if file in there]
    if not stems:
        return None
    mixture = values.get("mix_filename") or f"{name}_MIX.wav"
    if mixture in listing.get(folder.parent, ()):
        stems.append(Stem(mixture, folder.parent / mixture, "mix", "mix"))
    return Track(name, tuple(stems), "medleydb", tuple(f"not on disk: {f}" for f in labels if f not in there))


def _label(part: Any, where: str) -> str:
    instrument = field(part, "instrument", (str, list), where)
    return instrument if isinstance(instrument, str) else " + ".join(map(str, instrument))
