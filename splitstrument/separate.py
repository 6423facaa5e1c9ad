"""The command `separate`: songs in, a folder of stems for each out.

A song that cannot be read or written is named in one line, and the others go on.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from splitstrument.files.audio import AudioError, find_songs, open_audio
from splitstrument.files.writing import FORMATS
from splitstrument.stages.signals import stopped_by_signals


def _arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="splitstrument separate",
        description="Take songs apart into an instrument, or several, and the rest, which add up to the song.",
    )
    add = parser.add_argument
    add("songs", nargs="+", metavar="SONG", help="an audio or video file, or a folder of them")
    add(
        "--model",
        default="guitar",
        type=_models,
        metavar="MODEL[,MODEL...]",
        help="a shipped model's name or a model folder; several with commas between them, such as guitar,runs/piano, "
        "take out an instrument each in one pass (default: guitar)",
    )
    add("--output", default="separated", type=Path, help="folder to write to (default: separated)")
    add("--format", default="wav", choices=FORMATS, help="of the files (default: wav)")
    add("--depth", choices=("16", "24", "float"), help="of WAV and FLAC files (default: the song's)")
    add("--only", choices=("instrument", "rest"), help="write only the instruments, or only the rest")
    add("--start", type=_seconds, default=0.0, metavar="S", help="begin at this second of the song")
    add("--duration", type=_positive, metavar="S", help="separate only this many seconds")
    add("--overwrite", action="store_true", help="separate again what is finished already")
    add("--thorough", action="store_true", help="average masks over more windows: somewhat better, four times as long")
    add("--device", choices=("cpu", "gpu"), help="where to compute (default: what there is)")
    add(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="to compute in (default: auto)",
    )
    return parser.parse_args(arguments)


def _models(text):
    """The models that are asked for; a folder may have a comma in its name."""
    return [text] if os.path.isdir(text) else [name.strip() for name in text.split(",") if name.strip()]


def _seconds(text):
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: must be 0 or more seconds")
    return value


def _positive(text):
    value = _seconds(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text}: must be more than 0 seconds")
    return value


def main(arguments=None):
    options = _arguments(arguments)
    from splitstrument.models import ModelError
    from splitstrument.separator import Separator

    songs, failures = [], 0
    for path in options.songs:
        try:
            songs += find_songs([path])
        except (AudioError, OSError) as error:
            failures += 1
            _say(f"splitstrument: {error}")
    if not songs:
        return 1
    try:
        separator = Separator(options.model, options.precision, options.device, options.thorough)
    except (ModelError, ValueError) as error:
        _say(f"splitstrument: {error}")
        return 2
    with stopped_by_signals():
        try:
            failures += _separate_all(separator, songs, options)
        except KeyboardInterrupt:
            _say("splitstrument: stopped; give the command again to go on")
            return 130
    return 1 if failures else 0


def _separate_all(separator, songs, options):
    """Every song in turn, with progress and a last line that says what there is: how many failed."""
    from tqdm import tqdm

    from splitstrument.song_files import Output, separate_into, song_folders

    root = options.output / separator.name
    output = Output(options.format, options.depth, options.only, options.start, options.duration)
    failed, done, finished, seconds, began = 0, 0, 0, 0.0, time.perf_counter()
    total = sum(_length(song, options) for song in songs)
    shape = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}, {remaining} left"
    with tqdm(total=total or None, bar_format=shape if total else None, disable=None, leave=False) as bar:
        for song, folder in zip(songs, song_folders(songs, root), strict=True):
            bar.set_description(song.name)
            try:
                result = separate_into(separator, song, folder, output, options.overwrite, bar.update)
            except (AudioError, MemoryError) as error:
                failed += 1
                bar.write(f"splitstrument: {error or 'out of memory'}", file=sys.stderr)
                continue
            if result is None:
                finished += 1
                bar.update(_length(song, options))
                bar.write(f"{folder}: finished before (--overwrite separates it again)", file=sys.stderr)
                continue
            done += 1
            seconds += result[0]
            bar.write(f"{folder}: {result[0]:.0f} s of sound", file=sys.stderr)
            if result[1]:
                bar.write(f"splitstrument: warning: {result[1]}", file=sys.stderr)
    took = time.perf_counter() - began
    before = f", {finished} finished before" if finished else ""
    speed = f"; {seconds:.0f} s in {took:.1f} s, {seconds / took:.1f} times faster than real time" if done else ""
    print(f"{root}: {done} song{'s' * (done != 1)}{before}, {failed} failed{speed}")
    return failed


def _length(song, options):
    """The seconds of a song that are to be separated, as its file says; 0 where it does not."""
    try:
        with open_audio(song) as reader:
            length = (reader.info.frames or 0) / reader.info.sample_rate
    except (AudioError, OSError):
        return 0.0
    return max(0.0, min(length - options.start, options.duration or length))


def _say(line):
    print(line, file=sys.stderr)
