"""Multitrack collections -> tracks.yaml: the tracks, their stems, and the group of each stem (thesis, 4.1).

If the file exists, new tracks are added to it. Tracks that it already has stay as they are, even if they were edited.
On a terminal, the command asks for the group of each name that instruments.yaml does not know. It saves the answers in
an instruments.yaml beside the output, and the next run reads them.
"""

import dataclasses
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from datasets_tools import sources
from datasets_tools.tracks import GROUPS, Track, load, save
from splitstrument.files.folders import walk
from splitstrument.files.yaml_files import read_yaml, write_yaml
from splitstrument.parser import Parser
from splitstrument.stages.console import command, some
from splitstrument.stages.run import Outcome, StageError, add_options, run, summarise
from splitstrument.suggestions import no_such

if TYPE_CHECKING:
    from datasets_tools.instruments import Guess, Instruments

ANSWERS = "instruments.yaml"
_ABBREVIATIONS = {"?": "", "g": "guitar", "dg": "distorted_guitar", "b": "bass", "d": "drums", "p": "piano"}
_ABBREVIATIONS |= {"v": "vocals", "o": "other", "x": "excluded", "m": "mix"}


def collect(roots: Mapping[str, Iterable[Path]], known: Iterable[Track] = ()) -> tuple[list[Track], list[Outcome]]:
    """Read collections; `roots`: {name of a source: folders}.

    Returns (the tracks that share no file with the `known` ones, an Outcome for every track). Raises StageError if a
    folder is missing or holds no track of its collection.
    """
    files = {(stem.path, stem.stream) for track in known for stem in track.stems}
    tracks, outcomes = [], []
    for name, folders in roots.items():
        for root in folders:
            if not root.is_dir():
                raise StageError(f"{root}: no such folder")
            there = list(sources.find(name).read(root))
            unreadable: list[OSError] = []
            list(walk(root.absolute(), unreadable))
            outcomes += [Outcome(error.filename, "failed", (error.strerror or "").lower()) for error in unreadable]
            if not there and not unreadable:
                raise StageError(f"{root}: no {name} tracks in this folder; does it belong to another collection?")
            for track in there:
                if not track.stems:
                    outcomes.append(Outcome(track.name, "failed", "; ".join(track.notes)))
                elif not _is_text(track):
                    outcomes.append(Outcome(repr(track.name), "failed", "its name or a path is not UTF-8; rename it"))
                elif any((stem.path, stem.stream) in files for stem in track.stems):
                    outcomes.append(Outcome(track.name, "already there"))
                else:
                    files.update((stem.path, stem.stream) for stem in track.stems)
                    tracks.append(track)
                    outcomes.append(Outcome(track.name, notes=track.notes))
    return tracks, outcomes


def _is_text(track: Track) -> bool:
    """Whether the track's names can be written as UTF-8: a file name may consist of any bytes."""
    try:
        "".join([track.name, *(str(stem.path) for stem in track.stems)]).encode()
    except UnicodeEncodeError:
        return False
    return True


def guesses(
    tracks: Iterable[Track], instruments: "Instruments"
) -> tuple[dict[tuple[str, str | None], tuple["Guess", int]], list[Track]]:
    """Guess the group of every stem that has none.

    Returns ({(label, guessed group): (Guess, number of stems)}, the tracks with the guessed groups). The group of a
    stem with an unknown label stays None.
    """
    counts, grouped = Counter[tuple[str, str | None]](), list[Track]()
    guessed: dict[tuple[str, str | None], Guess] = {}
    for track in tracks:
        labels = [stem.label for stem in track.stems]
        stems = []
        for stem in track.stems:
            if stem.group is None:
                guess = instruments.guess(stem.label, labels)
                guessed[stem.label, guess.group] = guess
                counts[stem.label, guess.group] += 1
                stem = dataclasses.replace(stem, group=guess.group)
            stems.append(stem)
        grouped.append(dataclasses.replace(track, stems=tuple(stems)))
    return {key: (guess, counts[key]) for key, guess in guessed.items()}, grouped


def ask(unknown: Mapping[str, int], answers: dict[str, str]) -> None:
    """Ask for the group of every label and add it to `answers`. Raises StageError at the end of input."""
    print(f"{len(unknown)} unknown names. Type the group of each: {', '.join(GROUPS)}")
    print("(or g, dg, b, d, p, v, o, m, x for short; an empty line means other)")
    for label, count in unknown.items():
        group = None
        while group not in GROUPS:
            try:
                typed = input(f"{label!r} ({count} stems): ").strip().lower()
            except EOFError:
                raise StageError(
                    "no answers; use --unknown other, or --instruments FILE with lines of the form name: group"
                ) from None
            group = _ABBREVIATIONS.get(typed, typed) or "other"
            if group not in GROUPS:
                print(no_such("group", typed, GROUPS))
        answers[label] = group


def answered(tracks: list[Track], unknown: Mapping[str, int], how: str, output: Path) -> list[Track]:
    """The tracks with a group for each stem; `how` says what to do with the labels in `unknown` ({label: stems}).

    "ask" saves the answers in instruments.yaml beside `output`. Raises StageError for "fail", and for "ask" without a
    terminal.
    """
    if not unknown:
        return tracks
    if how == "other":
        answers = dict.fromkeys(unknown, "other")
    elif how == "ask" and sys.stdin.isatty():
        answers = {}
        try:
            ask(unknown, answers)
        finally:
            _keep(answers, output.parent / ANSWERS)
    else:
        most = sorted(unknown, key=lambda name: unknown[name], reverse=True)
        names = some([repr(name) for name in most], 20)
        ways = "use --instruments FILE with lines of the form name: group, or --unknown other"
        raise StageError(f"{len(unknown)} unknown instrument names: {names}; {ways}")
    result = []
    for track in tracks:
        stems = (dataclasses.replace(s, group=answers[s.label]) if s.group is None else s for s in track.stems)
        result.append(dataclasses.replace(track, stems=tuple(stems)))
    return result


def _keep(answers: dict[str, str], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    before = (read_yaml(path, names=True) or {}) if path.exists() else {}
    write_yaml(path, before | answers)


@command
def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser("catalogue", __doc__.split("\n")[0])
    for name in sources.names():
        what = {"folders": "folders of tracks", "solo": "folders of recordings of one instrument"}.get(
            name, f"folders with {name} tracks"
        )
        parser.add_argument(f"--{name}", action="extend", nargs="+", type=Path, metavar="DIR", help=what)
    parser.add_argument("--output", type=Path, default=Path("tracks.yaml"), help="the file to write or extend")
    files = "your own YAML files with lines of the form name: group; they take precedence"
    parser.add_argument("--instruments", nargs="+", type=Path, default=[], metavar="FILE", help=files)
    ways = "what to do with unknown instrument names: ask for them, count them as other, or fail (default: ask)"
    parser.add_argument("--unknown", choices=("ask", "other", "fail"), default="ask", help=ways)
    pictures = "write tables and a chart of the whole catalogue to this folder"
    parser.add_argument("--statistics", type=Path, metavar="DIR", help=pictures)
    add_options(parser)
    options = parser.parse_args(arguments)
    roots = {name: given for name in sources.names() if (given := getattr(options, name))}
    if not roots and not options.output.exists():
        raise StageError(f"name at least one collection: --{', --'.join(sources.names())}")

    from datasets_tools import statistics
    from datasets_tools.instruments import Instruments

    known = load(options.output) if options.output.exists() else []
    own = [*options.instruments, *([path] if (path := options.output.parent / ANSWERS).exists() else [])]
    collected, outcomes = collect(roots, known)
    guessed, collected = guesses(collected, Instruments(own))
    unknown = Counter[str]()
    for (label, group), (_, count) in guessed.items():
        if group is None:
            unknown[label] += count
    collected = answered(collected, dict(unknown), options.unknown, options.output)
    tracks = [*known, *collected]
    if collected:
        options.output.absolute().parent.mkdir(parents=True, exist_ok=True)
        save(options.output, tracks)
    seconds = [outcome.result for outcome in run(statistics.measure, statistics.lengths(tracks), options)]
    rows = statistics.count(tracks, seconds)
    print(statistics.table(rows))
    statistics.print_guesses(guessed)
    if options.statistics:
        statistics.write(options.statistics, rows, guessed)
    return summarise(outcomes)


if __name__ == "__main__":
    sys.exit(main())
