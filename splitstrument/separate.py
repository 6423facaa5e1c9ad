"""The command `separate`: separates songs into one folder of stems each.

A song that cannot be read or written is reported in one line; the others are still separated.
"""

import argparse
import functools
import os
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.files.audio import AudioError, find_songs
from splitstrument.files.writing import FORMATS
from splitstrument.parser import Parser
from splitstrument.song_files import Output, separate_into
from splitstrument.song_folders import folder_of, tidied
from splitstrument.songs import STANDARD_INPUT, Excerpt, Link, SongFile, StandardInput, is_link
from splitstrument.stages.console import command, error_line
from splitstrument.stages.run import Outcome, add_options, advance, run, summarise

if TYPE_CHECKING:
    from splitstrument.separator import Separator


@dataclass(frozen=True)
class Song:
    """A song to separate and the folder for its stems. `failure`: why it cannot be read, if that is known."""

    given: str
    folder: Path
    file: SongFile | None = None
    failure: str = ""

    @property
    def name(self) -> str:
        """The folder, where people find the stems, or the song, if there will be none."""
        return str(self.folder if self.file else self.given)


@dataclass(frozen=True)
class Task:
    """The settings for every song: those of the Separator, and how the stems are written."""

    models: tuple[str, ...]
    precision: str
    device: str | None
    thorough: bool
    above: str | None
    runtime: str
    output: Output
    overwrite: bool
    like: Path | None
    identities: tuple[str, ...]  # of models and example: a model that was trained again is loaded again

    def separator(self) -> "Separator":
        """The Separator, loaded once per process."""
        settings = (self.models, self.precision, self.device, self.thorough, self.above, self.like, self.runtime)
        return _separator(self.identities, *settings)


@functools.lru_cache(maxsize=1)
def _separator(identities: tuple[str, ...], *settings: Any) -> "Separator":
    from splitstrument.like import read_example
    from splitstrument.separator import Separator

    names, precision, device, thorough, above, like, runtime = settings
    return Separator(names, precision, device, thorough, above, like and read_example(like), runtime)


def separate_song(song: Song, task: Task) -> Outcome:
    """Separate one song. The Outcome's result is the seconds of sound. Raises AudioError."""
    if song.file is None:
        raise AudioError(song.failure)
    separated = separate_into(task.separator(), song.file, song.folder, task.output, task.overwrite, advance)
    name, warning = str(separated.folder), separated.warning
    if separated.seconds is None:
        return Outcome(name, "already there")
    return Outcome(name, notes=(warning,) if warning else (), result=separated.seconds)


def find(given: Sequence[str], output: Path, root: Path, excerpt: Excerpt, scratch: Path) -> list[Song]:
    """The `given` songs, each with its folder below `root`. What cannot be read becomes a song with a `failure`.

    Files in the folder `output`, inside a given folder, are skipped. A song from standard input is saved in `scratch`.
    """
    songs: dict[str, Song] = {}
    taken: dict[Path, SongFile] = {}
    for text in given:
        try:
            inputs = _inputs(text, output, scratch)
        except (AudioError, OSError) as error:
            songs[text] = Song(text, root, failure=error_line(error).removeprefix(f"{text}: "))
            continue
        for name, make in inputs.items():
            if (place := os.path.abspath(name)) in songs:
                continue
            try:
                file = make()
                folder = folder_of(file, excerpt, root, taken)
                taken.setdefault(folder, file)
                songs[place] = Song(name, folder, file)
            except (AudioError, OSError) as error:
                songs[place] = Song(name, root, failure=error_line(error).removeprefix(f"{name}: "))
    return list(songs.values())


def _inputs(given: str, output: Path, scratch: Path) -> dict[str, Callable[[], SongFile]]:
    """The songs at `given`, one or all in a folder, each with a function that makes its SongFile."""
    if given == STANDARD_INPUT:
        return {given: functools.partial(StandardInput, scratch)}
    if is_link(given):
        return {given: functools.partial(Link, given)}
    return {str(path): functools.partial(SongFile, path) for path in find_songs([given], output)}


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        "separate",
        "Separate songs into parts, such as an instrument and the rest, which add up to the song.",
    )
    add = parser.add_argument
    add(
        "songs",
        nargs="+",
        metavar="SONG",
        help="an audio or video file, a folder of them, a YouTube link, or - for standard input",
    )
    add(
        "--model",
        type=_models,
        metavar="MODEL[,MODEL...]",
        help="name (see: splitstrument models) or folder of a model; several models, separated by commas, such as "
        "guitar,runs/piano, are used in one pass (default: guitar, or with --like: like)",
    ).completer = _known_models  # type: ignore[attr-defined]  # argcomplete's
    add(
        "--like",
        type=Path,
        metavar="EXAMPLE",
        help="take out what sounds like this recording: a few seconds in which it plays alone, from any song",
    )
    add("-o", "--output", default="separated", type=Path, help="folder to write to (default: separated)")
    add("--format", default="wav", choices=FORMATS, help="file format (default: wav)")
    add("--depth", choices=("16", "24", "float"), help="bit depth of WAV and FLAC files (default: the song's)")
    add(
        "--only",
        default=(),
        type=_names,
        metavar="PART[,PART...]",
        help="write only these parts, such as vocals,drums; instrument means all parts but the rest",
    )
    add(
        "--name",
        default="{part}",
        metavar="NAME",
        help="pattern for the file names, without suffix, with {song}, {part} and {model}, such as '{song} - {part}' "
        "(default: {part})",
    )
    add(
        "--start",
        type=_seconds,
        default=0.0,
        metavar="TIME",
        help="start time in seconds, or as 1:30 or 1:02:03.5 (default: 0)",
    )
    add("--duration", type=_positive, metavar="TIME", help="length to separate (default: to the end)")
    add("--track", type=_track, metavar="N", help="audio track of a video, from 1 (default: the one that players use)")
    add("--overwrite", action="store_true", help="separate finished songs again")
    add("--thorough", action="store_true", help="average masks over more windows: a bit better, four times slower")
    add(
        "--above",
        choices=("mean", "zero"),
        help="masks above the highest frequency that a model knows: the mean of its masks, or zero (default: as the "
        "model says)",
    )
    add(
        "--runtime",
        choices=("auto", "onnx", "keras"),
        default="auto",
        help="library that runs the model: ONNX Runtime, or Keras, which starts slowly but supports GPUs and bfloat16 "
        "(default: auto, which uses ONNX Runtime if the model has a graph and no GPU or bfloat16 is requested)",
    )
    add("--device", choices=("cpu", "gpu"), help="device to compute on (default: any that is available)")
    add(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="number format for computing with Keras (default: auto)",
    )
    add_options(parser, jobs=0)
    options = parser.parse_args(arguments)
    options.model = options.model or (("like",) if options.like else ("guitar",))
    options.jobs = options.jobs or (1 if options.backend == "loky" else -1)
    return options


def _models(text: str) -> tuple[str, ...]:
    """The requested models. A folder may have a comma in its name."""
    return (text,) if os.path.isdir(text) else _names(text)


def _known_models(**_: Any) -> list[str]:
    """The names of models, for a shell's completion."""
    from splitstrument import models

    return list(models.known())


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _seconds(text: str) -> float:
    """A time such as 90, 1:30 or 1:02:03.5 in seconds."""
    if not re.fullmatch(r"(\d+(:[0-5]?\d){0,2})(\.\d*)?|\.\d+", text):
        raise argparse.ArgumentTypeError(f"{text}: must be a time such as 90, 1:30 or 1:02:03.5")
    value = 0.0
    for number in text.split(":"):
        value = 60 * value + float(number)
    return value


def _track(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,2}", text):
        raise argparse.ArgumentTypeError(f"{text}: must be a whole number from 1")
    return int(text)


def _positive(text: str) -> float:
    value = _seconds(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text}: must be more than 0 seconds")
    return value


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    options = _arguments(arguments)
    from splitstrument import models
    from splitstrument.like import read_example
    from splitstrument.parts import parts_of

    asked = (options.depth, options.only, options.start, options.duration, options.name, options.track)
    output = Output(options.format, *asked)
    parts = parts_of(options.model)
    written = output.parts(parts.sources, parts.remainder)  # fails for a wrong --only before anything is loaded
    root = options.output / parts.name
    if parts.example and not options.like:
        raise ValueError(f"{parts.name}: needs an example of the sound to take out; give one with --like")
    if options.like:
        if not parts.example:
            raise ValueError(f"--like: {parts.name} takes no example; choose a model that does with --model")
        read_example(options.like)  # fails before any song
        root /= options.like.stem
    print(f"separating into {' and '.join(written)} with the model {parts.name}, to {root}", flush=True)
    task = Task(
        options.model,
        options.precision,
        options.device,
        options.thorough,
        options.above,
        options.runtime,
        output,
        options.overwrite,
        options.like,
        (*map(models.identity, options.model), *([str(options.like.stat())] if options.like else [])),
    )
    with tempfile.TemporaryDirectory() as scratch, tidied(root):
        songs = find(options.songs, options.output, root, output.excerpt, Path(scratch))
        if options.jobs == 1 and any(song.file for song in songs):
            task.separator()  # an error in a model is reported once, not for every song
        began = time.perf_counter()
        work = functools.partial(separate_song, task=task)
        outcomes = run(work, songs, options, "second", lambda song: _length(song, output))
    took = time.perf_counter() - began
    done = [outcome for outcome in outcomes if outcome.state == "done"]
    seconds = sum(outcome.result for outcome in done)
    code = summarise(outcomes, "songs")
    if seconds:
        where = done[0].name if len(done) == 1 else root
        print(f"{where}: {seconds:.0f} s of sound in {took:.1f} s, {seconds / took:.1f} times as fast as it plays")
    return code


def _length(song: Song, output: Output) -> float:
    """The seconds of a song to separate; 0 if the length is not known."""
    try:
        length = (song.file and song.file.seconds) or 0.0
    except (AudioError, OSError):
        return 0.0
    return max(0.0, min(length - output.start, output.duration or length))
