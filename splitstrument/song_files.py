"""A song file -> a folder with its stems.

The song is separated while it is read and written while it is separated, so length costs no memory. The folder keeps
a note of what its stems were made from, by which a finished song is known when it comes again.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.files.audio import AudioError, open_audio
from splitstrument.files.texts import write_text
from splitstrument.files.writing import AudioWriter, check_format, step
from splitstrument.suggestions import no_such

if TYPE_CHECKING:
    import numpy as np

    from splitstrument.separator import Separator

NOTE = ".separated.{}.json"  # one for each format
MIXTURE = "mixture"


@dataclass(frozen=True)
class Output:
    """How stems are written: the format, the depth ("16", "24", "float", or None for the song's), which of them."""

    format: str = "wav"
    depth: str | None = None
    only: tuple[str, ...] = ()  # names of parts; "instrument" is all but what is left, "rest" is that; (): all parts
    start: float = 0.0  # seconds
    duration: float | None = None

    def parts(self, sources: Sequence[str], remainder: str) -> tuple[str, ...]:
        """The names of the parts that are written, of these `sources` and what they leave; ValueError for others."""
        parts = (*sources, remainder)
        names = {part: (part,) for part in parts} | {"instrument": tuple(sources), "rest": (remainder,)}
        for name in self.only:
            if name not in names:
                raise ValueError(f"--only: {no_such('part', name, names)}")
        wanted = {part for name in self.only for part in names[name]}
        return tuple(part for part in parts if part in wanted or not self.only)


def separate_file(
    separator: "Separator",
    song: str | Path,
    folder: Path,
    output: Output,
    progress: Callable[[float], object] = lambda seconds: None,
    hear: Callable[[str, "np.ndarray"], object] | None = None,
) -> tuple[float, str | None]:
    """Separate the file `song` into `folder`: (seconds of sound, a warning or None).

    `progress` is told of the seconds that are done, `hear` of each block, float32 (frames, channels), of the "mixture"
    and of every part that is written.
    Raises AudioError; then there is no file that was not there before. The parts add up to the song: exactly to float32
    rounding in float files; in 16 and 24 bit files to one step, for which the sources are kept within what leaves the
    last part in range.
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
            for name in output.parts(separator.sources, separator.remainder):
                path = folder / f"{name}.{output.format}"
                writer = AudioWriter(path, info.sample_rate, info.channels, depth, info.frames)
                writers[name] = stack.enter_context(writer)
            blocks = reader.blocks(int(BLOCK_SECONDS * info.sample_rate))
            # Closed before the files: a thread of the stream's reads the song.
            stream = stack.enter_context(contextlib.closing(separator.stream(blocks, info.sample_rate, info.channels)))
            for piece, parts in stream:
                if output.format in ("wav", "flac") and depth != "float":
                    parts = _on_steps(parts, piece, depth)
                parts[separator.remainder] = rest_of(piece, parts.values())
                for name, writer in writers.items():
                    writer.write(parts[name])
                if hear:
                    hear(MIXTURE, piece)
                    for name in writers:
                        hear(name, parts[name])
                frames += len(piece)
                progress(len(piece) / info.sample_rate)
    return frames / info.sample_rate, reader.warning


def _on_steps(sources: Mapping[str, "np.ndarray"], song: "np.ndarray", depth: str) -> dict[str, "np.ndarray"]:
    """The sources on the steps of an integer depth, kept where each of them and what they leave are in range.

    Each source leaves what the k parts after it can hold together, -k to k (1 - a step); so what one part cannot
    hold the others take over.
    """
    import numpy as np

    size, left, kept = step(depth), song, {}
    for after, (name, source) in zip(range(len(sources), 0, -1), sources.items(), strict=True):
        low, high = np.maximum(-1, left - after * (1 - size)), np.minimum(1 - size, left + after)
        inside = np.clip(source.astype(np.float64), low, np.maximum(low, high))
        kept[name] = np.rint(inside / size) * size
        left = left - kept[name]
    return kept


def song_folders(songs: Sequence[Path], root: Path) -> list[Path]:
    """A folder below `root` for each song, named as the song; songs of one name get their own folder's name beside."""
    names = [song.stem for song in songs]
    return [
        root / (f"{name} ({song.absolute().parent.name}, {song.suffix.lstrip('.')})" if names.count(name) > 1 else name)
        for song, name in zip(songs, names, strict=True)
    ]


def _note(song: Path, separator: "Separator", output: Output) -> str:
    """What a song's stems are made from: the same note, the same stems. A model is known by its weights."""
    file = song.stat()
    made_from = {"song": song.name, "bytes": file.st_size, "modified": file.st_mtime_ns, "models": separator.identity}
    made_from |= {"depth": output.depth, "start": output.start, "duration": output.duration}
    made_from |= {"thorough": True} if separator.thorough else {}
    made_from |= {"above": separator.above} if separator.above else {}
    return json.dumps(made_from, indent=1) + "\n"


def _finished(folder: Path, parts: Iterable[str], output: Output, note: str) -> bool:
    """Whether `folder` holds the `parts` that `note` describes; AudioError where it holds those of something else."""
    files = [folder / f"{name}.{output.format}" for name in parts]
    try:
        kept = (folder / NOTE.format(output.format)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False  # an interrupted run: what lies there is made again
    if kept != note and any(file.exists() for file in files):
        raise AudioError(f"{folder}: holds stems made from another song or otherwise; use --overwrite or --output")
    return kept == note and all(file.exists() for file in files)


def separate_into(
    separator: "Separator",
    song: Path,
    folder: Path,
    output: Output,
    overwrite: bool = False,
    progress: Callable[[float], object] = lambda seconds: None,
) -> tuple[float, str | None] | None:
    """`separate_file`, unless `folder` holds just these stems already: (seconds, warning), or None if it does.

    Raises AudioError; a folder into which nothing came is removed again.
    """
    made = not folder.exists()
    try:
        if not song.exists():
            raise AudioError(f"{song}: no such file")
        note = _note(song, separator, output)
        parts = output.parts(separator.sources, separator.remainder)
        if not overwrite and _finished(folder, parts, output, note):
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
