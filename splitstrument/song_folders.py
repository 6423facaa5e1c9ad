"""The folder for a song's stems: it is named after the song and has a record of which song it belongs to.

The first song with a name gets the folder with that name. Another song with the same name gets a folder that also has
the names of its parent folders and its suffix, such as `01 (Album, CD2, flac)`. Each excerpt has its own folder, such
as `song (from 30 s)`. The record is written before any stem; with it a song finds its folder again, and other songs
keep out of it.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from splitstrument.files.atomic import is_unfinished, remove_unfinished
from splitstrument.files.audio_info import AudioError
from splitstrument.files.folders import SEPARATED
from splitstrument.files.texts import write_text
from splitstrument.songs import Excerpt, SongFile
from splitstrument.stages.locking import kept, locked


@dataclass
class Record:
    """The song of a folder, and how its stems in each format were made: {"wav": {"made": ..., "parts": [...]}}."""

    song: dict[str, Any]
    excerpt: Excerpt
    formats: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the record into the folder. Raises AudioError."""
        values = {"song": self.song, **asdict(self.excerpt), "formats": self.formats}
        write_text(folder / SEPARATED, json.dumps(values, indent=1) + "\n")


def read(folder: Path) -> Record | None:
    """The folder's Record, or None if it has none that can be read."""
    try:
        values = json.loads((folder / SEPARATED).read_text(encoding="utf-8"))
        excerpt = Excerpt(float(values["start"]), values["duration"], values.get("track"))
        return Record(dict(values["song"]), excerpt, dict(values["formats"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def may_have(song: SongFile, excerpt: Excerpt, folder: Path) -> bool:
    """Whether `folder` belongs to this song, or to an earlier version of it, or is free: without record and files."""
    return _claim(song, excerpt, folder) > 0


def _claim(song: SongFile, excerpt: Excerpt, folder: Path) -> int:
    """3: the folder belongs to this song, 2: to an earlier version of it, 1: it is free, 0: to another song."""
    record = read(folder)
    if record is None:
        try:
            return int(all(entry.name.startswith(".") and entry.name != SEPARATED for entry in os.scandir(folder)))
        except FileNotFoundError:
            return 1
    if record.excerpt != excerpt:
        return 0
    return 3 if song.is_recorded(record.song) else 2 if song.was_recorded(record.song) else 0


def folder_of(song: SongFile, excerpt: Excerpt, root: Path, taken: Mapping[Path, SongFile]) -> Path:
    """The folder below `root` for the song's stems: its own, or else the first free one.

    `taken`: folders for the stems of other songs. Raises AudioError if there is no folder.
    """
    folders = [root / name for name in song.names(excerpt)]
    free = [folder for folder in folders if folder not in taken or taken[folder].content == song.content]
    claims = [_claim(song, excerpt, folder) for folder in free]
    if not any(claims):
        raise AudioError(f"{folders[-1]}: holds other files; use another --output")
    return free[claims.index(max(claims))]


@contextlib.contextmanager
def at_work_in(folder: Path) -> Iterator[None]:
    """Lock the folder for this process, waiting for others. At the end it is removed if nothing was written."""
    with kept(folder):
        try:
            yield
        finally:
            _remove_empty(folder)


@contextlib.contextmanager
def own_folder(song: SongFile, excerpt: Excerpt, folder: Path) -> Iterator[Path]:
    """Lock `folder` for this process, or the next free one if another process takes it for another song meanwhile.

    Yields the folder. Raises AudioError if there is none.
    """
    while True:
        if may_have(song, excerpt, folder):  # otherwise there is nothing to wait for
            with at_work_in(folder):
                if may_have(song, excerpt, folder):
                    yield folder
                    return
        folder = folder_of(song, excerpt, folder.parent, {})


def _remove_empty(folder: Path) -> None:
    """Remove a folder that is empty or has only a record without stems."""
    record = read(folder)
    with contextlib.suppress(OSError):
        if record and not record.formats and os.listdir(folder) == [SEPARATED]:
            (folder / SEPARATED).unlink()
        folder.rmdir()


@contextlib.contextmanager
def tidied(root: Path) -> Iterator[None]:
    """Remove, before and after, the unfinished files of killed processes in the songs' folders below `root`."""
    try:
        _remove_left(root)
        yield
    finally:
        _remove_left(root)


def _remove_left(root: Path) -> None:
    for folder in (folder for folder in _entries(root) if folder.is_dir() and not folder.is_symlink()):
        files = _entries(folder)
        if any(map(is_unfinished, files)) or [file.name for file in files] == [SEPARATED]:
            with contextlib.suppress(OSError), locked(folder) as alone:  # OSError: another process is working there
                if alone:
                    remove_unfinished(folder)
                    _remove_empty(folder)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
