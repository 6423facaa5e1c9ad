"""Write the parts of a track, such as a pair of instrument and rest: `<track>/<part>_<track>.wav`, all or nothing.

Beside the files there is a record, `.pair.json`. It says what they were made from, so that a later run recognises a
finished track, and holds further facts about them.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from splitstrument.files.atomic import atomic_folder
from splitstrument.files.writing import AudioWriter
from splitstrument.stages.records import read_record
from splitstrument.tracks import PAIR, track_in

RECORD = ".pair.json"


def rate_folder(output: str | Path, rate: int) -> Path:
    """The folder below `output` for all tracks of one sample rate (Hz)."""
    return Path(output) / f"tracks_{rate}hz"


@contextlib.contextmanager
def parts_writer(
    folder: str | Path,
    parts: Sequence[str],
    sample_rate: int,
    channels: int,
    record: dict[str, Any],
    frames: int | None = None,
) -> Iterator[Callable[..., None]]:
    """Write one track to `folder` as 16-bit WAV files named after the folder. Yields write(*blocks), one for each part.

    Blocks are float (frames, channels), full scale 1. `record` is a JSON-compatible dict with `made_from`; it may be
    filled in until the end. Raises AudioError or OSError if writing fails, and leaves no files.
    """
    folder = Path(folder)
    with atomic_folder(folder) as hidden, contextlib.ExitStack() as stack:
        writers = []
        for name in parts:
            path = hidden / track_in(folder, parts).path(name).name
            writers.append(stack.enter_context(AudioWriter(path, sample_rate, channels, "16", frames)))

        def write(*blocks):
            for writer, block in zip(writers, blocks, strict=True):
                writer.write(block)

        yield write
        stack.close()
        (hidden / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def pair_writer(
    folder: str | Path, sample_rate: int, channels: int, record: dict[str, Any], frames: int | None = None
) -> contextlib.AbstractContextManager[Callable[..., None]]:
    """A `parts_writer` of instrument and rest."""
    return parts_writer(folder, PAIR, sample_rate, channels, record, frames)


def record_of(folder: str | Path) -> dict[str, Any] | None:
    """The record of the track in `folder`, or None if there is none."""
    return read_record(Path(folder) / RECORD)


def finished(folder: str | Path, made_from: dict[str, Any], parts: Sequence[str] = PAIR) -> bool:
    """Whether `folder` already has the track made from `made_from`. A track that lacks a file is removed.

    Raises ValueError if the folder has a different track, OSError if it contains other files.
    """
    if not os.path.lexists(folder):
        return False
    if (record_of(folder) or {}).get("made_from") != made_from:
        raise ValueError(f"{folder}: already exists, made from other sources; remove it, or use another --output")
    files = [path for _, path, _ in track_in(Path(folder), parts).files]
    if all(file.is_file() for file in files):
        return True
    for file in (*files, Path(folder) / RECORD):
        file.unlink(missing_ok=True)
    os.rmdir(folder)
    return False
