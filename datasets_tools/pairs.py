"""Write pairs of instrument and rest: `<track>/{instrument,rest}_<track>.wav`, whole or not at all.

Beside the two files lies a record, `.pair.json`: what they were made from, by which a finished pair is known when the
command is given again, and what is worth telling of them.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from splitstrument.files.atomic import atomic_folder
from splitstrument.files.writing import AudioWriter
from splitstrument.stages.records import read_record
from splitstrument.tracks import PAIR, track_in

RECORD = ".pair.json"


def rate_folder(output: str | Path, rate: int) -> Path:
    """The folder of all pairs of one sample rate (Hz) below `output`."""
    return Path(output) / f"tracks_{rate}hz"


@contextlib.contextmanager
def pair_writer(
    folder: str | Path, sample_rate: int, channels: int, record: dict[str, Any], frames: int | None = None
) -> Iterator[Callable[..., None]]:
    """Write one pair into `folder`, 16-bit WAV named by the folder: yields write(instrument, rest).

    The two take blocks of float (frames, channels), full scale 1. `record` is a dict that JSON can hold, with
    `made_from`; it may be filled until the end. Raises AudioError or OSError where writing fails; nothing is left then.
    """
    folder = Path(folder)
    with atomic_folder(folder) as part, contextlib.ExitStack() as stack:
        writers = []
        for name in PAIR:
            path = part / track_in(folder).path(name).name
            writers.append(stack.enter_context(AudioWriter(path, sample_rate, channels, "16", frames)))

        def write(*blocks):
            for writer, block in zip(writers, blocks, strict=True):
                writer.write(block)

        yield write
        stack.close()
        (part / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def record_of(folder: str | Path) -> dict[str, Any] | None:
    """The record of the pair in `folder`, or None where there is none."""
    return read_record(Path(folder) / RECORD)


def finished(folder: str | Path, made_from: dict[str, Any]) -> bool:
    """Whether `folder` is the pair made from just this; what is left of one that lost a file is removed.

    Raises ValueError where it is another pair, OSError where other files lie there.
    """
    if not os.path.lexists(folder):
        return False
    if (record_of(folder) or {}).get("made_from") != made_from:
        raise ValueError(f"{folder}: is there already, made otherwise; remove it, or use another --output")
    files = [track_in(Path(folder)).path(part) for part in PAIR]
    if all(file.is_file() for file in files):
        return True
    for file in (*files, Path(folder) / RECORD):
        file.unlink(missing_ok=True)
    os.rmdir(folder)
    return False
