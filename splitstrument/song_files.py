"""A song file -> a folder with its stems.

The song is separated while it is read and written while it is separated, so length costs no memory. The folder keeps
a note of what its stems were made from, by which a finished song is known when it comes again.
"""

import contextlib
import json
from dataclasses import dataclass

from splitstrument.files.audio import AudioError, open_audio
from splitstrument.files.writing import AudioWriter, check_format, step, write_text

NOTE = ".separated.{}.json"  # one for each format


@dataclass(frozen=True)
class Output:
    """How stems are written: the format, the depth ("16", "24", "float", or None for the song's), which of them."""

    format: str = "wav"
    depth: str | None = None
    only: str | None = None  # "instrument", which is all instruments, or "rest"
    start: float = 0.0  # seconds
    duration: float | None = None

    def parts(self, instruments):
        """The names of the parts that are written, of these `instruments` and the rest."""
        return {"instrument": (*instruments,), "rest": ("rest",), None: (*instruments, "rest")}[self.only]


def separate_file(separator, song, folder, output, progress=lambda seconds: None):
    """Separate the file `song` into `folder`: (seconds of sound, a warning or None).

    Raises AudioError; then there is no file that was not there before. The instruments + rest are the song: exactly to
    float32 rounding in float files; in 16 and 24 bit files to one step, for which the instruments are kept within what
    leaves the rest in range.
    """
    from splitstrument.separator import BLOCK_SECONDS, rest_of

    with open_audio(song, start=output.start, duration=output.duration) as reader:
        info = reader.info
        try:
            check_format(output.format, info.sample_rate, info.channels)
        except AudioError as error:
            raise AudioError(f"{song}: {error}") from None
        depth = output.depth or info.depth
        if output.format == "flac" and depth == "float":
            depth = "24"
        frames = 0
        with contextlib.ExitStack() as stack:
            writers = {}
            for name in output.parts(separator.instruments):
                path = folder / f"{name}.{output.format}"
                writer = AudioWriter(path, info.sample_rate, info.channels, depth, info.frames)
                writers[name] = stack.enter_context(writer)
            blocks = reader.blocks(int(BLOCK_SECONDS * info.sample_rate))
            # Closed before the files: a thread of the stream's reads the song.
            stream = stack.enter_context(contextlib.closing(separator.stream(blocks, info.sample_rate, info.channels)))
            for piece, parts in stream:
                if output.format in ("wav", "flac") and depth != "float":
                    parts = _on_steps(parts, piece, depth)
                parts["rest"] = rest_of(piece, parts.values())
                for name, writer in writers.items():
                    writer.write(parts[name])
                frames += len(piece)
                progress(len(piece) / info.sample_rate)
    return frames / info.sample_rate, reader.warning


def _on_steps(instruments, song, depth):
    """The instruments on the steps of an integer depth, kept where each of them and the rest are in range.

    Each instrument leaves what the k parts after it can hold together, -k to k (1 - a step); so what one part cannot
    hold the others take over.
    """
    import numpy as np

    size, left, kept = step(depth), song, {}
    for after, (name, instrument) in zip(range(len(instruments), 0, -1), instruments.items(), strict=True):
        low, high = np.maximum(-1, left - after * (1 - size)), np.minimum(1 - size, left + after)
        inside = np.clip(instrument.astype(np.float64), low, np.maximum(low, high))
        kept[name] = np.rint(inside / size) * size
        left = left - kept[name]
    return kept


def song_folders(songs, root):
    """A folder below `root` for each song, named as the song; songs of one name get their own folder's name beside."""
    names = [song.stem for song in songs]
    return [
        root / (f"{name} ({song.absolute().parent.name}, {song.suffix.lstrip('.')})" if names.count(name) > 1 else name)
        for song, name in zip(songs, names, strict=True)
    ]


def _note(song, separator, output):
    """What a song's stems are made from: the same note, the same stems."""
    file = song.stat()
    made_from = {"song": song.name, "bytes": file.st_size, "modified": file.st_mtime_ns, "model": separator.name}
    made_from |= {"depth": output.depth, "start": output.start, "duration": output.duration}
    made_from |= {"thorough": True} if separator.thorough else {}
    return json.dumps(made_from, indent=1) + "\n"


def _finished(folder, instruments, output, note):
    """Whether `folder` holds the stems that `note` describes; AudioError where it holds those of something else."""
    files = [folder / f"{name}.{output.format}" for name in output.parts(instruments)]
    try:
        found = (folder / NOTE.format(output.format)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False  # an interrupted run: what lies there is made again
    if found != note and any(file.exists() for file in files):
        raise AudioError(f"{folder}: holds stems made from another song or otherwise; use --overwrite or --output")
    return found == note and all(file.exists() for file in files)


def separate_into(separator, song, folder, output, overwrite=False, progress=lambda seconds: None):
    """`separate_file`, unless `folder` holds just these stems already: (seconds, warning), or None if it does.

    Raises AudioError; a folder into which nothing came is removed again.
    """
    made = not folder.exists()
    try:
        if not song.exists():
            raise AudioError(f"{song}: no such file")
        note = _note(song, separator, output)
        if not overwrite and _finished(folder, separator.instruments, output, note):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        result = separate_file(separator, song, folder, output, progress)
        write_text(folder / NOTE.format(output.format), note)
        return result
    except OSError as error:
        raise AudioError(f"{error.filename or folder}: {error.strerror or error}") from None
    finally:
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()
