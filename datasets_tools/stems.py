"""The stems of the tracks to mix: of an organised folder, of a tracks.yaml, or of a collection as its makers give it.

A collection is recognised by its layout. Its stems get their groups by name, as `catalogue --unknown other` does it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from datasets_tools import sources
from datasets_tools.organize import NOTE, Organised, organised_tracks
from datasets_tools.tracks import GROUPS, Stem, Track, load
from splitstrument.files.names import file_name, numbered
from splitstrument.stages.run import StageError, check_apart

# The collections whose layout no other folder has.
COLLECTIONS = ("musdb", "dsd100", "moisesdb", "medleydb", "slakh")


@dataclass(frozen=True)
class GroupedStems:
    """One track: {group: its stems}, the folder of its marks, why it cannot be mixed (""), and notes for the user."""

    name: str
    stems: dict[str, tuple[Stem, ...]]
    folder: Path | None = None
    fault: str = ""
    notes: tuple[str, ...] = ()


def tracks_to_mix(path: Path, output: Path) -> list[GroupedStems]:
    """The tracks of an organised folder, of the file tracks.yaml, or of a collection, in a fixed order.

    Raises StageError if there are none, or if `output` is inside the folder or around it; ValueError for a bad file.
    """
    if path.is_file():
        return _grouped(load(path))
    check_apart(output, path)
    if not any(path.glob(f"*/{NOTE}")) and (tracks := collection_tracks(path)):
        return tracks
    try:
        return [_organised(track) for track in organised_tracks(path)]
    except StageError as error:
        raise StageError(f"{error}; or is it a collection other than {', '.join(COLLECTIONS)}?") from None


def collection_tracks(root: Path) -> list[GroupedStems]:
    """The tracks of all collections below `root` whose layout is recognised; [] if there are none."""
    from datasets_tools.catalogue import guesses
    from datasets_tools.instruments import Instruments

    found = [track for name in COLLECTIONS for track in sources.find(name).read(root)]
    return _grouped(guesses(found, Instruments())[1]) if found else []


def _grouped(tracks: Iterable[Track]) -> list[GroupedStems]:
    taken, grouped = set(), []
    for track in tracks:
        name = next(name for name in numbered(file_name(track.name)) if name not in taken)
        taken.add(name)
        unknown = sorted({stem.label for stem in track.stems if stem.group is None})
        notes = tuple(f"{label!r} is an unknown instrument and counts as other" for label in unknown)
        groups = {group: tuple(s for s in track.stems if (s.group or "other") == group) for group in GROUPS}
        stems = {group: found for group, found in groups.items() if found}
        # A track that lacks a stem does not add up to its song.
        grouped.append(GroupedStems(name, stems, None, "; ".join(track.notes), notes))
    return grouped


def _organised(track: Organised) -> GroupedStems:
    stems = {
        group: tuple(Stem(str(path.relative_to(track.folder)), path, group) for path in paths)
        for group, paths in track.stems.items()
    }
    fault = "" if track.complete else "not all of its stems are organised yet; run splitstrument organize again"
    notes = tuple(f"{name} is not a group: its contents are ignored" for name in track.unknown)
    return GroupedStems(track.name, stems, track.folder, fault, notes)
