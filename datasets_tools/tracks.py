"""The catalogue on disk, tracks.yaml: the tracks, their stems, and the group of each stem.

It is a list, as in the thesis's published track lists:

    - name: AClassicEducation_NightOwl
      instruments: [guitar, other]
      source: medleydb                    # ours: which collection
      stems:
        AClassicEducation_NightOwl_STEM_01.wav:
          instrument: guitar
          path: /data/medleydb/.../AClassicEducation_NightOwl_STEM_01.wav
          label: clean electric guitar    # ours: what the collection calls it
          stream: 2                       # ours: which audio stream of a file that has several (.stem.mp4)

Relative paths are relative to the file's folder.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from splitstrument.files.yaml_files import read_yaml, write_yaml

GROUPS = ("guitar", "distorted_guitar", "bass", "drums", "percussion", "piano", "vocals", "other", "mix", "excluded")
SILENT_GROUPS = ("mix", "excluded")  # kept, but never part of a pair (thesis, section 4.2)


@dataclass(frozen=True)
class Stem:
    """One recorded part: a file, or one audio stream of a file; `label` is what the collection calls it.

    `group` is the instrument that it belongs to, one of GROUPS, or None as long as only the label is known.
    """

    name: str
    path: Path
    group: str | None = None
    label: str = ""
    stream: int | None = None


@dataclass(frozen=True)
class Track:
    """One song of a collection with its stems; `source` is the collection's name in sources/."""

    name: str
    stems: tuple[Stem, ...]
    source: str = ""
    # Problems found by the source, for example stems in the metadata that are not on disk.
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def groups(self) -> list[str]:
        """The groups of its stems, each once, in the order of GROUPS."""
        there = {stem.group for stem in self.stems}
        return [group for group in GROUPS if group in there]


def load(path: str | Path) -> list[Track]:
    """Read the tracks of the file tracks.yaml `path`, in its order.

    Raises ValueError, in one line that names the file, the track, the field and the problem.
    """
    entries = read_yaml(path, names=True)
    if not isinstance(entries, list):
        raise ValueError(f"{path}: must be a list of tracks, each with name and stems")
    return [_track(entry, f"{path}: track {number}", Path(path).parent) for number, entry in enumerate(entries, 1)]


def _track(entry: Any, where: str, folder: Path) -> Track:
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: must have the fields name and stems")
    name = _text(entry, "name", where)
    where = f"{where} ({name})"
    stems = entry.get("stems")
    if not isinstance(stems, dict) or not stems:
        raise ValueError(f"{where}: the field stems must name at least one stem")
    source = _text(entry, "source", where) if "source" in entry else ""
    return Track(name, tuple(_stem(str(key), values, where, folder) for key, values in stems.items()), source)


def _stem(name: str, values: Any, where: str, folder: Path) -> Stem:
    where = f"{where}, stem {name}"
    if not isinstance(values, dict):
        raise ValueError(f"{where}: must have the fields instrument and path")
    group = _text(values, "instrument", where)
    if group not in GROUPS:
        raise ValueError(f"{where}: instrument: {group!r} is not a group; the groups are: {', '.join(GROUPS)}")
    stream = values.get("stream")
    if not (stream is None or (isinstance(stream, str) and re.fullmatch("[0-9]{1,4}", stream))):
        raise ValueError(f"{where}: stream: must be a number, counted from 0")
    label = str(values.get("label") or "")
    path = Path(os.path.abspath(folder / _text(values, "path", where)))
    return Stem(name, path, group, label, None if stream is None else int(stream))


def _text(values: Any, field: str, where: str) -> str:
    """A required field that must be text."""
    value = values.get(field)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: the field {field} is missing or not text")
    return value


def save(path: str | Path, tracks: Iterable[Track]) -> None:
    """Write tracks as tracks.yaml, either completely or not at all. Raises AudioError if that fails."""
    entries = []
    for track in tracks:
        stems: dict[str, dict[str, Any]] = {}
        for stem in track.stems:
            stems[stem.name] = {"instrument": stem.group, "path": str(stem.path)}
            if stem.label:
                stems[stem.name]["label"] = stem.label
            if stem.stream is not None:
                stems[stem.name]["stream"] = stem.stream
        source = {"source": track.source} if track.source else {}
        entries.append({"name": track.name, "instruments": track.groups, **source, "stems": stems})
    write_yaml(path, entries)
