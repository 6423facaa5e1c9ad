"""The kinds of songs that can be separated: a file, standard input, or a YouTube link.

Each has a name, after which its folder of stems is named, and can tell whether existing stems are its own.
"""

import contextlib
import functools
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splitstrument import youtube
from splitstrument.files.audio import AudioError, open_audio
from splitstrument.files.names import file_name

STANDARD_INPUT = "-"


def is_link(song: str) -> bool:
    """Whether a song is given as a link."""
    return re.match("https?://", song, re.IGNORECASE) is not None


@dataclass(frozen=True)
class Excerpt:
    """The part of a song to separate, in seconds (`duration` None: to the end), and the audio track of a video."""

    start: float = 0.0
    duration: float | None = None
    track: int | None = None  # from 1; None: the default track

    @property
    def stream(self) -> int | None:
        """The audio stream of the file, from 0, as in `open_audio`."""
        return None if self.track is None else self.track - 1

    @property
    def name(self) -> str:
        """The text after the song's name in the name of the stems' folder; "" for the whole song."""
        track = "" if self.track is None else f" (track {self.track})"
        end = self.start + (self.duration or 0.0)
        start, stop = (f"{time:.6f}".rstrip("0").rstrip(".") + " s" for time in (self.start, end))
        if self.duration is None:
            return track + (f" (from {start})" if self.start else "")
        return f"{track} ({start} to {stop})"


class SongFile:
    """A song in a file. Its stems are recognised by its content, wherever the file is. Raises AudioError, OSError."""

    def __init__(self, path: Path) -> None:
        if not os.path.isfile(path):
            open_audio(path)  # raises an error that says why it cannot be read
        self.path = Path(os.path.abspath(path))
        suffix = self.path.suffix if re.fullmatch(r"\.\w*[A-Za-z]\w*", self.path.suffix) else ""
        self.name = self.path.name.removesuffix(suffix)
        self._origin = ", ".join([*self.path.parts[1:-1][-2:], *([suffix[1:]] if suffix else [])])
        status = self.path.stat()
        self._place = hashlib.sha256(os.fsencode(self.path)).hexdigest()  # a hash, so the stems do not reveal the path
        changed = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        self._known = {"song": file_name(self.path.name), "place": self._place, "changed": changed}

    @functools.cached_property
    def content(self) -> str:
        """The SHA-256 of the file's content."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @property
    def label(self) -> str:
        """The name for messages."""
        return str(self.path)

    @property
    def seconds(self) -> float | None:
        """The length in seconds, or None if it is not known before the song is read."""
        with open_audio(self.path) as reader:
            return reader.info.frames and reader.info.frames / reader.info.sample_rate

    @contextlib.contextmanager
    def opened(self) -> Iterator[Path]:
        """A file with the song, which exists while the context is open. Raises AudioError."""
        yield self.path

    def record(self) -> dict[str, Any]:
        """The entry for the song in the record of its stems."""
        return self._known | {"content": self.content}

    def is_recorded(self, song: dict[str, Any]) -> bool:
        """Whether `song`, from a record, is this song. If its path and times differ, the contents are compared."""
        return all(song.get(key) == value for key, value in self._known.items()) or song.get("content") == self.content

    def was_recorded(self, song: dict[str, Any]) -> bool:
        """Whether `song`, from a record, had the same path, so it may be an earlier version of this song."""
        return song.get("place") == self._place

    def names(self, excerpt: Excerpt) -> Iterator[str]:
        """The possible names for the folder of its stems, the best one first."""
        yield file_name(self.name + excerpt.name)
        yield file_name(f"{self.name} ({self._origin}){excerpt.name}")
        yield file_name(f"{self.name} ({self._origin}, {self._place[:12]}){excerpt.name}")


class StandardInput(SongFile):
    """A song read from standard input and saved in `folder`. Raises AudioError, OSError."""

    label = "standard input"

    def __init__(self, folder: Path) -> None:
        if sys.stdin is None or sys.stdin.isatty():
            raise AudioError("standard input: contains no song; send one to it, for example with: < song.mp3")
        with open(folder / "standard input", "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        super().__init__(folder / "standard input")
        self._place, self._origin = self.content, ""  # without a path, no song is a later version of another
        self._known = {"song": self.name, "place": self._place, "changed": []}


class Link(SongFile):
    """A YouTube video, given as a link. Its title is requested at once, its audio when it is needed."""

    label = ""
    seconds: float | None = None

    def __init__(self, link: str) -> None:
        try:
            self.label = youtube.address(link, youtube.YOUTUBE)
            title, self.seconds = youtube.look(self.label, youtube.YOUTUBE)
        except youtube.LinkError as error:
            raise AudioError(f"{link}: {error.message}") from None
        self.name = title or self.label.rpartition("=")[2]
        self._origin = "YouTube"
        self._place = self.content = hashlib.sha256(self.label.encode()).hexdigest()
        self._known = {"song": self.name, "place": self._place, "changed": []}

    @contextlib.contextmanager
    def opened(self) -> Iterator[Path]:
        """See SongFile. The audio is downloaded, and removed afterwards."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                path, _ = youtube.fetch(self.label, folder, rule=youtube.YOUTUBE)
            except youtube.LinkError as error:
                raise AudioError(f"{self.label}: {error.message}") from None
            yield path
