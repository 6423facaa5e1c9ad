"""Separates a song file into a folder of stems.

The song is read, separated and written in blocks, so long songs need no more memory. The folder has a record
(splitstrument.song_folders), with which a finished song is recognised when it is given again.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

from splitstrument.files.audio import AudioError, open_audio
from splitstrument.files.names import file_name
from splitstrument.files.tags import read_tags
from splitstrument.files.writing import AudioWriter, check_format, step
from splitstrument.song_folders import Record, own_folder, read
from splitstrument.songs import Excerpt, SongFile
from splitstrument.suggestions import no_such

if TYPE_CHECKING:
    import numpy as np

    from splitstrument.separator import Separator

MIXTURE = "mixture"
_FIELDS = ("song", "part", "model")  # the fields in the pattern of a file name


@dataclass(frozen=True)
class Output:
    """How stems are written: the format, the depth ("16", "24", "float", or None for the song's), and which parts.

    `name` is the pattern of the file names, with the fields {song} (the folder's name), {part} and {model}. Raises
    ValueError.
    """

    format: str = "wav"
    depth: str | None = None
    only: tuple[
        str, ...
    ] = ()  # names of parts; "instrument" means all but the remainder, "rest" the remainder; (): all
    start: float = 0.0  # seconds
    duration: float | None = None
    name: str = "{part}"
    track: int | None = None  # audio track of a video, from 1; None: the default one

    def __post_init__(self) -> None:
        if any(character in "/\\\0" for character in self.name):
            raise ValueError(f"--name: {self.name!r} must be the name of a file, without folders")
        for field in self._fields():
            if field not in _FIELDS:
                raise ValueError(f"--name: {no_such('field', field, _FIELDS)}")

    def _fields(self) -> list[str]:
        """The fields of the name, each with its conversion and format, if it has any."""
        try:
            found = [(field, spec, how) for _, field, spec, how in Formatter().parse(self.name) if field is not None]
        except ValueError as error:
            raise ValueError(f"--name: {self.name!r}: {error}") from None
        return [field + (f"!{how}" if how else "") + (f":{spec}" if spec else "") for field, spec, how in found]

    def path(self, folder: Path, part: str, model: str) -> Path:
        """The file for a part in the folder of a song; `model` is the name of the models."""
        name = self.name.format(song=folder.name, part=part, model=model)
        return folder / f"{file_name(name)}.{self.format}"

    @property
    def excerpt(self) -> Excerpt:
        """The part of the song to separate."""
        return Excerpt(self.start, self.duration, self.track)

    def parts(self, sources: Sequence[str], remainder: str) -> tuple[str, ...]:
        """The parts to write, from these `sources` and the `remainder`. Raises ValueError for an unknown part."""
        parts = (*sources, remainder)
        names = {part: (part,) for part in parts} | {"instrument": tuple(sources), "rest": (remainder,)}
        for name in self.only:
            if name not in names:
                raise ValueError(f"--only: {no_such('part', name, names)}")
        wanted = {part for name in self.only for part in names[name]}
        written = tuple(part for part in parts if part in wanted or not self.only)
        if len(written) > 1 and "part" not in self._fields():
            raise ValueError(f"--name: {self.name!r} would be the name of {len(written)} files; include {{part}}")
        return written


def separate_file(
    separator: "Separator",
    song: str | Path,
    folder: Path,
    output: Output,
    progress: Callable[[float], object] = lambda seconds: None,
    hear: Callable[[str, "np.ndarray"], object] | None = None,
) -> tuple[float, str | None]:
    """Separate the file `song` into `folder`. Returns (seconds of sound, a warning or None).

    `progress` is called with the seconds of each finished block. `hear` is called with a name and each block, float32
    (frames, channels), for the "mixture" and for every part that is written. Raises AudioError; then no new file is
    left. The parts add up to the song: in float files except for float32 rounding, in 16 and 24 bit files to within
    one step. For that, the sources are limited so that the last part stays in range.
    """
    from splitstrument.separator import BLOCK_SECONDS, rest_of

    with open_audio(song, output.excerpt.stream, output.start, output.duration) as reader:
        info = reader.info
        try:
            check_format(output.format, info.sample_rate, info.channels)
        except AudioError as error:
            raise AudioError(f"{song}: {error}") from None
        depth = output.depth or info.depth
        if output.format == "flac" and depth == "float":
            depth = "24"
        frames, tags = 0, read_tags(song)
        with contextlib.ExitStack() as stack:
            writers = {}
            for name in output.parts(separator.sources, separator.remainder):
                path = output.path(folder, name, separator.name)
                form = (info.sample_rate, info.channels, depth, info.frames, info.mask)
                writers[name] = stack.enter_context(AudioWriter(path, *form, tags.of_part(name)))
            blocks = reader.blocks(int(BLOCK_SECONDS * info.sample_rate))
            # Closed before the files, since a thread of the stream reads the song.
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
    """Round the sources to the steps of an integer depth, limited so that they and the remainder are in range.

    After each source, what is left must fit into the k parts after it together: -k to k (1 - a step). So the others
    take over what one part cannot hold.
    """
    import numpy as np

    size, left, kept = step(depth), song, {}
    for after, (name, source) in zip(range(len(sources), 0, -1), sources.items(), strict=True):
        low, high = np.maximum(-1, left - after * (1 - size)), np.minimum(1 - size, left + after)
        inside = np.clip(source.astype(np.float64), low, np.maximum(low, high))
        kept[name] = np.rint(inside / size) * size
        left = left - kept[name]
    return kept


@dataclass(frozen=True)
class Separated:
    """The folder of a song's stems. `seconds` of sound were separated; None if the stems existed already."""

    folder: Path
    seconds: float | None = None
    warning: str | None = None


def _made(separator: "Separator", output: Output) -> dict[str, Any]:
    """How stems are made, as values for JSON. If it is equal, the stems are equal. Weights identify a model."""
    made: dict[str, Any] = {"models": list(separator.identity), "depth": output.depth}
    made |= {"thorough": True} if separator.thorough else {}
    return made | ({"above": separator.above} if separator.above else {})


def _finished(
    folder: Path, record: Record, song: SongFile, output: Output, made: dict, files: Mapping[str, str]
) -> bool:
    """Whether `folder` holds these `files` (name: part) of the song. Raises AudioError if they differ from `made`."""
    before = record.formats.get(output.format)
    if before is None:
        return False
    recorded = _files(before, output)
    there = {name for name in {*files, *recorded} if (folder / name).exists()}
    if not there:
        return False  # an interrupted run
    if not song.is_recorded(record.song):
        raise AudioError(f"{folder}: holds stems of an earlier version of the song; use --overwrite or --output")
    if there.isdisjoint(files):
        return False  # other parts, or the same parts with other names, which can stay
    if before["made"] != made or any(recorded.get(name, part) != part for name, part in files.items()):
        raise AudioError(f"{folder}: holds stems made with other settings; use --overwrite or --output")
    return there >= set(files) and recorded.keys() >= set(files)


def _files(before: Mapping[str, Any], output: Output) -> dict[str, str]:
    """The files (name: part) of one format in a Record; records from before --name have just the parts."""
    return dict(before.get("files") or {f"{part}.{output.format}": part for part in before["parts"]})


def separate_into(
    separator: "Separator",
    song: SongFile,
    folder: Path,
    output: Output,
    overwrite: bool = False,
    progress: Callable[[float], object] = lambda seconds: None,
) -> Separated:
    """Call `separate_file`, unless `folder` already holds these stems.

    If another process has taken the folder for another song meanwhile, the next free folder is used. Raises
    AudioError; a folder in which nothing was written is removed again.
    """
    try:
        with own_folder(song, output.excerpt, folder) as own:
            return _separate_here(separator, song, own, output, overwrite, progress)
    except OSError as error:
        raise AudioError(f"{error.filename or folder}: {error.strerror or error}") from None


def _separate_here(
    separator: "Separator",
    song: SongFile,
    folder: Path,
    output: Output,
    overwrite: bool,
    progress: Callable[[float], object],
) -> Separated:
    """`separate_into` a folder that is locked for this process."""
    made, parts = _made(separator, output), output.parts(separator.sources, separator.remainder)
    files = {output.path(folder, part, separator.name).name: part for part in parts}
    record = read(folder)
    if record is None:
        record = Record(song.record(), output.excerpt)
        record.write(folder)  # from now on the folder is taken
    elif not overwrite and _finished(folder, record, song, output, made, files):
        return Separated(folder)
    with song.opened() as path:
        try:
            seconds, warning = separate_file(separator, path, folder, output, progress)
        except AudioError as error:
            raise AudioError(str(error).replace(str(path), song.label)) from None
    warning = warning and warning.replace(str(path), song.label)
    formats = record.formats if song.is_recorded(record.song) else {}
    before = formats.get(output.format)
    others = _files(before, output) if before and before["made"] == made else {}
    formats = formats | {output.format: {"made": made, "files": dict(sorted((others | files).items()))}}
    Record(song.record(), output.excerpt, formats).write(folder)
    return Separated(folder, seconds, warning)
