"""Stems -> pairs of instrument and rest, or tracks of several parts, at one or more sample rates (thesis, 4.3.2).

A part is the sum of the stems of its groups. The rest (called other beside several parts) is the sum of all other
stems, except those in mix and excluded. A part without stems is silent, so that all tracks have the same files. If a
part or the mixture would clip, all parts get the same gain, at all rates. pairs.yaml lists the gain, peaks, loudness
and sources of every track.
"""

import functools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets_tools.labelling.marks import DISQUALIFYING, marks_of
from datasets_tools.mixing import write_mix
from datasets_tools.pairs import finished, rate_folder, record_of
from datasets_tools.stems import GroupedStems, tracks_to_mix
from datasets_tools.tracks import GROUPS, SILENT_GROUPS, Stem
from splitstrument.files.yaml_files import write_yaml
from splitstrument.parser import Parser
from splitstrument.stages.console import command
from splitstrument.stages.records import identity, keep_settings
from splitstrument.stages.run import Outcome, Skip, StageError, add_options, output_folder, run, summarise
from splitstrument.suggestions import no_such
from splitstrument.tracks import PAIR

PAIRS = "pairs.yaml"
OTHER = "other"  # what the rest of several parts is called, as in MUSDB18


@dataclass(frozen=True)
class Mixing:
    """The output folder, {part: its groups}, the sample rates in Hz, and which tracks to use.

    `rest`: the name of the part of all other stems. `absent`: also use tracks that have only the rest.
    """

    output: Path
    parts: dict[str, tuple[str, ...]]
    rest: str = PAIR[1]
    rates: tuple[int, ...] = (44100, 22050)
    mono: bool = False
    checked_only: bool = False
    absent: bool = False

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of all parts but the rest."""
        return tuple(dict.fromkeys(group for groups in self.parts.values() for group in groups))


def chosen_stems(track: GroupedStems, mixing: Mixing) -> dict[str, list[Stem]]:
    """{part: its stems} of a track. Raises Skip if it cannot be mixed."""
    if track.fault:
        raise Skip(track.fault)
    others = tuple(group for group in track.stems if group not in (*mixing.groups, *SILENT_GROUPS))
    stems = {
        part: [stem for group, found in track.stems.items() if group in groups for stem in found]
        for part, groups in (mixing.parts | {mixing.rest: others}).items()
    }
    there = [part for part, found in stems.items() if found]
    if not there or (there == [mixing.rest] and not mixing.absent):
        raise Skip("no " + " or ".join(mixing.groups))
    for group in mixing.groups:
        marks = marks_of(track.folder, group) if track.folder else frozenset()
        if bad := sorted(marks & DISQUALIFYING):
            raise Skip(f"{group} is marked {', '.join(bad)}")
        if mixing.checked_only and group in track.stems and "checked" not in marks:
            raise Skip(f"{group} is not checked")
    if len(there) < 2 and there != [mixing.rest]:
        only = "only " + " or ".join(mixing.parts[there[0]])
        pure = "; use splitstrument split --pairs to make pairs with a silent rest" if mixing.rest == PAIR[1] else ""
        raise Skip(only + pure)
    return stems


def mix_track(track: GroupedStems, mixing: Mixing) -> Outcome:
    """Write the parts of one track at every rate."""
    folders = {rate: rate_folder(mixing.output, rate) / track.name for rate in mixing.rates}
    try:
        stems = chosen_stems(track, mixing)
    except Skip as reason:
        left = [str(folder) for folder in folders.values() if folder.exists()]
        notes = (f"skipped now, but an earlier run made: {', '.join(left)}",) if left else ()
        return Outcome(track.name, "skipped", str(reason), notes)
    made_from = {part: [_identity(stem) for stem in found] for part, found in stems.items()}
    missing = {rate: folder for rate, folder in folders.items() if not finished(folder, made_from, tuple(stems))}
    if not missing:
        return Outcome(track.name, "already there")
    record: dict[str, Any] = {"made_from": made_from}
    for part, found in stems.items():
        record[part] = {"sources": [stem.name if stem.stream is None else stem.label for stem in found]}
    notes = write_mix(stems, mixing.rates, 1 if mixing.mono else 2, missing, mixing.output, record)
    return Outcome(track.name, notes=(*track.notes, *notes))


def _identity(stem: Stem) -> list[str | int]:
    return identity(stem.path) + ([] if stem.stream is None else [stem.stream])


def write_list(output: Path, rates: Sequence[int]) -> None:
    """Collect the records of all tracks below `output` in pairs.yaml, sorted by name."""
    entries = {}
    for rate in rates:
        for folder in sorted(rate_folder(output, rate).glob("[!.]*")):
            record = record_of(folder)
            if record is not None and folder.name not in entries:
                entries[folder.name] = {key: value for key, value in record.items() if key != "made_from"}
    write_yaml(Path(output) / PAIRS, [{"name": name, **entries[name]} for name in sorted(entries)])


def parts_of(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """{part: its groups} of "vocals", "guitar/distorted_guitar" ..., named after the first group; other is left out.

    Commas separate parts too. Raises StageError if a group is unknown or named twice, or if no part is left.
    """
    parts: dict[str, tuple[str, ...]] = {}
    for word in (word for text in words for word in text.split(",") if word not in ("", OTHER)):
        groups = tuple(word.split("/"))
        _check_groups(groups)
        if twice := {group for group in groups if groups.count(group) > 1 or group in sum(parts.values(), ())}:
            raise StageError(f"--parts: {', '.join(sorted(twice))} is named twice")
        if OTHER in groups:
            raise StageError(f"--parts {word}: {OTHER} is everything that is in no part; leave it out")
        parts[groups[0]] = groups
    if not parts:
        raise StageError(f"--parts: name at least one group besides {OTHER}")
    return parts


def _check_groups(groups: Iterable[str]) -> None:
    usable = [group for group in GROUPS if group not in SILENT_GROUPS]
    for group in groups:
        if group not in usable:
            raise StageError(no_such("group", group, usable))


def _mixing(options: Any) -> Mixing:
    if not all(8000 <= rate <= 192000 for rate in options.rates):
        raise StageError("--rates must be 8000 to 192000 Hz")
    rates = tuple(sorted(set(options.rates), reverse=True))
    how = (rates, options.mono, options.checked_only, options.absent)
    if options.parts:
        if options.others:
            raise StageError("--with belongs to --instrument; in --parts, write guitar/distorted_guitar")
        return Mixing(options.output, parts_of(options.parts), OTHER, *how)
    groups = tuple(dict.fromkeys([options.instrument, *options.others]))
    _check_groups(groups)
    return Mixing(options.output, {PAIR[0]: groups}, PAIR[1], *how)


@command
def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser("mix", __doc__.split("\n")[0])
    stems = "an organised folder, a tracks.yaml, or the folder of MUSDB18, DSD100, MoisesDB, MedleyDB or Slakh itself"
    parser.add_argument("stems", type=Path, help=stems)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--instrument", metavar="GROUP", help="the group to separate: makes pairs of instrument and rest")
    several = "the groups to separate: makes tracks of these parts and other, which is everything else; a/b means both"
    what.add_argument("--parts", nargs="+", metavar="GROUP", help=several)
    parser.add_argument(
        "--with", dest="others", nargs="+", default=[], metavar="GROUP", help="further groups of the instrument"
    )
    pair_rates = "sample rates in Hz (default: 44100 22050)"
    parser.add_argument("--rates", nargs="+", type=int, default=[44100, 22050], metavar="HZ", help=pair_rates)
    parser.add_argument("--mono", action="store_true", help="mix to one channel, the mean of both")
    checked = "only use tracks whose instrument, or parts, are marked checked"
    parser.add_argument("--checked-only", action="store_true", help=checked)
    absent = "also use tracks without the instrument, or without all of the parts, as silence and rest"
    parser.add_argument("--absent", action="store_true", help=absent)
    parser.add_argument("--output", type=Path, required=True, help="folder for the pairs or tracks")
    add_options(parser)
    options = parser.parse_args(arguments)
    mixing = _mixing(options)
    tracks = tracks_to_mix(options.stems, options.output)
    settings: dict[str, Any] = {"rates": mixing.rates, "mono": mixing.mono}
    settings = ({"parts": mixing.parts} if options.parts else {"instrument": mixing.groups}) | settings
    with output_folder(options.output):
        keep_settings(options.output, "mix", settings)
        outcomes = run(functools.partial(mix_track, mixing=mixing), tracks, options)
        write_list(options.output, mixing.rates)
    return summarise(outcomes)


if __name__ == "__main__":
    sys.exit(main())
