"""Set tracks aside as a validation set that training never sees (thesis, section 4.5).

Writes `<output>/{training,validation}/tracks_<rate>hz/<track>/`. A track is in the same set at all rates, and so are
all pieces of one recording (`<name>_001`, `<name>_002` ... from `split`). validation.yaml lists the names of both
sets. It is written first, so that an interrupted command continues with the same choice.
"""

import argparse
import errno
import functools
import os
import random
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets_tools.pairs import RECORD, rate_folder
from splitstrument.files.atomic import atomic_folder, hidden_name
from splitstrument.files.audio import open_audio
from splitstrument.files.folders import is_foreign
from splitstrument.files.names import file_name
from splitstrument.files.texts import cannot_be_opened
from splitstrument.files.yaml_files import read_yaml, write_yaml
from splitstrument.parser import Parser
from splitstrument.stages.console import command, some
from splitstrument.stages.run import Outcome, StageError, add_options, check_apart, output_folder, run, summarise
from splitstrument.suggestions import no_such
from splitstrument.tracks import TrackError, find_at_all_rates

LIST = "validation.yaml"
SIDES = ("training", "validation")
HOWS = ("link", "copy", "move")
SHARE = 15.0  # percent; in the thesis 116 of 709 tracks, 22 of 153


@dataclass(frozen=True)
class Placement:
    """The folder of a track and its target folder."""

    source: Path
    target: Path

    @property
    def name(self) -> str:
        return self.target.name


def recording(name: str) -> str:
    """The name of the recording that a piece belongs to; other names are returned unchanged."""
    return re.sub(r"_(\d{3}|[1-9]\d{3,})$", "", name)


def choose(names: Collection[str], share: float, seed: int) -> list[str]:
    """The sorted names that make up `share` percent of `names`, chosen by `seed`; pieces of one recording together.

    The seed shuffles the recordings. In that order, each one that still fits into the share is chosen; if none fits,
    the smallest. At least one stays for training. Raises StageError if all tracks come from one recording.
    """
    together = defaultdict(list)
    for name in sorted(names):
        together[recording(name)].append(name)
    order = sorted(together)
    random.Random(seed).shuffle(order)
    if len(order) < 2:
        raise StageError("all tracks come from one recording, which must not be in both sets; add other recordings")
    wanted, chosen = min(round(len(names) * share / 100), len(names) - 1), list[str]()
    for one in order:
        if len(chosen) + len(together[one]) <= wanted:
            chosen += together[one]
    return sorted(chosen or together[min(order, key=lambda one: len(together[one]))])


def listed(path: Path) -> list[str]:
    """Read the names in the list `path`: a text file with one name per line, or a YAML list."""
    if path.suffix.lower() in (".yaml", ".yml"):
        content = read_yaml(path, names=True)
        if not isinstance(content, list):
            raise ValueError(f"{path}: must be a list of track names")
        return [str(name) for name in content]
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise cannot_be_opened(path, error) from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: cannot be read as text (UTF-8)") from None
    return [line.strip() for line in lines if line.strip()]


def choose_listed(names: Collection[str], wanted: Sequence[str], where: str) -> list[str]:
    """The sorted `wanted` names, with all other pieces of the same recordings; `where` is used in messages.

    Raises StageError if a name is unknown, or if a set would have no track.
    """
    known = {file_name(name): name for name in names}
    for name in wanted:
        if file_name(name) not in known:
            raise StageError(f"{where}: {no_such('track', name, names)}")
    recordings = {recording(known[file_name(name)]) for name in wanted}
    chosen = sorted(name for name in names if recording(name) in recordings)
    if pieces := sorted(set(chosen) - {known[file_name(name)] for name in wanted}):
        print(f"note: also used for validation, as pieces of the listed recordings: {', '.join(pieces)}")
    if not chosen or len(chosen) == len(names):
        raise StageError(f"{where}: {'names no track' if not chosen else 'leaves no track for training'}")
    return chosen


def place(placement: Placement, how: str) -> Outcome:
    """Link, copy or move one track to its set. Raises ValueError if a different one is already there."""
    source, target = placement.source, placement.target
    if os.path.lexists(target):
        if _contents(source) != _contents(target):
            raise ValueError(f"{target}: already exists and differs from {source}; remove one of them")
        if how == "move" and not os.path.samefile(source, target):
            _remove(source)
        return Outcome(placement.name, "already there")
    if how == "move":
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.rename(source, target)
            return Outcome(placement.name)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
    with atomic_folder(target) as part:
        for file in _files(source):
            if how == "link":
                os.link(os.path.realpath(file), part / file.name)
            else:
                shutil.copy2(file, part / file.name)
    if how == "move":
        _remove(source)
    return Outcome(placement.name)


def _files(folder: Path) -> list[Path]:
    """The files of a track and its record, without the files that other programs leave beside them."""
    names = [path for path in folder.iterdir() if path.name == RECORD or not is_foreign(path.name)]
    return sorted(path for path in names if path.is_file())


def _contents(folder: Path) -> list[tuple[str, int, int]]:
    """What identifies a track: names, sizes and modification times of its files, which copies keep."""
    return [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in _files(folder)]


def _remove(folder: Path) -> None:
    for file in _files(folder):
        file.unlink()
    if all(is_foreign(path.name) for path in folder.iterdir()):
        shutil.rmtree(folder)
    else:
        folder.rmdir()  # fails if the folder has other files


def _tracks(root: Path, may_be_empty: bool) -> dict[tuple[int, str], Path]:
    """{(sample rate, name): folder} of all tracks below `root`. Raises TrackError if there are none, unless allowed."""
    folders: dict[tuple[int, str], Path] = {}
    try:
        tracks = find_at_all_rates(root)
    except TrackError:
        if may_be_empty:
            return folders
        raise
    for track in tracks:
        with open_audio(track.path(track.parts[0])) as reader:
            key = reader.info.sample_rate, track.name
        if key in folders:
            raise StageError(f"{folders[key]} and {track.folder} have the same name; rename one of them")
        folders[key] = track.folder
    return folders


def _read_choice(path: Path, settings: dict[str, Any], names: set[str], moving: bool) -> dict[str, list[str]]:
    """{set: names} from the validation.yaml `path` that an earlier command with the same settings wrote."""
    content = read_yaml(path)
    if not isinstance(content, dict) or not all(isinstance(content.get(side), list) for side in SIDES):
        raise StageError(f"{path}: is not a list written by this command; remove it, or use another --output")
    if {key: content[key] for key in content if key not in SIDES} != settings:
        raise StageError(f"{path}: was made with a different share, seed or list; use those, or another --output")
    sides = {side: [str(name) for name in content[side]] for side in SIDES}
    before = {name for side in SIDES for name in sides[side]}
    other = sorted(names - before if moving else names ^ before)
    if other:
        raise StageError(f"{path}: was made from different tracks ({some(other)}); use another --output")
    return sides


def _check_links(tracks: Mapping[Any, Path], output: Path) -> None:
    """Raise StageError if the tracks cannot be hard-linked into `output`."""
    source, probe = next(iter(tracks.values())), hidden_name(output / "probe")
    try:
        os.link(os.path.realpath(_files(source)[0]), probe)
        probe.unlink()
    except OSError:
        reason = f"cannot make a hard link to {source} (different file system?); use --how copy"
        raise StageError(f"{output}: {reason}") from None


def _moved(sides: Mapping[str, Iterable[str]], tracks: Iterable[tuple[int, str]], output: Path) -> Iterator[Outcome]:
    """An Outcome for each track that an earlier command moved, so that it is no longer in `tracks`."""
    left = {name for _, name in tracks}
    for side in SIDES:
        there = {folder.name for folder in (output / side).glob("tracks_*hz/*")}
        for name in sides[side]:
            if name not in left and name in there:
                yield Outcome(name, "already there")
            elif name not in left:
                yield Outcome(name, "failed", f"is neither in the tracks nor in {output / side}")


def _parser() -> argparse.ArgumentParser:
    parser = Parser("validation", __doc__.split("\n")[0])
    parser.add_argument("tracks", type=Path, metavar="TRACKS", help="a folder of tracks at one or more sample rates")
    parser.add_argument("--output", type=Path, required=True, help="folder for both sets")
    which = parser.add_mutually_exclusive_group()
    share = "percentage of the tracks to use for validation (default: 15)"
    which.add_argument("--share", type=float, default=SHARE, metavar="PERCENT", help=share)
    names = "the tracks for validation: a text file with one name per line, or a YAML list"
    which.add_argument("--list", type=Path, metavar="FILE", help=names)
    which.add_argument(
        "--tracks", nargs="+", metavar="NAME", dest="names", help="the names of the tracks for validation"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed for the choice of tracks (default: 0)")
    how = "make hard links, copy the tracks, or move them out of their folder (default: link)"
    parser.add_argument("--how", choices=HOWS, default="link", help=how)
    add_options(parser)
    return parser


@command
def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if not 0 < options.share < 100:
        raise StageError("--share must be above 0 and below 100 percent")
    check_apart(options.output, options.tracks)
    path, moving = options.output / LIST, options.how == "move"
    tracks = _tracks(options.tracks, may_be_empty=moving and path.exists())
    names = {name for _, name in tracks}
    wanted = listed(options.list) if options.list else options.names
    settings = {"list": sorted(wanted)} if wanted is not None else {"share": options.share, "seed": options.seed}
    if path.exists():
        sides = _read_choice(path, settings, names, moving)
    else:
        if wanted is None:
            chosen = choose(names, options.share, options.seed)
        else:
            chosen = choose_listed(names, wanted, str(options.list or "--tracks"))
        sides = {"training": sorted(names - set(chosen)), "validation": chosen}
    side_of = {name: side for side in SIDES for name in sides[side]}
    placements = [
        Placement(folder, rate_folder(options.output / side_of[name], rate) / name)
        for (rate, name), folder in sorted(tracks.items())
    ]
    with output_folder(options.output):
        if options.how == "link":
            _check_links(tracks, options.output)
        write_yaml(path, settings | sides)
        outcomes = run(functools.partial(place, how=options.how), placements, options, unit="track")
    print(", ".join(f"{side}: {len(sides[side])} tracks" for side in SIDES))
    return summarise([*outcomes, *_moved(sides, tracks, options.output)])


if __name__ == "__main__":
    sys.exit(main())
