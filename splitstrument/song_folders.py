"""Where a song's stems are: in a folder that is named as the song and has a record of whose stems it holds.

The first song of a name has the folder of that name. Another one has its folders' names and its suffix in it, such as
`01 (Album, CD2, flac)`. An excerpt is a result of its own, in a folder such as `song (from 30 s)`. The record,
which is written before any stem, lets a song find its folder again and keeps others out of it.
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
    """Whose stems a folder holds, and how those of each format were made: {"wav": {"made": ..., "parts": [...]}}."""

    song: dict[str, Any]
    excerpt: Excerpt
    formats: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it into the folder. Raises AudioError."""
        values = {"song": self.song, **asdict(self.excerpt), "formats": self.formats}
        write_text(folder / SEPARATED, json.dumps(values, indent=1) + "\n")


def read(folder: Path) -> Record | None:
    """The folder's Record; None where it has none that can be read."""
    try:
        values = json.loads((folder / SEPARATED).read_text(encoding="utf-8"))
        excerpt = Excerpt(float(values["start"]), values["duration"], values.get("track"))
        return Record(dict(values["song"]), excerpt, dict(values["formats"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def may_have(song: SongFile, excerpt: Excerpt, folder: Path) -> bool:
    """Whether `folder` is this song's or an earlier version's of it, or nobody's: it has neither a record nor files."""
    return _claim(song, excerpt, folder) > 0


def _claim(song: SongFile, excerpt: Excerpt, folder: Path) -> int:
    """3: the folder is this song's, 2: that of an earlier version of it, 1: nobody's, 0: another song's."""
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
    """The folder below `root` for the song's stems: its own, or else the first that is nobody's.

    `taken`: folders in which the stems of other songs will be. Raises AudioError where there is none.
    """
    folders = [root / name for name in song.names(excerpt)]
    free = [folder for folder in folders if folder not in taken or taken[folder].content == song.content]
    claims = [_claim(song, excerpt, folder) for folder in free]
    if not any(claims):
        raise AudioError(f"{folders[-1]}: holds other files; use another --output")
    return free[claims.index(max(claims))]


@contextlib.contextmanager
def at_work_in(folder: Path) -> Iterator[None]:
    """The folder, kept for this process, which waits for others. It goes again where nothing came into it."""
    with kept(folder):
        try:
            yield
        finally:
            _remove_empty(folder)


def _remove_empty(folder: Path) -> None:
    """Remove a folder that has nothing but a record of nothing."""
    record = read(folder)
    with contextlib.suppress(OSError):
        if record and not record.formats and os.listdir(folder) == [SEPARATED]:
            (folder / SEPARATED).unlink()
        folder.rmdir()


@contextlib.contextmanager
def tidied(root: Path) -> Iterator[None]:
    """What killed processes left half made in the songs' folders below `root` is removed, before and after."""
    try:
        _remove_left(root)
        yield
    finally:
        _remove_left(root)


def _remove_left(root: Path) -> None:
    for folder in (folder for folder in _entries(root) if folder.is_dir() and not folder.is_symlink()):
        files = _entries(folder)
        if any(map(is_unfinished, files)) or [file.name for file in files] == [SEPARATED]:
            with contextlib.suppress(OSError), locked(folder) as alone:  # OSError: somebody is at work there
                if alone:
                    remove_unfinished(folder)
                    _remove_empty(folder)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
