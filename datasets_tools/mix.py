"""Organised stems -> pairs of instrument and rest at one or more sample rates (thesis, section 4.3.2).

The instrument is the sum of the stems of its group (and of the groups given by `--with`). The rest is the sum of all
other stems, except those in mix and excluded. `--absent` also makes pairs of a silent instrument and a rest. If the
instrument, the rest or their sum would clip, both parts get the same gain, at all rates. pairs.yaml lists the gain,
peaks, loudness and sources of every pair.
"""

import functools
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets_tools.labelling.marks import DISQUALIFYING, marks_of
from datasets_tools.organize import Organised, organised_tracks
from datasets_tools.pairs import finished, pair_writer, rate_folder, record_of
from datasets_tools.tracks import GROUPS, SILENT_GROUPS
from splitstrument.files.atomic import scratch_folder
from splitstrument.files.writing import step
from splitstrument.files.yaml_files import write_yaml
from splitstrument.parser import Parser
from splitstrument.stages.console import command
from splitstrument.stages.records import identity, keep_settings
from splitstrument.stages.run import Outcome, Skip, StageError, add_options, check_apart, output_folder, run, summarise
from splitstrument.suggestions import no_such
from splitstrument.tracks import PAIR

if TYPE_CHECKING:
    import numpy as np

    from datasets_tools.stem_sums import Sums

PAIRS = "pairs.yaml"
LENGTHS = 2.0  # seconds; a note is printed if the stems of a track differ by more in length


@dataclass(frozen=True)
class Mixing:
    """The output folder, the groups that form the instrument, the sample rates in Hz, and which tracks to use.

    `absent`: also use tracks that lack the instrument.
    """

    output: Path
    groups: tuple[str, ...]
    rates: tuple[int, ...] = (44100, 22050)
    mono: bool = False
    checked_only: bool = False
    absent: bool = False


def chosen_stems(track: Organised, mixing: Mixing) -> tuple[list[Path], list[Path]]:
    """(instrument files, rest files) of an organised track. Raises Skip if it cannot make a pair."""
    if not track.complete:
        raise Skip("not all of its stems are organised yet; run splitstrument organize again")
    stems: tuple[list[Path], list[Path]] = ([], [])
    for group, files in track.stems.items():
        if group not in SILENT_GROUPS:
            stems[group not in mixing.groups].extend(files)
    if not stems[0] and not (mixing.absent and stems[1]):
        raise Skip("no " + " or ".join(mixing.groups))
    for group in mixing.groups:
        marks = marks_of(track.folder, group)
        if bad := sorted(marks & DISQUALIFYING):
            raise Skip(f"{group} is marked {', '.join(bad)}")
        if mixing.checked_only and group in track.stems and "checked" not in marks:
            raise Skip(f"{group} is not checked")
    if not stems[1]:
        raise Skip(
            f"only {' or '.join(mixing.groups)}; use splitstrument split --pairs to make pairs with a silent rest"
        )
    return stems


def mix_track(track: Organised, mixing: Mixing) -> Outcome:
    """Write the pairs of one organised track. The Outcome's result is the record of what was made."""
    folders = {rate: rate_folder(mixing.output, rate) / track.name for rate in mixing.rates}
    try:
        stems = chosen_stems(track, mixing)
    except Skip as reason:
        left = [str(folder) for folder in folders.values() if folder.exists()]
        notes = (f"skipped now, but an earlier run made: {', '.join(left)}",) if left else ()
        return Outcome(track.name, "skipped", str(reason), notes)
    made_from = {part: [identity(path) for path in files] for part, files in zip(PAIR, stems, strict=True)}
    missing = [rate for rate, folder in folders.items() if not finished(folder, made_from)]
    if not missing:
        return Outcome(track.name, "already there")
    record: dict[str, Any] = {"made_from": made_from}
    for part, files in zip(PAIR, stems, strict=True):
        record[part] = {"sources": [str(path.relative_to(track.folder)) for path in files]}
    notes = [f"{name} is not a group: its contents are ignored" for name in track.unknown]
    notes += _render(stems, mixing, {rate: folders[rate] for rate in missing}, record)
    return Outcome(track.name, notes=tuple(notes))


def _render(
    stems: Sequence[Sequence[Path]], mixing: Mixing, folders: Mapping[int, Path], record: dict[str, Any]
) -> list[str]:
    """Sum, resample and write one track's pairs, and fill in the record. Returns notes for the user."""
    from datasets_tools.stem_sums import Sums

    channels = 1 if mixing.mono else 2
    # The gain is only known at the end. Until then both parts are kept beside the pairs, as float32.
    with scratch_folder(mixing.output) as scratch:
        with Sums(stems, channels) as sums:
            levels = _sum_to(scratch, sums, mixing.rates)
            seconds, notes = sums.seconds, list(sums.warnings)
        spread = max(seconds.values()) - min(seconds.values())
        if spread > LENGTHS:
            shortest = min(seconds, key=lambda path: seconds[path])
            notes.append(f"the stems differ in length by {spread:.1f} s; the shortest is {shortest}")
        gain = min(1.0, (1 - step("16")) / max(*levels.peaks, 1e-9))
        record["seconds"] = round(max(seconds.values()), 3)
        record["gain_db"] = round(_decibels(gain), 4)
        for part, peak, loudness in zip((*PAIR, "mixture"), levels.peaks, (*levels.loudness, None), strict=True):
            facts = record.setdefault(part, {})
            facts["peak_dbfs"] = round(_decibels(peak * gain), 2) if peak else None
            if part in PAIR:
                facts["lufs"] = None if loudness is None else round(loudness + _decibels(gain), 2)
                if peak * gain < step("16"):
                    notes.append(f"the {part} is silent")
        if notes:
            record["notes"] = notes
        for rate, folder in folders.items():
            with pair_writer(folder, rate, channels, record, levels.frames[rate]) as write:
                for blocks in _raw_blocks(scratch, rate, channels):
                    write(*(block * gain for block in blocks))
    return notes


def _decibels(ratio: float) -> float:
    return 20 * math.log10(ratio)


@dataclass
class _Levels:
    """The peaks of instrument, rest and mixture over all rates; the parts' loudness in LUFS; {rate: frames}."""

    peaks: list
    loudness: list
    frames: dict


def _sum_to(scratch: Path, sums: "Sums", rates: Sequence[int]) -> _Levels:
    """Write the sums at every rate to `scratch` as raw float32. Returns their levels before any gain."""
    import contextlib

    import numpy as np

    from datasets_tools.loudness import Loudness
    from datasets_tools.stem_sums import Resampler

    peaks, frames = np.zeros(3), dict.fromkeys(rates, 0)
    meters = [Loudness(sums.rate, sums.channels) for _ in PAIR]
    resamplers = {rate: [Resampler(sums.rate, rate, sums.channels) for _ in PAIR] for rate in rates}
    with contextlib.ExitStack() as stack:
        files = {
            (rate, part): stack.enter_context(open(scratch / f"{part}_{rate}", "wb")) for rate in rates for part in PAIR
        }

        def keep(rate, blocks):
            frames[rate] += len(blocks[0])
            for part, block in zip(PAIR, blocks, strict=True):
                files[rate, part].write(np.ascontiguousarray(block, np.float32).data)
            for index, block in enumerate((*blocks, blocks[0] + blocks[1])):
                if len(block):
                    peaks[index] = max(peaks[index], block.max(), -block.min())

        for blocks in sums.blocks():
            for meter, block in zip(meters, blocks, strict=True):
                meter.add(block)
            for rate in rates:
                keep(rate, [resample(block) for resample, block in zip(resamplers[rate], blocks, strict=True)])
        for rate in rates:
            if rate != sums.rate:
                keep(rate, [resample.finish() for resample in resamplers[rate]])
    return _Levels([float(peak) for peak in peaks], [meter.value() for meter in meters], frames)


def _raw_blocks(scratch: Path, rate: int, channels: int) -> Iterator[list["np.ndarray"]]:
    """Yield the (instrument, rest) blocks that `_sum_to` wrote."""
    import numpy as np

    raw = [np.memmap(scratch / f"{part}_{rate}", np.float32, "r").reshape(-1, channels) for part in PAIR]
    for at in range(0, len(raw[0]), 1 << 18):
        yield [part[at : at + (1 << 18)] for part in raw]


def write_list(output: Path, rates: Sequence[int]) -> None:
    """Collect the records of all pairs below `output` in pairs.yaml, sorted by name."""
    entries = {}
    for rate in rates:
        for folder in sorted(rate_folder(output, rate).glob("[!.]*")):
            record = record_of(folder)
            if record is not None and folder.name not in entries:
                entries[folder.name] = {key: value for key, value in record.items() if key != "made_from"}
    write_yaml(Path(output) / PAIRS, [{"name": name, **entries[name]} for name in sorted(entries)])


@command
def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser("mix", __doc__.split("\n")[0])
    parser.add_argument("organised", type=Path, help="an organised folder, <track>/<group>/<stem file>")
    parser.add_argument("--instrument", required=True, metavar="GROUP", help="the group to separate")
    parser.add_argument(
        "--with", dest="others", nargs="+", default=[], metavar="GROUP", help="further groups of the instrument"
    )
    pair_rates = "sample rates in Hz (default: 44100 22050)"
    parser.add_argument("--rates", nargs="+", type=int, default=[44100, 22050], metavar="HZ", help=pair_rates)
    parser.add_argument("--mono", action="store_true", help="mix to one channel, the mean of both")
    checked = "only use tracks whose instrument is marked checked"
    parser.add_argument("--checked-only", action="store_true", help=checked)
    absent = "also use tracks without the instrument, as pairs of silence and rest"
    parser.add_argument("--absent", action="store_true", help=absent)
    parser.add_argument("--output", type=Path, required=True, help="folder for the pairs")
    add_options(parser)
    options = parser.parse_args(arguments)
    groups = tuple(dict.fromkeys([options.instrument, *options.others]))
    usable = [group for group in GROUPS if group not in SILENT_GROUPS]
    for group in groups:
        if group not in usable:
            raise StageError(no_such("group", group, usable))
    if not all(8000 <= rate <= 192000 for rate in options.rates):
        raise StageError("--rates must be 8000 to 192000 Hz")
    rates = tuple(sorted(set(options.rates), reverse=True))
    mixing = Mixing(options.output, groups, rates, options.mono, options.checked_only, options.absent)
    tracks = organised_tracks(options.organised)
    check_apart(options.output, options.organised)
    settings = {"instrument": groups, "rates": mixing.rates, "mono": mixing.mono}
    with output_folder(options.output):
        keep_settings(options.output, "mix", settings)
        outcomes = run(functools.partial(mix_track, mixing=mixing), tracks, options)
        write_list(options.output, mixing.rates)
    return summarise(outcomes)


if __name__ == "__main__":
    sys.exit(main())
