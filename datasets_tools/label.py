"""Judge stems: listen to them on a page, set marks one by one or from a file, and see hints at possible problems.

With only --instrument, the command shows the marks of all tracks that have stems of that group.
"""

import argparse
import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from datasets_tools.labelling.marks import (
    DISQUALIFYING,
    MARKS,
    MEANINGS,
    apply_marks,
    clear_marks,
    marks_of,
    read_marks,
    set_marks,
    write_marks,
)
from datasets_tools.organize import Organised, organised_tracks
from datasets_tools.tracks import GROUPS, SILENT_GROUPS
from splitstrument.files.names import file_name
from splitstrument.files.tables import markdown, write_csv
from splitstrument.parser import Parser
from splitstrument.stages.console import command
from splitstrument.stages.run import Outcome, Skip, StageError, add_options, run, summarise
from splitstrument.suggestions import no_such

# The options of --listen and their defaults.
_LISTENING = {"splits": 5, "cautious": False, "order": "name", "others": [], "port": 0, "no_browser": False}


def chosen_tracks(tracks: list[Organised], names: Iterable[str] | None, group: str) -> list[Organised]:
    """The `tracks` called `names`, or (None) all with stems of `group`. Raises StageError if one cannot be used."""
    if names is None:
        tracks = [track for track in tracks if group in track.stems]
        if not tracks:
            raise StageError(f"no track has {group} stems")
        return tracks
    known = {track.name: track for track in tracks}
    chosen = {}
    for name in names:
        track = known.get(name) or known.get(file_name(name))
        if track is None:
            raise StageError(no_such("track", name, known))
        if group not in track.stems:
            raise StageError(f"{track.name}: has no {group} stems, only {', '.join(track.stems)}")
        chosen[track.name] = track
    return list(chosen.values())


def examine(track: Organised, group: str, check: Callable[[], None] | None = None) -> Outcome:
    """Find hints for the stems of `group` in an organised track. The Outcome's result is {stem name: hints}."""
    from datasets_tools.labelling.hints import hints_of

    if not track.complete:
        raise Skip("not all of its stems are organised yet; run splitstrument organize again")
    hints = {path.name: hints for path, hints in hints_of(track, group, check).items()}
    return Outcome(track.name, result=hints)


def examine_groups(track: Organised, groups: Iterable[str], check: Callable[[], None] | None = None) -> Outcome:
    """Find hints for the stems of several groups. The Outcome's result is {(group, stem name): hints}.

    `check` is as in `hints_of`.
    """
    examined: dict[tuple[str, str], Any] = {}
    for group in groups:
        if group in track.stems:
            examined |= {(group, name): hints for name, hints in examine(track, group, check).result.items()}
    return Outcome(track.name, result=examined)


def show_marks(tracks: Iterable[Organised], group: str) -> None:
    """Print the marks of `tracks` and the number of tracks that have each mark."""
    marks = {track.name: marks_of(track.folder, group) for track in tracks}
    rows = [(name, " ".join(mark for mark in MARKS if mark in given)) for name, given in marks.items()]
    print(markdown(("track", "marks"), rows, left=2))
    counts = {mark: sum(mark in given for given in marks.values()) for mark in MARKS}
    print("marks: " + ", ".join(f"{count} {mark}" for mark, count in counts.items()))
    usable = sum(not given & DISQUALIFYING for given in marks.values())
    print(f"tracks: {len(marks)}, {usable} without {', '.join(m for m in MARKS if m in DISQUALIFYING)}")


def show_hints(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """Print the hints, the worst tracks first. Returns them as table rows, one hint each."""
    from datasets_tools.labelling.hints import worst_first

    lines, rows = [], [["track", "stem", "kind", "value", "severity", "text"]]
    ranked = worst_first([(outcome.name, outcome.result) for outcome in outcomes if outcome.result])
    for track, stems in ranked:
        for stem, hints in stems.items():
            if hints:
                lines.append([track, stem, "; ".join(hint.text for hint in hints)])
            for hint in hints:
                rows.append([track, stem, hint.kind, f"{hint.value:.6g}", f"{hint.severity:.2f}", hint.text])
    if lines:
        print(markdown(("track", "stem", "hints"), lines, left=3))
    print(f"hints: in {len(ranked)} of {len(outcomes)} tracks")
    return rows


def _read(path: Path, tracks: Iterable[Organised], chosen: Sequence[Organised], group: str) -> None:
    """Apply a file of marks to the `chosen` tracks; report names that do not match."""
    marks, left_out = read_marks(path), {track.name for track in tracks} - {track.name for track in chosen}
    marks = {name: true for name, true in marks.items() if file_name(name) not in left_out}
    applied = apply_marks(marks, [track.folder for track in chosen], group)
    for name in applied.unknown:
        print(f"no such track: {name}")
    for name in applied.unnamed:
        print(f"not in {path}: {name}")
    fitting = len(marks) - len(applied.unknown)
    print(f"{path}: {fitting} tracks, {len(applied.changed)} changed, {len(applied.unknown)} unknown")


def _listen(tracks: list[Organised], options: argparse.Namespace) -> int:
    """Open the page on which `tracks` are judged. Returns the exit code."""
    from datasets_tools.labelling.page.server import Listening, listen

    groups = tuple(dict.fromkeys([options.instrument, *options.others]))
    examining = functools.partial(examine_groups, groups=groups)
    known = []
    if options.order == "hint":
        from datasets_tools.labelling.hints import severity

        known = run(examining, tracks, options)
        # Tracks that cannot be examined come first.
        badness = [float("inf") if outcome.state == "failed" else severity(outcome.result or {}) for outcome in known]
        order = sorted(range(len(tracks)), key=lambda number: -badness[number])
        tracks, known = [tracks[number] for number in order], [known[number] for number in order]
    settings = Listening(
        groups[0], groups[1:], options.splits, options.cautious, options.port, browser=not options.no_browser
    )
    return listen(tracks, settings, examining, known)


def _parser() -> argparse.ArgumentParser:
    meanings = "\n".join(f"  {mark:<12} {meaning}" for mark, meaning in MEANINGS.items())
    parser = Parser(
        "label",
        __doc__.split("\n")[0],
        f"marks describe a track's stems of one group:\n{meanings}",
    )
    parser.add_argument("organised", type=Path, help="an organised folder, <track>/<group>/<stem file>")
    parser.add_argument("--instrument", required=True, metavar="GROUP", help="the group of stems to judge")
    parser.add_argument("--tracks", nargs="+", metavar="NAME", help="only these tracks")
    marking = parser.add_argument_group("marks")
    set_help = "set these marks on the --tracks; this also sets `checked`"
    marking.add_argument("--set", nargs="+", default=[], metavar="MARK", help=set_help)
    marking.add_argument("--clear", nargs="+", default=[], metavar="MARK", help="clear these marks")
    read_help = "apply a marks_<group>.yaml file: set the marks that are true in it and clear those that are false"
    marking.add_argument("--read", type=Path, metavar="FILE", help=read_help)
    write_help = "write the marks of all tracks that have any, as a marks_<group>.yaml file"
    marking.add_argument("--write", type=Path, metavar="FILE", help=write_help)
    listening = parser.add_argument_group("listening")
    listen_help = "open a page on this machine that plays one stem after another; single keys set marks"
    listening.add_argument("--listen", action="store_true", help=listen_help)
    splits_help = "divide each stem into N parts to jump between, 1 to 9 (default: 5)"
    listening.add_argument("--splits", type=int, metavar="N", help=splits_help)
    cautious_help = "stay on a track after setting a mark, until Enter is pressed"
    listening.add_argument("--cautious", action="store_true", help=cautious_help)
    order_help = "sort the tracks by name, or put those with the worst hints first (default: name)"
    listening.add_argument("--order", choices=("name", "hint"), help=order_help)
    with_help = "play these groups too; the marks still apply to --instrument"
    listening.add_argument("--with", dest="others", nargs="+", metavar="GROUP", help=with_help)
    listening.add_argument("--port", type=int, metavar="N", help="port of the page (default: any free port)")
    listening.add_argument(
        "--no-browser", action="store_true", help="print the address of the page, but do not open it"
    )
    listening.set_defaults(**_LISTENING)
    hinting = parser.add_argument_group("hints")
    hints_help = "analyse all stems and show the most suspicious tracks first; sets no marks"
    hinting.add_argument("--hints", action="store_true", help=hints_help)
    hinting.add_argument("--csv", type=Path, metavar="FILE", help="also write the hints as a table")
    add_options(parser)
    return parser


def _checked(options: argparse.Namespace) -> None:
    """Check what argparse cannot. Raises StageError."""
    usable = [group for group in GROUPS if group not in SILENT_GROUPS]
    for group in [options.instrument, *options.others]:
        if group not in usable:
            raise StageError(no_such("group", group, usable))
    for mark in [*options.set, *options.clear]:
        if mark not in MARKS:
            raise StageError(no_such("mark", mark, MARKS))
    if (options.set or options.clear) and not options.tracks:
        raise StageError("--set and --clear need --tracks with the names of the judged tracks")
    if both := sorted(set(options.set) & set(options.clear)):
        raise StageError(f"--set and --clear cannot both contain {', '.join(both)}")
    if options.csv and not options.hints:
        raise StageError("--csv needs --hints")
    if options.hints and (options.set or options.clear or options.read or options.write):
        raise StageError("--hints cannot be combined with --set, --clear, --read or --write")
    if options.listen and (options.set or options.clear or options.read or options.write or options.hints):
        raise StageError("--listen cannot be combined with --set, --clear, --read, --write or --hints")
    if not options.listen:
        for name, unless_given in _LISTENING.items():
            if getattr(options, name) != unless_given:
                raise StageError(f"--{'with' if name == 'others' else name.replace('_', '-')} needs --listen")
    if not 1 <= options.splits <= 9:
        raise StageError("--splits must be 1 to 9: the keys 1 to 9 jump to the parts")
    if not 0 <= options.port <= 65535:
        raise StageError("--port must be 0 to 65535")


@command
def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    _checked(options)
    group = options.instrument
    tracks = organised_tracks(options.organised)
    chosen = chosen_tracks(tracks, options.tracks, group)
    if options.listen:
        return _listen(chosen, options)
    if options.hints:
        outcomes = run(functools.partial(examine, group=group), chosen, options)
        rows = show_hints(outcomes)
        if options.csv:
            write_csv(options.csv, rows)
        return summarise(outcomes)
    if options.read:
        _read(options.read, tracks, chosen, group)
    for track in chosen:
        clear_marks(track.folder, group, options.clear)
        set_marks(track.folder, group, options.set)
    if options.write:
        marks = {track.name: marks_of(track.folder, group) for track in chosen}
        marked = {name: given for name, given in marks.items() if given}
        write_marks(options.write, marked)
        print(f"{options.write}: {len(marked)} tracks")
    if not (options.read or options.write):
        show_marks(chosen, group)
    return 0


if __name__ == "__main__":
    sys.exit(main())
