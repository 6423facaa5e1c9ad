"""Cut long recordings of one instrument into pieces of equal length (thesis, section 4.1).

Pieces are `<name>/<name>_001.wav` ... at the recording's sample rate and depth; with --pairs, they are pairs with a
silent rest, `tracks_<rate>hz/<name>_001/`. A last piece shorter than 10 s, or than a tenth of the length, is joined to
the one before.
"""

import functools
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets_tools.pairs import finished, pair_writer, rate_folder, record_of
from splitstrument.files.atomic import atomic_folder
from splitstrument.files.audio import Reader, find_songs, open_audio
from splitstrument.files.names import file_name
from splitstrument.files.writing import AudioWriter, step
from splitstrument.parser import Parser
from splitstrument.stages.console import command
from splitstrument.stages.records import identity, read_record
from splitstrument.stages.run import Outcome, StageError, add_options, check_apart, output_folder, run, summarise

if TYPE_CHECKING:
    import numpy as np

RECORD = ".split.json"
SHORTEST = 10.0  # seconds
RATES = (44100, 22050)  # Hz
_BLOCK = 1 << 16  # frames


@dataclass(frozen=True)
class Splitting:
    """The output folder, the length of a piece in seconds, and the sample rates of pairs in Hz (none: no pairs)."""

    output: Path
    length: float = 180.0
    rates: tuple[int, ...] = ()


@dataclass(frozen=True)
class Recording:
    """An audio file and the name for its pieces."""

    name: str
    path: Path


def recordings(folder: Path) -> list[Recording]:
    """The Recordings below `folder`. If file names repeat, folders and suffixes are added to the names."""
    paths = find_songs([folder])
    stems = [file_name(path.stem) for path in paths]
    of_name: dict[str, Recording] = {}
    for path, name in zip(paths, stems, strict=True):
        if stems.count(name) > 1:
            inside = path.parent.relative_to(folder).as_posix()
            origin = [inside] * (inside != ".") + [path.suffix.lstrip(".")]
            name = file_name(f"{path.stem} ({', '.join(origin)})")
        if name in of_name:
            raise StageError(f"{path} and {of_name[name].path} would both be called {name}; rename one of them")
        of_name[name] = Recording(name, path)
    return list(of_name.values())


def piece_ends(seconds: float, length: float) -> list[float]:
    """The ends (in seconds) of all pieces of `length` seconds except the last, in a recording of `seconds`."""
    pieces, over = divmod(seconds, length)
    joined = over < min(SHORTEST, length / 10)
    return [length * number for number in range(1, max(1, int(pieces) + (not joined)))]


def divided(blocks: Iterable["np.ndarray"], ends: Sequence[int]) -> Iterator[tuple[int, "np.ndarray"]]:
    """Divide a stream of blocks at `ends` (in frames): yield (number of the piece, counted from 1; block)."""
    at, number = 0, 0
    for block in blocks:
        while number < len(ends) and at + len(block) > ends[number]:
            if ends[number] > at:
                yield number + 1, block[: ends[number] - at]
            block = block[ends[number] - at :]
            at = ends[number]
            number += 1
        if len(block):
            yield number + 1, block
            at += len(block)


def split_recording(recording: Recording, splitting: Splitting) -> Outcome:
    """Write all pieces of one recording."""
    made_from = {"recording": identity(recording.path.absolute()), "length": splitting.length}
    if splitting.rates:
        return _split_to_pairs(recording, splitting, made_from)
    folder = splitting.output / recording.name
    if os.path.lexists(folder):
        if read_record(folder / RECORD) != made_from:
            raise ValueError(f"{folder}: already exists, made from other sources; remove it, or use another --output")
        return Outcome(recording.name, "already there")
    frames, _, warning = _scan(recording.path, ())
    with open_audio(recording.path) as reader, atomic_folder(folder) as part:
        info = reader.info
        ends = _frames(piece_ends(frames / info.sample_rate, splitting.length), info.sample_rate)
        most = max(end - start for start, end in zip([0, *ends], [*ends, frames], strict=True))
        for number, blocks in _pieces(reader.blocks(_BLOCK), ends):
            path = part / f"{recording.name}_{number:03d}.wav"
            with AudioWriter(path, info.sample_rate, info.channels, info.depth, most, info.mask) as writer:
                for block in blocks:
                    writer.write(block)
        (part / RECORD).write_text(json.dumps(made_from) + "\n", encoding="utf-8")
    return Outcome(recording.name, notes=(warning,) if warning else (), result=len(ends) + 1)


def _frames(ends: Iterable[float], rate: int) -> list[int]:
    return [round(end * rate) for end in ends]


def _pieces(blocks: Iterable["np.ndarray"], ends: Sequence[int]) -> Iterator[tuple[int, Iterator["np.ndarray"]]]:
    """Yield (number, blocks) for every piece."""
    for number, group in groupby(divided(blocks, ends), key=itemgetter(0)):
        yield number, map(itemgetter(1), group)


def _split_to_pairs(recording: Recording, splitting: Splitting, made_from: dict[str, Any]) -> Outcome:
    import math

    import numpy as np

    if all(_all_there(recording, made_from, splitting.output, rate) for rate in splitting.rates):
        return Outcome(recording.name, "already there")
    # One gain for all pieces and rates. The resampler may overshoot, so the peak is only known after resampling.
    frames, peak, warning = _scan(recording.path, splitting.rates)
    gain = (1 - step("16")) / peak if peak > 1 else 1.0
    for rate in splitting.rates:
        with open_audio(recording.path) as reader:
            ends = piece_ends(frames / reader.info.sample_rate, splitting.length)
            record: dict[str, Any] = {"pieces": len(ends) + 1, "gain_db": round(20 * math.log10(gain), 2)}
            for number, blocks in _pieces(_resampled(reader, rate), _frames(ends, rate)):
                folder = _pair_folder(recording, splitting.output, rate, number)
                record["made_from"] = made_from | {"piece": number}
                if not finished(folder, record["made_from"]):
                    with pair_writer(folder, rate, 2, record) as write:
                        for block in blocks:
                            write(block * gain, np.zeros_like(block))
    return Outcome(recording.name, notes=(warning,) if warning else (), result=len(ends) + 1)


def _pair_folder(recording: Recording, output: Path, rate: int, number: int) -> Path:
    return rate_folder(output, rate) / f"{recording.name}_{number:03d}"


def _all_there(recording: Recording, made_from: dict[str, Any], output: Path, rate: int) -> bool:
    """Whether all pieces of a recording exist as pairs; the record of the first one has their number."""
    count = (record_of(_pair_folder(recording, output, rate, 1)) or {}).get("pieces", 1)
    return all(
        finished(_pair_folder(recording, output, rate, number), made_from | {"piece": number})
        for number in range(1, count + 1)
    )


def _scan(path: Path, rates: Iterable[int]) -> tuple[int, float, str | None]:
    """(frames, peak in stereo over all `rates`, a warning or None) of a recording."""
    from datasets_tools.stem_sums import Resampler, as_channels

    frames, peak = 0, 0.0
    with open_audio(path) as reader:
        resamplers = [Resampler(reader.info.sample_rate, rate, 2) for rate in rates]
        for block in reader.blocks(_BLOCK):
            frames += len(block)
            stereo = as_channels(block, 2)
            peak = max([peak, *(_peak(resample(stereo)) for resample in resamplers)])
        ends = [_peak(resample.finish()) for resample in resamplers]
        return frames, max([peak, *ends]), reader.warning


def _peak(block: "np.ndarray") -> float:
    return float(abs(block).max(initial=0.0))


def _resampled(reader: Reader, rate: int) -> Iterator["np.ndarray"]:
    """Yield the recording in stereo at `rate`, float32 blocks (frames, 2)."""
    from datasets_tools.stem_sums import Resampler, as_channels

    resample = Resampler(reader.info.sample_rate, rate, 2)
    for block in reader.blocks(_BLOCK):
        yield resample(as_channels(block, 2))
    yield resample.finish()


@command
def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser("split", __doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="a folder with audio files of any format; subfolders are included")
    length = "seconds of a piece (default: 180)"
    parser.add_argument("--length", type=float, default=180.0, metavar="SECONDS", help=length)
    parser.add_argument("--output", type=Path, required=True, help="folder for the pieces")
    parser.add_argument("--pairs", action="store_true", help="make each piece a stereo pair with a silent rest")
    pair_rates = "sample rates of pairs in Hz (default: 44100 22050)"
    parser.add_argument("--rates", nargs="+", type=int, metavar="HZ", help=pair_rates)
    add_options(parser)
    options = parser.parse_args(arguments)
    if not 1 <= options.length < float("inf"):
        raise StageError("--length must be at least 1 second")
    if options.rates and not options.pairs:
        raise StageError("--rates needs --pairs; without it, pieces keep the sample rate of the recording")
    rates = tuple(dict.fromkeys(options.rates or RATES)) if options.pairs else ()
    if not all(8000 <= rate <= 192000 for rate in rates):
        raise StageError("--rates must be 8000 to 192000 Hz")
    if not options.folder.is_dir():
        raise StageError(f"{options.folder}: no such folder")
    check_apart(options.output, options.folder)
    to_split = recordings(options.folder)
    with output_folder(options.output):
        splitting = Splitting(options.output, options.length, rates)
        outcomes = run(functools.partial(split_recording, splitting=splitting), to_split, options, unit="recording")
    print(f"{options.output}: {sum(outcome.result or 0 for outcome in outcomes)} new pieces")
    return summarise(outcomes, "recordings")


if __name__ == "__main__":
    sys.exit(main())
