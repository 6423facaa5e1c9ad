"""What the commands `beats` and `sections` share: songs as `separate` takes them, one folder of files per song.

A folder is found again by its record (splitstrument.song_folders). Both commands may write into the same folders.
"""

import argparse
import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.files.audio import AudioError
from splitstrument.parser import Parser
from splitstrument.separate import Song, find
from splitstrument.song_folders import Record, own_folder, read, tidied
from splitstrument.songs import Excerpt, SongFile
from splitstrument.stages.run import Outcome, add_options, advance, run, summarise

if TYPE_CHECKING:
    from structure.features import Features

WHOLE = Excerpt()


@dataclass(frozen=True)
class Task:
    """What is written for every song.

    `kind`: the command. `files`: their names, all of which `write` makes in a folder from the song's Features, its
    name, and `settings`. `made`: the settings as values for JSON; if they are equal, so are the files.
    """

    kind: str
    files: tuple[str, ...]
    write: Callable[["Features", str, Path, Any], str]
    settings: Any
    made: dict[str, Any]
    overwrite: bool


def parser(name: str, documentation: str) -> Parser:
    """A Parser with the arguments that both commands have; a module's documentation tells what the command finds."""
    description = documentation.split(": ", 1)[1]
    made = Parser(name, description[0].upper() + description[1:])
    made.add_argument(
        "songs",
        nargs="+",
        metavar="SONG",
        help="an audio or video file, a folder of them, a YouTube link, or - for standard input",
    )
    made.add_argument("-o", "--output", required=True, type=Path, metavar="DIR", help="folder to write to")
    made.add_argument("--overwrite", action="store_true", help="write the files of finished songs again")
    add_options(made, jobs=1)
    return made


def run_stage(options: argparse.Namespace, task: Task) -> int:
    """Write the files of all songs in `options`, those of `parser`. Returns the exit code: 1 if any song failed."""
    import librosa  # noqa: F401  fail before the work begins if a package is missing
    import matplotlib  # noqa: F401

    root = options.output
    with tempfile.TemporaryDirectory() as scratch, tidied(root):
        songs = find(options.songs, root, root, WHOLE, Path(scratch))
        outcomes = run(functools.partial(work, task=task), songs, options, "second", _length)
    return summarise(outcomes, "songs")


def _length(song: Song) -> float:
    try:
        return (song.file and song.file.seconds) or 0.0
    except (AudioError, OSError):
        return 0.0


def work(song: Song, task: Task) -> Outcome:
    """Write one song's files into its folder, unless they are there. Raises AudioError."""
    if song.file is None:
        raise AudioError(song.failure)
    with own_folder(song.file, WHOLE, song.folder) as folder:
        return _write(song.file, folder, task)


def _finished(record: Record, folder: Path, task: Task) -> dict[str, Any] | None:
    """What the record says of the task's files, or None if not all of them are there."""
    there = all((folder / file).exists() for file in task.files)
    return record.formats.get(task.kind) if there else None


def _write(song: SongFile, folder: Path, task: Task) -> Outcome:
    """`work` in a folder that is locked for this process."""
    from structure.analysis import read_song

    record = read(folder)
    if record is None:
        record = Record(song.record(), WHOLE)
        record.write(folder)  # from now on the folder is taken
    elif not task.overwrite and (before := _finished(record, folder, task)):
        if not song.is_recorded(record.song):
            raise AudioError(f"{folder}: holds files of an earlier version of the song; use --overwrite")
        if before["made"] != task.made:
            raise AudioError(f"{folder}: holds {task.kind} made with other settings; use --overwrite or --output")
        return Outcome(str(folder), "already there")
    with song.opened() as path:
        features = read_song(path, song.label, advance)
    try:
        note = task.write(features, song.name, folder, task.settings)
    except ValueError as error:
        raise AudioError(str(error)) from None
    formats = record.formats if song.is_recorded(record.song) else {}
    formats = formats | {task.kind: {"made": task.made, "files": dict.fromkeys(task.files, task.kind)}}
    Record(song.record(), WHOLE, formats).write(folder)
    return Outcome(str(folder), notes=(note,) if note else ())
