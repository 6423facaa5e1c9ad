"""Atomic files and folders: they are written under a hidden name in the same folder and then renamed.

If a process is killed, its unfinished files keep their hidden names; `remove_unfinished` finds them by their SUFFIX.
Hidden names are unique, even if processes on several machines or in several containers write into one folder.
"""

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

SUFFIX = ".splitstrument.part"


def hidden_name(path: str | os.PathLike[str]) -> Path:
    """A name in the folder of `path` for the file or folder until it is complete. Every call gives a new name."""
    path = Path(path)
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{SUFFIX}")


def is_unfinished(path: Path) -> bool:
    """Whether the name of a file or folder comes from `hidden_name` or `scratch_folder`."""
    return path.name.startswith(".") and path.name.endswith(SUFFIX)


def remove_unfinished(folder: str | os.PathLike[str], depth: int = 0) -> None:
    """Remove the unfinished files of killed processes in `folder` and down to `depth` levels below it.

    No other process may be writing there (see splitstrument.stages.locking).
    """
    for level in range(depth + 1):
        for path in list(Path(folder).glob("*/" * level + f".*{SUFFIX}")):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


class AtomicFile:
    """An unfinished file `path`: write to `hidden`, then `keep` it under its name or `discard` it.

    As a context manager it returns the hidden name, keeps the file at the end and discards it on an exception. An
    OSError names `path`, not the hidden name. With `to_disk`, `keep` flushes the file to the disk.
    """

    def __init__(self, path: str | os.PathLike[str], to_disk: bool = False) -> None:
        self.path, self.hidden, self._to_disk = Path(path), hidden_name(path), to_disk

    def __enter__(self) -> Path:
        return self.hidden

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.keep()
        else:
            self.discard()
            self._name(error)

    def keep(self) -> None:
        """Give the file its name, replacing any file that has it. On failure removes it and raises OSError."""
        try:
            if self._to_disk:
                _to_disk(self.hidden)
            os.replace(self.hidden, self.path)
        except OSError as error:
            self.discard()
            self._name(error)
            raise
        if self._to_disk:  # the file's name is flushed with its folder
            with contextlib.suppress(OSError):  # some network file systems cannot do this
                _to_disk(self.path.parent)

    def discard(self) -> None:
        """Remove what has been written."""
        with contextlib.suppress(OSError):
            self.hidden.unlink()

    def _name(self, error: BaseException) -> None:
        """Make an OSError about the hidden file name `path` instead."""
        if isinstance(error, OSError) and error.strerror and error.filename in (None, str(self.hidden)):
            error.filename = str(self.path)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A hidden folder to write into. At the end it is renamed to `path`; on an exception it is removed.

    Raises OSError if `path` is a folder that is not empty.
    """
    hidden = hidden_name(path)
    hidden.mkdir(parents=True)
    try:
        yield hidden
        os.rename(hidden, path)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise


@contextlib.contextmanager
def scratch_folder(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """A hidden temporary folder in `folder`. It is removed at the end."""
    with tempfile.TemporaryDirectory(prefix=".", suffix=SUFFIX, dir=folder) as path:
        yield Path(path)
