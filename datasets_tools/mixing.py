"""Sum the stems of a track's parts, resample the sums, and write them with one gain that prevents clipping."""

import contextlib
import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets_tools.pairs import parts_writer
from datasets_tools.tracks import Stem
from splitstrument.files.atomic import scratch_folder
from splitstrument.files.writing import step

if TYPE_CHECKING:
    import numpy as np

    from datasets_tools.stem_sums import Sums

LENGTHS = 2.0  # seconds; a note is printed if the stems of a track differ by more in length


def write_mix(
    parts: Mapping[str, Sequence[Stem]],
    rates: Sequence[int],
    channels: int,
    folders: Mapping[int, Path],
    scratch_in: Path,
    record: dict[str, Any],
) -> list[str]:
    """Write each of `parts`, {name: its stems}, as the sum of its stems. Returns notes for the user.

    `folders`: {sample rate in Hz: the track's folder}, those of `rates` that are to be written; the gain prevents
    clipping at all of them. It is only known at the end, so float32 sums are kept in a hidden folder in `scratch_in`
    until then. `record` is filled in: the peak and loudness of each part, and the gain.
    """
    from datasets_tools.stem_sums import Sums

    files = [[(stem.path, stem.stream) for stem in stems] for stems in parts.values()]
    names = tuple(parts)
    with scratch_folder(scratch_in) as scratch:
        with Sums(files, channels) as sums:
            levels = _sum_to(scratch, sums, names, rates)
            seconds, notes = sums.seconds, list(sums.warnings)
        spread = max(seconds.values()) - min(seconds.values())
        if spread > LENGTHS:
            shortest = min(seconds, key=lambda path: seconds[path])
            notes.append(f"the stems differ in length by {spread:.1f} s; the shortest is {shortest}")
        gain = min(1.0, (1 - step("16")) / max(*levels.peaks, 1e-9))
        record["seconds"] = round(max(seconds.values()), 3)
        record["gain_db"] = round(_decibels(gain), 4)
        for part, peak, loudness in zip((*names, "mixture"), levels.peaks, (*levels.loudness, None), strict=True):
            facts: dict[str, Any] = record.setdefault(part, {})
            facts["peak_dbfs"] = round(_decibels(peak * gain), 2) if peak else None
            if part in names:
                facts["lufs"] = None if loudness is None else round(loudness + _decibels(gain), 2)
                if peak * gain < step("16"):
                    verb = "are" if part in ("vocals", "drums") else "is"
                    notes.append(f"the {part} {verb} silent")
        if notes:
            record["notes"] = notes
        for rate, folder in folders.items():
            with parts_writer(folder, names, rate, channels, record, levels.frames[rate]) as write:
                for blocks in _raw_blocks(scratch, names, rate, channels):
                    write(*(block * gain for block in blocks))
    return notes


def _decibels(ratio: float) -> float:
    return 20 * math.log10(ratio)


@dataclass
class _Levels:
    """The peaks of the parts and of the mixture over all rates; the parts' loudness in LUFS; {rate: frames}."""

    peaks: list
    loudness: list
    frames: dict


def _sum_to(scratch: Path, sums: "Sums", names: Sequence[str], rates: Sequence[int]) -> _Levels:
    """Write the sums at every rate to `scratch` as raw float32. Returns their levels before any gain."""
    import numpy as np

    from datasets_tools.loudness import Loudness
    from datasets_tools.stem_sums import Resampler

    peaks, frames = np.zeros(len(names) + 1), dict.fromkeys(rates, 0)
    meters = [Loudness(sums.rate, sums.channels) for _ in names]
    resamplers = {rate: [Resampler(sums.rate, rate, sums.channels) for _ in names] for rate in rates}
    with contextlib.ExitStack() as stack:
        files = {
            (rate, part): stack.enter_context(open(scratch / f"{part}_{rate}", "wb"))
            for rate in rates
            for part in names
        }

        def keep(rate, blocks):
            frames[rate] += len(blocks[0])
            for part, block in zip(names, blocks, strict=True):
                files[rate, part].write(np.ascontiguousarray(block, np.float32).data)
            for index, block in enumerate((*blocks, functools.reduce(np.add, blocks))):
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


def _raw_blocks(scratch: Path, names: Sequence[str], rate: int, channels: int) -> Iterator[list["np.ndarray"]]:
    """Yield the blocks of all parts that `_sum_to` wrote."""
    import numpy as np

    with contextlib.ExitStack() as stack:
        # Read, not mapped: mapped files count as the process's memory, a gigabyte for a song of ten minutes.
        files = [stack.enter_context(open(scratch / f"{part}_{rate}", "rb")) for part in names]
        while len((blocks := [np.fromfile(file, np.float32, channels << 18) for file in files])[0]):
            yield [block.reshape(-1, channels) for block in blocks]
