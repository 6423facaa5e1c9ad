"""Marks: judgements of a track's stems of one group (thesis, section 4.3.1).

A mark is an empty file `<group>_<mark>` in the track's folder of the organised layout. marks_<group>.yaml lists the
marks of many tracks, as in the thesis's published files:

    AClassicEducation_NightOwl:
      audible: true
      bad_quality: false
      ...                       # all eight
"""

import os
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splitstrument.files.names import file_name
from splitstrument.files.yaml_files import read_yaml, write_yaml
from splitstrument.stages.locking import locked
from splitstrument.suggestions import no_such

# What each mark says about the stems of a group; every judgement also sets `checked`.
MEANINGS = {
    "missing": "the stems contain nothing",
    "bleed": "other instruments can be heard in them",
    "bad_quality": "the recording or the file is too bad to use",
    "inaudible": "too quiet to hear",
    "audible": "they can be heard",
    "mislabeled": "they contain another instrument",
    "detailed": "they need a closer look",
    "checked": "somebody has listened to them",
}
MARKS = tuple(MEANINGS)
# Stems with any of these marks are not used for training. The thesis does not say which marks it excluded; these leave
# 711 of its 950 guitars and 154 of its 238 pianos, where it used 709 and 153.
DISQUALIFYING = frozenset({"missing", "bleed", "bad_quality", "inaudible", "mislabeled"})
_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def marks_of(folder: str | Path, group: str) -> frozenset[str]:
    """The marks (names of MARKS) of the stems of `group` in the track's `folder`."""
    return frozenset(mark for mark in MARKS if _file(folder, group, mark).exists())


def is_checked(folder: str | Path, group: str) -> bool:
    """Whether somebody has judged the stems of `group`; checks one file, where `marks_of` checks eight."""
    return _file(folder, group, "checked").exists()


def set_marks(folder: str | Path, group: str, marks: Iterable[str]) -> None:
    """Set `marks` (names of MARKS); any judgement also sets `checked`. Raises ValueError for an unknown name."""
    marks = _known(marks)
    change_marks(folder, group, wanted=marks | {"checked"} if marks else ())


def clear_marks(folder: str | Path, group: str, marks: Iterable[str]) -> None:
    """Clear `marks` if they are set. Raises ValueError for a name that is not in MARKS."""
    change_marks(folder, group, unwanted=marks)


@dataclass(frozen=True)
class Change:
    """What `change_marks` did, by mark, with the files' times (ns), which show whether somebody changed them later.

    created: marks that were not set before; removed: marks that were cleared; again: (time before, time after) for
    marks that were already set.
    """

    created: dict[str, int]
    removed: dict[str, int]
    again: dict[str, tuple[int, int]]


def change_marks(folder: str | Path, group: str, wanted: Iterable[str] = (), unwanted: Iterable[str] = ()) -> Change:
    """Set the marks `wanted` and clear `unwanted`; others stay. Raises ValueError for an unknown name.

    A track counts as judged once it is checked. So `checked` is cleared first and set last: if the process is killed
    in between, somebody will listen to the track again.
    """
    wanted, unwanted = _known(wanted), _known(unwanted)
    paths, change = {mark: _file(folder, group, mark) for mark in MARKS}, Change({}, {}, {})
    with locked(folder, wait=True):
        for mark in sorted(unwanted, key=_checked_last, reverse=True):
            if paths[mark].exists():
                change.removed[mark] = paths[mark].stat().st_mtime_ns
                paths[mark].unlink()
        for mark in sorted(wanted, key=_checked_last):
            before = paths[mark].stat().st_mtime_ns if paths[mark].exists() else None
            paths[mark].touch()
            if before is None:
                change.created[mark] = _timed(paths[mark])
            else:
                change.again[mark] = (before, _timed(paths[mark]))
    return change


def take_back(folder: str | Path, group: str, change: Change) -> None:
    """Undo a Change. A mark that somebody else has set since then (its file has a different time) stays."""
    paths = {mark: _file(folder, group, mark) for mark in MARKS}

    def untouched(mark, time):
        return paths[mark].exists() and paths[mark].stat().st_mtime_ns == time

    with locked(folder, wait=True):
        for mark in sorted(change.created, key=_checked_last, reverse=True):
            if untouched(mark, change.created[mark]):
                paths[mark].unlink()
        for mark, (before, after) in change.again.items():
            if untouched(mark, after):
                _timed(paths[mark], before)
        for mark in sorted(change.removed, key=_checked_last):
            if not paths[mark].exists():
                paths[mark].touch()
                _timed(paths[mark], change.removed[mark])


def _timed(path: Path, at: int | None = None) -> int:
    """Set the time of a file to `at` (default: now) and return it. The file system's clock only has milliseconds."""
    at = time.time_ns() if at is None else at
    os.utime(path, ns=(at, at))
    return path.stat().st_mtime_ns


def _checked_last(mark: str) -> tuple[bool, str]:
    return mark == "checked", mark


def _file(folder: str | Path, group: str, mark: str) -> Path:
    return Path(folder) / f"{group}_{mark}"


def _known(marks: Iterable[str]) -> frozenset[str]:
    marks = frozenset(marks)
    for mark in sorted(marks.difference(MARKS)):
        raise ValueError(no_such("mark", mark, MARKS))
    return marks


def read_marks(path: str | Path) -> dict[str, frozenset[str]]:
    """Read the file marks_<group>.yaml `path`: {track name: the marks that are true}, in the file's order.

    Raises ValueError, in one line that names the file, the track, the field and the problem.
    """
    entries = read_yaml(path, names=True)
    if not isinstance(entries, dict):
        raise ValueError(f"{path}: must list track names, each with its marks")
    return {_name(name, path): _true(values, f"{path}: {name}") for name, values in entries.items()}


def _name(name: Any, path: str | Path) -> str:
    if not isinstance(name, str):
        raise ValueError(f"{path}: {name}: a track's name must be text; put it in quotes")
    return name


def _true(values: Any, where: str) -> frozenset[str]:
    if not isinstance(values, dict):
        raise ValueError(f"{where}: must have the fields {', '.join(sorted(MARKS))}")
    for field, value in values.items():
        if field not in MARKS:
            raise ValueError(f"{where}: {no_such('mark', field, MARKS)}")
        if not isinstance(value, str) or value.lower() not in _TRUTH:
            raise ValueError(f"{where}: {field}: must be true or false, not {value!r}")
    for field in sorted(set(MARKS).difference(values)):
        raise ValueError(f"{where}: the field {field} is missing")
    return frozenset(mark for mark, value in values.items() if _TRUTH[value.lower()])


def write_marks(path: str | Path, marks: Mapping[str, Collection[str]]) -> None:
    """Write `marks`, {track name: names of MARKS}, as marks_<group>.yaml, sorted by name.

    Raises AudioError if that fails.
    """
    write_yaml(path, {name: {mark: mark in true for mark in sorted(MARKS)} for name, true in sorted(marks.items())})


@dataclass(frozen=True)
class Applied:
    """The effect of a file of marks: changed folders, names without a track, and tracks that the file lacks."""

    changed: tuple[Path, ...]
    unknown: tuple[str, ...]
    unnamed: tuple[str, ...]


def apply_marks(marks: Mapping[str, frozenset[str]], folders: Iterable[str | Path], group: str) -> Applied:
    """Apply `marks`, {track name: the marks to set; all others are cleared}, of `group` to the tracks' `folders`.

    A track is identified by the name of its folder, which is `tracks.file_name` of its name. Folders that `marks` do
    not mention stay as they are.
    """
    named = {file_name(name): true for name, true in marks.items()}
    by_name = {Path(folder).name: Path(folder) for folder in folders}
    changed = []
    for name, folder in by_name.items():
        if name not in named or marks_of(folder, group) == named[name]:
            continue
        change_marks(folder, group, named[name], set(MARKS) - named[name])
        changed.append(folder)
    unknown = tuple(name for name in marks if file_name(name) not in by_name)
    return Applied(tuple(changed), unknown, tuple(name for name in by_name if name not in named))
