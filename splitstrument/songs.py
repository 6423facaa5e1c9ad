"""What may be given as a song: a file, standard input, or a link to YouTube.

Each has a name, by which its stems are called, and says whether stems that are there are its own.
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
    """Whether a song is given by its address."""
    return re.match("https?://", song, re.IGNORECASE) is not None


@dataclass(frozen=True)
class Excerpt:
    """What of a song is separated: seconds from its start, None where it goes on to the end; the track of a video."""

    start: float = 0.0
    duration: float | None = None
    track: int | None = None  # counted from 1; None: the one that players play

    @property
    def stream(self) -> int | None:
        """The audio stream of its file, counted from 0, as `open_audio` does."""
        return None if self.track is None else self.track - 1

    @property
    def name(self) -> str:
        """What the folder of its stems has after the song's name; "" for the whole song."""
        track = "" if self.track is None else f" (track {self.track})"
        end = self.start + (self.duration or 0.0)
        start, stop = (f"{time:.6f}".rstrip("0").rstrip(".") + " s" for time in (self.start, end))
        if self.duration is None:
            return track + (f" (from {start})" if self.start else "")
        return f"{track} ({start} to {stop})"


class SongFile:
    """A song that is a file. Its stems are known by its content, wherever it lies. Raises AudioError, OSError."""

    def __init__(self, path: Path) -> None:
        if not os.path.isfile(path):
            open_audio(path)  # says why it cannot be read
        self.path = Path(os.path.abspath(path))
        suffix = self.path.suffix if re.fullmatch(r"\.\w*[A-Za-z]\w*", self.path.suffix) else ""
        self.name = self.path.name.removesuffix(suffix)
        self._origin = ", ".join([*self.path.parts[1:-1][-2:], *([suffix[1:]] if suffix else [])])
        status = self.path.stat()
        self._place = hashlib.sha256(os.fsencode(self.path)).hexdigest()  # who gets the stems need not know the path
        changed = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        self._known = {"song": file_name(self.path.name), "place": self._place, "changed": changed}

    @functools.cached_property
    def content(self) -> str:
        """The SHA-256 of what is in the file."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @property
    def label(self) -> str:
        """What messages call it."""
        return str(self.path)

    @property
    def seconds(self) -> float | None:
        """How long it is, where that is known before it is read."""
        with open_audio(self.path) as reader:
            return reader.info.frames and reader.info.frames / reader.info.sample_rate

    @contextlib.contextmanager
    def opened(self) -> Iterator[Path]:
        """A file with the song, there for as long as it is needed. Raises AudioError."""
        yield self.path

    def record(self) -> dict[str, Any]:
        """What the record of its stems keeps of the song."""
        return self._known | {"content": self.content}

    def is_recorded(self, song: dict[str, Any]) -> bool:
        """Whether `song`, from a record, is this one; it is read through where its place and times do not tell."""
        return all(song.get(key) == value for key, value in self._known.items()) or song.get("content") == self.content

    def was_recorded(self, song: dict[str, Any]) -> bool:
        """Whether `song`, from a record, was in this place: it may be an earlier version of this one."""
        return song.get("place") == self._place

    def names(self, excerpt: Excerpt) -> Iterator[str]:
        """The names that the folder of its stems may have, the best one first."""
        yield file_name(self.name + excerpt.name)
        yield file_name(f"{self.name} ({self._origin}){excerpt.name}")
        yield file_name(f"{self.name} ({self._origin}, {self._place[:12]}){excerpt.name}")


class StandardInput(SongFile):
    """The song that comes through standard input, kept in `folder`. Raises AudioError, OSError."""

    label = "standard input"

    def __init__(self, folder: Path) -> None:
        if sys.stdin is None or sys.stdin.isatty():
            raise AudioError("standard input: has no song; give one, as in: splitstrument separate - < song.mp3")
        with open(folder / "standard input", "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        super().__init__(folder / "standard input")
        self._place, self._origin = self.content, ""  # no song is a later version of another one
        self._known = {"song": self.name, "place": self._place, "changed": []}


class Link(SongFile):
    """A video of YouTube, by the link to it: asked for its title at once, for its sound when that is needed."""

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
        """See SongFile. The sound is fetched, and removed afterwards."""
        with tempfile.TemporaryDirectory() as folder:
            try:
                path, _ = youtube.fetch(self.label, folder, rule=youtube.YOUTUBE)
            except youtube.LinkError as error:
                raise AudioError(f"{self.label}: {error.message}") from None
            yield path
