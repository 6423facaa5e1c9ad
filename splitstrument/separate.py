"""The command `separate`: songs in, a folder of stems for each out.

A song that cannot be read or written is named in one line, and the others go on.
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
    """A song to be separated, and the folder of its stems. `failure`: why it cannot be read, where that is known."""

    given: str
    folder: Path
    file: SongFile | None = None
    failure: str = ""

    @property
    def name(self) -> str:
        """The folder, by which people find the stems, or the song, where there are none."""
        return str(self.folder if self.file else self.given)


@dataclass(frozen=True)
class Task:
    """What is done with every song: the Separator's settings, and how its stems are written."""

    models: tuple[str, ...]
    precision: str
    device: str | None
    thorough: bool
    above: str | None
    runtime: str
    output: Output
    overwrite: bool
    identities: tuple[str, ...]  # of the models: one that was trained again is loaded again

    def separator(self) -> "Separator":
        """The Separator, loaded once in a process."""
        settings = (self.models, self.precision, self.device, self.thorough, self.above, None, self.runtime)
        return _separator(self.identities, *settings)


@functools.lru_cache(maxsize=1)
def _separator(identities: tuple[str, ...], *settings: Any) -> "Separator":
    from splitstrument.separator import Separator

    return Separator(*settings)


def separate_song(song: Song, task: Task) -> Outcome:
    """The Outcome of separating one song; its result is the seconds of sound. Raises AudioError."""
    if song.file is None:
        raise AudioError(song.failure)
    separated = separate_into(task.separator(), song.file, song.folder, task.output, task.overwrite, advance)
    name, warning = str(separated.folder), separated.warning
    if separated.seconds is None:
        return Outcome(name, "already there")
    return Outcome(name, notes=(warning,) if warning else (), result=separated.seconds)


def find(given: Sequence[str], output: Path, root: Path, excerpt: Excerpt, scratch: Path) -> list[Song]:
    """The songs that are `given`, each with its folder below `root`; what cannot be read is a song that fails.

    What is in the folder `output` below one of `given` is no song. A song from standard input is kept in `scratch`.
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
    """The songs that `given` names, one or those of a folder, each with what makes a SongFile of it."""
    if given == STANDARD_INPUT:
        return {given: functools.partial(StandardInput, scratch)}
    if is_link(given):
        return {given: functools.partial(Link, given)}
    return {str(path): functools.partial(SongFile, path) for path in find_songs([given], output)}


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = Parser(
        "separate",
        "Take songs apart into parts, such as an instrument and the rest, which add up to the song.",
    )
    add = parser.add_argument
    add(
        "songs",
        nargs="+",
        metavar="SONG",
        help="an audio or video file, a folder of them, a link to YouTube, or - for standard input",
    )
    add(
        "--model",
        default="guitar",
        type=_models,
        metavar="MODEL[,MODEL...]",
        help="a model's name (see: splitstrument models) or folder; several with commas between them, such as "
        "guitar,runs/piano, take out their parts in one pass (default: guitar)",
    ).completer = _known_models  # type: ignore[attr-defined]  # argcomplete's
    add("-o", "--output", default="separated", type=Path, help="folder to write to (default: separated)")
    add("--format", default="wav", choices=FORMATS, help="of the files (default: wav)")
    add("--depth", choices=("16", "24", "float"), help="of WAV and FLAC files (default: the song's)")
    add(
        "--only",
        default=(),
        type=_names,
        metavar="PART[,PART...]",
        help="write only these parts, such as vocals,drums; instrument: all but the rest; rest: what is left",
    )
    add(
        "--name",
        default="{part}",
        metavar="NAME",
        help="of the files, without suffix: text with {song}, {part} and {model}, such as '{song} - {part}' "
        "(default: {part})",
    )
    add("--start", type=_seconds, default=0.0, metavar="TIME", help="begin here: seconds, or 1:30, or 1:02:03.5")
    add("--duration", type=_positive, metavar="TIME", help="separate only so much")
    add("--track", type=_track, metavar="N", help="of a video's audio tracks, from 1 (default: the one it plays)")
    add("--overwrite", action="store_true", help="separate again what is finished already")
    add("--thorough", action="store_true", help="average masks over more windows: somewhat better, four times as long")
    add(
        "--above",
        choices=("mean", "zero"),
        help="what parts have above the highest frequency that a model knows: its mean share, or nothing "
        "(default: what the model says)",
    )
    add(
        "--runtime",
        choices=("auto", "onnx", "keras"),
        default="auto",
        help="what computes: ONNX Runtime, or Keras, which starts slowly but knows GPUs and bfloat16 (default: auto, "
        "ONNX Runtime where the model has a graph and neither is asked for)",
    )
    add("--device", choices=("cpu", "gpu"), help="where to compute (default: what there is)")
    add(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="to compute in, with Keras (default: auto)",
    )
    add_options(parser, jobs=0)
    options = parser.parse_args(arguments)
    options.jobs = options.jobs or (1 if options.backend == "loky" else -1)
    return options


def _models(text: str) -> tuple[str, ...]:
    """The models that are asked for; a folder may have a comma in its name."""
    return (text,) if os.path.isdir(text) else _names(text)


def _known_models(**_: Any) -> list[str]:
    """The names of models, for a shell's completion."""
    from splitstrument import models

    return list(models.known())


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _seconds(text: str) -> float:
    """The seconds that a time such as 90, 1:30 or 1:02:03.5 means."""
    if not re.fullmatch(r"(\d+(:[0-5]?\d){0,2})(\.\d*)?|\.\d+", text):
        raise argparse.ArgumentTypeError(f"{text}: must be a time such as 90, 1:30 or 1:02:03.5")
    value = 0.0
    for number in text.split(":"):
        value = 60 * value + float(number)
    return value


def _track(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,2}", text):
        raise argparse.ArgumentTypeError(f"{text}: must be a number, counted from 1")
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
    from splitstrument.parts import parts_of

    asked = (options.depth, options.only, options.start, options.duration, options.name, options.track)
    output = Output(options.format, *asked)
    parts = parts_of(options.model)
    written = output.parts(parts.sources, parts.remainder)  # a wrong --only is told before anything is loaded
    root = options.output / parts.name
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
        tuple(map(models.identity, options.model)),
    )
    with tempfile.TemporaryDirectory() as scratch, tidied(root):
        songs = find(options.songs, options.output, root, output.excerpt, Path(scratch))
        if options.jobs == 1 and any(song.file for song in songs):
            task.separator()  # what is wrong with a model is told once, not for every song
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
    """The seconds of a song that are to be separated; 0 where that is not known."""
    try:
        length = (song.file and song.file.seconds) or 0.0
    except (AudioError, OSError):
        return 0.0
    return max(0.0, min(length - output.start, output.duration or length))
