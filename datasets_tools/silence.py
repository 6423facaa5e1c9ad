"""Measure and cut the silence of the instrument in pairs (thesis, section 4.3.3 and appendix A).

A window of one second is silent if its RMS is at most -50 dBFS. Two or more silent windows in a row can be cut from
both files.
"""

import functools
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets_tools.pairs import finished, pair_writer, rate_folder, record_of
from splitstrument.files.yaml_files import write_yaml
from splitstrument.parser import Parser
from splitstrument.stages.console import command
from splitstrument.stages.records import identity, keep_settings
from splitstrument.stages.run import Outcome, StageError, add_options, check_apart, output_folder, run, summarise
from splitstrument.tracks import PAIR, Track, check_names, find_pairs

CUTS = "cuts.yaml"


@dataclass(frozen=True)
class Cutting:
    """The output folder, the silence (in percent) to aim at, and the silence above which a track is left out."""

    output: Path
    target: float = 30.0
    discard: float = 50.0


@dataclass(frozen=True)
class Level:
    """The length of a track in seconds and its share of silence in percent."""

    seconds: float
    silence: float


@dataclass(frozen=True)
class Result:
    """A track before and after cutting; `after` is None if it was not cut or is left out."""

    rate: int
    before: Level
    after: Level | None = None


def measure_pair(pair: Track) -> Outcome:
    """Measure the silence of a pair's instrument. The Outcome has a Result."""
    from datasets_tools.cutting import measure

    windows = measure(pair.path("instrument"))
    notes = (windows.warning,) if windows.warning else ()
    return Outcome(pair.name, notes=notes, result=Result(windows.rate, _level(windows.seconds, windows.silence)))


def cut_pair(pair: Track, cutting: Cutting) -> Outcome:
    """Cut a pair and write it to `cutting.output`/tracks_<rate>hz/<track>. The Outcome has a Result."""
    from datasets_tools.cutting import choose_cuts, in_seconds, measure, open_pair, silence_without, write_cut

    with open_pair(pair) as readers:
        info = readers[0].info
        folder = rate_folder(cutting.output, info.sample_rate) / pair.name
        made_from: dict[str, Any] = {part: identity(pair.path(part).absolute()) for part in PAIR}
        made_from |= {"target": cutting.target, "discard": cutting.discard}
        if finished(folder, made_from):
            made = record_of(folder) or {}
            levels = (Level(made[f"seconds_{when}"], made[f"silence_{when}"]) for when in ("before", "after"))
            return Outcome(pair.name, "already there", result=Result(info.sample_rate, *levels))
        windows = measure(pair.path("instrument"))
        cuts = choose_cuts(windows, cutting.target)
        left, before = silence_without(windows, cuts), _level(windows.seconds, windows.silence)
        if left > cutting.discard or left == 100:
            reason = f"{left:.1f} % silent" + (", even after cutting" if cuts else "")
            return Outcome(pair.name, "skipped", reason, result=Result(info.sample_rate, before))
        record: dict[str, Any] = {"seconds_before": before.seconds, "silence_before": before.silence}
        with pair_writer(folder, info.sample_rate, info.channels, record, windows.frames) as write:
            *level, peak = write_cut(readers, cuts, write)
            after = _level(*level)
            record |= {"seconds_after": after.seconds, "silence_after": after.silence}
            record |= {"cuts": in_seconds(windows, cuts), "made_from": made_from}
    notes = (f"its peak is {peak:.2f} times full scale and clips in 16 bit",) if peak > 1 else ()
    return Outcome(pair.name, notes=notes, result=Result(info.sample_rate, before, after))


def _level(seconds: float, silence: float) -> Level:
    """A Level rounded as in the record, so that reading the record gives the same values."""
    return Level(round(seconds, 3), round(silence, 3))


def histogram(shares: Iterable[float]) -> list[int]:
    """The number of `shares`, in percent, in each of [0, 10), [10, 20) ... [90, 100]."""
    counts = [0] * 10
    for share in shares:
        counts[min(int(share // 10), 9)] += 1
    return counts


def histogram_text(counts: Iterable[int]) -> str:
    """The histogram in the words of the thesis's appendix A."""
    bounds = [f"less than {10 * number}%" for number in range(1, 10)] + ["more than 90%"]
    return "\n".join(f"Songs with {bound} silence: {count}" for bound, count in zip(bounds, counts, strict=True))


def write_cuts(folder: Path, left_out: Iterable[tuple[str, str, Level]]) -> None:
    """Write the records of all tracks in `folder` to its cuts.yaml; `left_out`: [(name, reason, Level)]."""
    tracks = []
    for path in sorted(folder.glob("[!.]*/")):
        record = record_of(path) or {}
        if "cuts" in record:
            tracks.append({"name": path.name} | {key: record[key] for key in record if key != "made_from"})
    lacking = [
        {"name": name, "reason": reason, "seconds_before": level.seconds, "silence_before": level.silence}
        for name, reason, level in sorted(left_out, key=lambda track: track[0])
    ]
    write_yaml(folder / CUTS, {"tracks": tracks, "left_out": lacking}, default_flow_style=None)


def write_statistics(folder: Path, outcomes: Iterable[Outcome], cut: bool) -> None:
    """Write silence.csv, histogram.csv and the chart `histogram` (and `histogram_after` if cut) to `folder`."""
    from datasets_tools.plots import bars
    from splitstrument.files.tables import write_csv

    whens = ("before", "after") if cut else ("before",)
    rows = [("track", *(f"{what}_{when}" for when in whens for what in ("seconds", "silence_percent")))]
    for outcome in sorted(outcomes, key=lambda outcome: outcome.name):
        levels = [getattr(outcome.result, when) for when in whens]
        rows.append((outcome.name, *(cell for level in levels for cell in _cells(level))))
    counts = {when: histogram(_shares(outcomes, when)) for when in whens}
    bins = [f"{10 * number}-{10 * number + 10}" for number in range(10)]
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "silence.csv", rows)
    write_csv(folder / "histogram.csv", [("silence_percent", *whens), *zip(bins, *counts.values(), strict=True)])
    for when, name in zip(whens, ("histogram", "histogram_after"), strict=False):
        title = f"Silence in tracks {when} cutting" if cut else "Silence in tracks"
        bars(folder / name, bins, counts[when], title, "silence (%)", "tracks")


def _cells(level: Level | None) -> tuple:
    return ("", "") if level is None else (level.seconds, level.silence)


def _shares(outcomes: Iterable[Outcome], when: str) -> list[float]:
    """The silence of all tracks before or after cutting, in percent. Tracks left out have no value after cutting."""
    levels = (getattr(outcome.result, when) for outcome in outcomes)
    return [level.silence for level in levels if level is not None]


@command
def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser("silence", __doc__.split("\n")[0])
    parser.add_argument("pairs", type=Path, help="a folder of pairs at one sample rate, such as PAIRS/tracks_22050hz")
    parser.add_argument("--statistics", type=Path, metavar="DIR", help="write tables and histograms to this folder")
    parser.add_argument("--cut", action="store_true", help="cut silence and write new pairs below --output")
    target = "cut until at most this share is silence (default: 30)"
    parser.add_argument("--target", type=float, default=30.0, metavar="PERCENT", help=target)
    discard = "leave out tracks that still have more silence than this after cutting (default: 50; 100 keeps all)"
    parser.add_argument("--discard", type=float, default=50.0, metavar="PERCENT", help=discard)
    parser.add_argument("--output", type=Path, help="folder for the new pairs, tracks_<rate>hz/<track>")
    add_options(parser)
    options = parser.parse_args(arguments)
    if options.cut != (options.output is not None):
        raise StageError("--cut and --output must be used together")
    if not (0 <= options.target < 100 and 0 <= options.discard <= 100):
        raise StageError("--target must be at least 0 and below 100 percent, --discard 0 to 100")
    pairs = find_pairs(options.pairs)
    check_names(pairs)
    if not options.cut:
        outcomes = run(measure_pair, pairs, options)
    else:
        check_apart(options.output, options.pairs)
        cutting = Cutting(options.output, options.target, options.discard)
        with output_folder(options.output):
            keep_settings(options.output, "silence", {"target": cutting.target, "discard": cutting.discard})
            outcomes = run(functools.partial(cut_pair, cutting=cutting), pairs, options)
            for rate in sorted({outcome.result.rate for outcome in outcomes if outcome.result}):
                skipped = [
                    outcome for outcome in outcomes if outcome.state == "skipped" and outcome.result.rate == rate
                ]
                left_out = [(outcome.name, outcome.reason, outcome.result.before) for outcome in skipped]
                rate_folder(options.output, rate).mkdir(exist_ok=True)
                write_cuts(rate_folder(options.output, rate), left_out)
    measured = [outcome for outcome in outcomes if outcome.result]
    for when in ("before", "after") if options.cut else ("before",):
        if options.cut:
            print(f"{when} cutting:")
        print(histogram_text(histogram(_shares(measured, when))))
    if options.statistics:
        write_statistics(options.statistics, measured, options.cut)
    return summarise(outcomes)


if __name__ == "__main__":
    sys.exit(main())
