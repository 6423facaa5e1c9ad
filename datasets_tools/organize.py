"""One folder layout for every collection (thesis, section 4.2): `<root>/<track>/<group>/<stem file>`.

`<root>/<track>/.track.json`, the track's note, records which track of which collection the folder holds, and whether
it is complete. So two tracks with the same name get two folders, and a track that is organised again finds its folder.
"""

import errno
import functools
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets_tools.tracks import GROUPS, Stem, Track, load
from splitstrument.files.atomic import AtomicFile, is_unfinished, remove_unfinished
from splitstrument.files.folders import is_foreign
from splitstrument.files.names import file_name, numbered
from splitstrument.files.texts import write_text
from splitstrument.files.writing import AudioWriter
from splitstrument.parser import Parser
from splitstrument.stages.console import command
from splitstrument.stages.records import read_record
from splitstrument.stages.run import Outcome, StageError, add_options, output_folder, run, summarise
from splitstrument.suggestions import no_such

NOTE = ".track.json"


@dataclass(frozen=True)
class Organised:
    """A track in the organised layout: its folder, {group: its stem files}, and whether all stems are there."""

    folder: Path
    stems: dict[str, tuple[Path, ...]]
    complete: bool = True
    unknown: tuple[str, ...] = ()  # subfolders that are not groups

    @property
    def name(self) -> str:
        return self.folder.name


def organised_tracks(root: str | Path) -> list[Organised]:
    """The tracks of the organised folder `root`, sorted by name. Raises StageError if there are none."""
    root = Path(root)
    tracks = []
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        if is_foreign(folder.name) or not folder.is_dir():
            continue
        stems = {group: tuple(_files(folder / group)) for group in GROUPS}
        stems = {group: files for group, files in stems.items() if files}
        if stems:
            unknown = [path.name for path in sorted(folder.iterdir()) if path.is_dir() and path.name not in GROUPS]
            unknown += [
                f"{group}/{path.name}" for group in stems for path in (folder / group).iterdir() if path.is_dir()
            ]
            unknown = tuple(name for name in unknown if not is_foreign(Path(name).name))
            tracks.append(Organised(folder, stems, _is_complete(folder), unknown))
    if not tracks:
        wanted = "<track>/<group>/<stem file>"
        raise StageError(f"{root}: no tracks ({wanted}) in this folder; run splitstrument organize to make them")
    return tracks


def _is_complete(folder: Path) -> bool:
    """Whether all stems in the track's note exist. Folders from elsewhere, such as the thesis's, have no note."""
    note = _note(folder)
    return note is None or (note.get("complete", False) and all((folder / name).exists() for name in note["placed"]))


def _files(folder: Path) -> Iterable[Path]:
    if folder.is_dir():
        return (path for path in sorted(folder.iterdir()) if not is_foreign(path.name) and os.path.isfile(path))
    return ()


def _note(folder: Path) -> dict[str, Any] | None:
    """The note in a track's folder, or None."""
    note = read_record(folder / NOTE)
    return note if note and isinstance(note.get("placed"), dict) else None


@dataclass(frozen=True)
class Placement:
    """A track of the catalogue and its folder in the organised layout."""

    track: Track
    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name


def place(tracks: Iterable[Track], root: Path) -> list[Placement]:
    """Assign each track a folder below `root`, named after the track; further tracks of that name get "... (2)" etc.

    A track can use a folder that is empty, or whose note has the track's name and one of its files.
    """
    taken, placements = set(), []
    for track in tracks:
        for name in numbered(file_name(track.name)):
            folder = root / name
            if folder.name not in taken and (_is_empty(folder) or _belongs_to(folder, track)):
                break
        taken.add(folder.name)
        placements.append(Placement(track, folder))
    return placements


def _is_empty(folder: Path) -> bool:
    """Whether the folder is absent, empty, or contains only leftovers of a killed process or of other programs."""

    def is_left(path: Path) -> bool:
        return is_unfinished(path) or (is_foreign(path.name) and path.name != NOTE)

    return not os.path.lexists(folder) or (folder.is_dir() and all(map(is_left, folder.iterdir())))


def _belongs_to(folder: Path, track: Track) -> bool:
    note = _note(folder)
    if note is None or (note.get("source"), note.get("name")) != (track.source, track.name):
        return False
    return any(_file(stem) in note["placed"].values() for stem in track.stems)


def _file(stem: Stem) -> list:
    """[file, stream] of a stem, as the note stores it."""
    return [str(stem.path), stem.stream]


def organise(placement: Placement, how: str) -> Outcome:
    """Place the stems of one track in its folder; `how`: "copy", "link" (hard links) or "move".

    Raises OSError or ValueError, for example if a stem is missing or another file with its name already exists.
    """
    track, folder = placement.track, placement.folder
    targets = _targets(track, folder)
    placed = {str(target.relative_to(folder)): _file(stem) for stem, target in targets}
    moves = _moves(folder, (_note(folder) or {}).get("placed", {}), placed)
    for source, target in moves:
        target.parent.mkdir(exist_ok=True)
        os.rename(source, target)
    todo = [(stem, target) for stem, target in targets if not _is_placed(stem, target, how)]
    for stem, _ in todo:
        if not os.path.isfile(stem.path):
            raise ValueError(f"{stem.path}: this stem is missing")
    note = {"source": track.source, "name": track.name, "placed": placed}
    if not todo and _note(folder) == {**note, "complete": True}:
        return Outcome(placement.name, "already there")
    folder.mkdir(parents=True, exist_ok=True)
    remove_unfinished(folder, 1)
    _write_note(folder, note, complete=False)
    for stem, target in todo:
        target.parent.mkdir(exist_ok=True)
        _place_stem(stem, target, how)
    _write_note(folder, note, complete=True)
    return Outcome(placement.name)


def _moves(folder: Path, before: Mapping[str, list], placed: Mapping[str, list]) -> list[tuple[Path, Path]]:
    """(from, to) for stems whose group has changed; stems that the catalogue no longer lists move to excluded."""
    now = {tuple(file): name for name, file in placed.items()}
    moves = []
    for name, file in before.items():
        target = folder / now.get(tuple(file), f"excluded/{Path(name).name}")
        if target != folder / name and (folder / name).exists() and not os.path.lexists(target):
            moves.append((folder / name, target))
    return moves


def _write_note(folder: Path, note: dict[str, Any], complete: bool) -> None:
    write_text(folder / NOTE, json.dumps({**note, "complete": complete}, indent=1) + "\n")


def _targets(track: Track, folder: Path) -> list[tuple[Stem, Path]]:
    """(stem, its target path) for every stem; equal names within a group get a number."""
    taken, targets = set(), []
    for stem in track.stems:
        name = Path(file_name(stem.path.stem) + stem.path.suffix)
        if stem.stream is not None:
            name = Path(file_name(str(stem.label or stem.stream)) + ".wav")
        group = folder / str(stem.group)
        targets_of_name = (group / each for each in numbered(name.stem, name.suffix))
        target = next(target for target in targets_of_name if target not in taken)
        taken.add(target)
        targets.append((stem, target))
    return targets


def _is_placed(stem: Stem, target: Path, how: str) -> bool:
    """Whether `target` already is this stem. Raises ValueError if it is something else."""
    if not os.path.lexists(target):
        return False
    if stem.stream is not None:
        return True  # a decoded file only appears once it is complete
    if not os.path.exists(stem.path):
        return how == "move"
    here, there = os.stat(stem.path), os.stat(target)
    if os.path.samestat(here, there) or (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
        return True
    raise ValueError(f"{target}: already exists and differs from {stem.path}; remove one of them")


def _place_stem(stem: Stem, target: Path, how: str) -> None:
    if stem.stream is not None:
        _decode(stem, target)
    elif how == "link":
        try:
            os.link(os.path.realpath(stem.path), target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            raise ValueError(f"{stem.path}: is on a different file system than {target}; use --how copy") from None
    else:
        try:
            if how == "copy":
                raise OSError(errno.EXDEV, "")
            os.rename(stem.path, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            with AtomicFile(target) as hidden:
                shutil.copy2(stem.path, hidden)
            if how == "move":
                os.unlink(stem.path)


def _decode(stem: Stem, target: Path) -> None:
    """Write one audio stream of a multi-stream file as WAV."""
    from splitstrument.files.audio import open_audio

    with open_audio(stem.path, stem.stream or 0) as reader:
        info = reader.info
        with AudioWriter(target, info.sample_rate, info.channels, info.depth, info.frames, info.mask) as writer:
            for block in reader.blocks(1 << 16):
                writer.write(block)


def select(
    tracks: Iterable[Track], required: Sequence[str], limit: int | None = None
) -> tuple[list[Track], list[Outcome]]:
    """(the first `limit` tracks that have every required group, an Outcome for each track that lacks one).

    An item of `required` may list alternatives, separated by slashes.
    """
    chosen: list[Track] = []
    outcomes: list[Outcome] = []
    for track in tracks:
        lacking = [groups for groups in required if not set(groups.split("/")) & set(track.groups)]
        if lacking:
            outcomes.append(Outcome(track.name, "skipped", "no " + ", no ".join(lacking)))
        elif limit is None or len(chosen) < limit:
            chosen.append(track)
    return chosen, outcomes


@command
def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser("organize", __doc__.split("\n")[0])
    parser.add_argument("tracks", type=Path, help="tracks.yaml as written by splitstrument catalogue")
    parser.add_argument("--output", type=Path, required=True, help="folder for the organised tracks")
    how = "copy the stems, make hard links, or move them (default: copy); audio inside MP4 files is always decoded"
    parser.add_argument("--how", choices=("copy", "link", "move"), default="copy", help=how)
    require = "skip tracks that lack one of these groups; a/b means either"
    parser.add_argument("--require", nargs="+", default=[], metavar="GROUP", help=require)
    parser.add_argument("--limit", type=int, metavar="N", help="use only the first N such tracks")
    add_options(parser)
    options = parser.parse_args(arguments)
    for group in (group for groups in options.require for group in groups.split("/")):
        if group not in GROUPS:
            raise StageError(no_such("group", group, GROUPS))
    if options.limit is not None and options.limit < 1:
        raise StageError("--limit must be at least 1")
    chosen, outcomes = select(load(options.tracks), options.require, options.limit)
    inside = os.path.abspath(options.output) + os.sep
    for stem in (stem for track in chosen for stem in track.stems):
        if str(stem.path).startswith(inside):
            raise StageError(f"{stem.path}: this stem is inside the output folder; use another --output")
    with output_folder(options.output):
        placements = place(chosen, options.output)
        outcomes += run(functools.partial(organise, how=options.how), placements, options)
    return summarise(outcomes)


if __name__ == "__main__":
    sys.exit(main())
