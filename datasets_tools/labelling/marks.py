"""Marks: judgements of a track's stems of one group (thesis, section 4.3.1).

A mark is an empty file `<group>_<mark>` in the track's folder of the organised layout. marks_<group>.yaml holds the
marks of many tracks, as in the thesis's published files:

    AClassicEducation_NightOwl:
      audible: true
      bad_quality: false
      ...                       # all eight
"""

from dataclasses import dataclass
from pathlib import Path

from datasets_tools.tracks import file_name
from splitstrument.naming import no_such
from splitstrument.yaml_files import read_yaml, write_yaml

# What each mark says of a group's stems; `checked` goes with every judgement.
MEANINGS = {
    "missing": "there is nothing in them",
    "bleed": "other sounds can be heard beside theirs",
    "bad_quality": "the recording or the file is too bad to use",
    "inaudible": "too quiet to be heard",
    "audible": "they can be heard",
    "mislabeled": "they are another instrument's",
    "detailed": "they need a closer look",
    "checked": "somebody has listened",
}
MARKS = tuple(MEANINGS)
# Stems with any of these are no training data. The thesis does not say which; these leave 711 of its 950 guitars and
# 154 of its 238 pianos, where it used 709 and 153.
DISQUALIFYING = frozenset({"missing", "bleed", "bad_quality", "inaudible", "mislabeled"})


def marks_of(folder, group):
    """The marks of the stems of `group` in the track's `folder`, a frozenset of names of MARKS."""
    return frozenset(mark for mark in MARKS if _file(folder, group, mark).exists())


def set_marks(folder, group, marks):
    """Set `marks`, names of MARKS; with any judgement `checked` is set too. ValueError where a name is none of them."""
    marks = _known(marks)
    for mark in sorted(marks | {"checked"}) if marks else ():
        _file(folder, group, mark).touch()


def clear_marks(folder, group, marks):
    """Take `marks` away; those that are not set stay so. ValueError where a name is none of MARKS."""
    for mark in sorted(_known(marks)):
        _file(folder, group, mark).unlink(missing_ok=True)


def _file(folder, group, mark):
    return Path(folder) / f"{group}_{mark}"


def _known(marks):
    marks = frozenset(marks)
    for mark in sorted(marks.difference(MARKS)):
        raise ValueError(no_such("mark", mark, MARKS))
    return marks


def read_marks(path):
    """The file marks_<group>.yaml `path`: the marks that are true, a frozenset, by track name, in the file's order.

    Raises ValueError with one line that names the file, the track, the field and what is wrong.
    """
    entries = read_yaml(path)
    if not isinstance(entries, dict):
        raise ValueError(f"{path}: must hold track names, each with its marks")
    return {_name(name, path): _true(values, f"{path}: {name}") for name, values in entries.items()}


def _name(name, path):
    # YAML reads a name such as 1979 as a number.
    if isinstance(name, bool) or not isinstance(name, str | int | float):
        raise ValueError(f"{path}: {name}: a track's name must be text; put it in quotes")
    return str(name)


def _true(values, where):
    if not isinstance(values, dict):
        raise ValueError(f"{where}: must have the fields {', '.join(sorted(MARKS))}")
    for field, value in values.items():
        if field not in MARKS:
            raise ValueError(f"{where}: {no_such('mark', field, MARKS)}")
        if not isinstance(value, bool):
            raise ValueError(f"{where}: {field}: must be true or false, not {value!r}")
    for field in sorted(set(MARKS).difference(values)):
        raise ValueError(f"{where}: the field {field} is missing")
    return frozenset(mark for mark, value in values.items() if value)


def write_marks(path, marks):
    """Write `marks`, {track name: names of MARKS}, as marks_<group>.yaml, sorted by name.

    Raises AudioError where that fails.
    """
    write_yaml(path, {name: {mark: mark in true for mark in sorted(MARKS)} for name, true in sorted(marks.items())})


@dataclass(frozen=True)
class Applied:
    """What became of a file of marks: folders that changed, its names without a track, tracks it does not name."""

    changed: tuple[Path, ...]
    unknown: tuple[str, ...]
    unnamed: tuple[str, ...]


def apply_marks(marks, folders, group):
    """Give the tracks' `folders` the `marks` of `group`: {track name: the true ones, the others are cleared}.

    A track is known by its folder's name, `tracks.file_name` of its own. Folders that `marks` do not name stay as
    they are.
    """
    named = {file_name(name): true for name, true in marks.items()}
    folders = {Path(folder).name: Path(folder) for folder in folders}
    changed = []
    for name, folder in folders.items():
        if name not in named or marks_of(folder, group) == named[name]:
            continue
        for mark in MARKS:
            if mark in named[name]:
                _file(folder, group, mark).touch()
            else:
                _file(folder, group, mark).unlink(missing_ok=True)
        changed.append(folder)
    unknown = tuple(name for name in marks if file_name(name) not in folders)
    return Applied(tuple(changed), unknown, tuple(name for name in folders if name not in named))
