"""Files and folders that are whole or not there at all: written beside their place, under a hidden name, then renamed.

What a process that was killed leaves has the hidden name still: `remove_unfinished` finds it by its SUFFIX. No two
hidden names are the same, whichever machines or containers the processes are in that write into one folder.
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
    """A name beside `path` for the file or folder until it is complete; another one at every call."""
    path = Path(path)
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{SUFFIX}")


def is_unfinished(path: Path) -> bool:
    """Whether a file or folder has a name that `hidden_name` or `scratch_folder` gave."""
    return path.name.startswith(".") and path.name.endswith(SUFFIX)


def remove_unfinished(folder: str | os.PathLike[str], depth: int = 0) -> None:
    """Remove what processes that were killed left half made in `folder` and `depth` folders down.

    Nothing else may write there meanwhile (see splitstrument.stages.locking).
    """
    for level in range(depth + 1):
        for path in list(Path(folder).glob("*/" * level + f".*{SUFFIX}")):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


class AtomicFile:
    """The file `path` in the making: write to `hidden`, then `keep` it under its name or `discard` it.

    As a context manager it gives the hidden name, keeps the file at the end and discards it at an exception; an
    OSError names `path`, not the hidden name. With `to_disk` the file is on the disk, not only on its way, once kept.
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
        """Give the file its name, over any file that has it. Raises OSError where that fails; nothing is left then."""
        try:
            if self._to_disk:
                _to_disk(self.hidden)
            os.replace(self.hidden, self.path)
        except OSError as error:
            self.discard()
            self._name(error)
            raise
        if self._to_disk:  # a name is on the disk when its folder is
            with contextlib.suppress(OSError):  # some network file systems cannot
                _to_disk(self.path.parent)

    def discard(self) -> None:
        """Remove what has been written."""
        with contextlib.suppress(OSError):
            self.hidden.unlink()

    def _name(self, error: BaseException) -> None:
        """An OSError of the hidden file is one of the file that was wanted."""
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
    """A hidden folder beside the new folder `path` to write into; at the end it becomes `path`, at an error it goes.

    Raises OSError where a folder of that name is there and not empty.
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
    """A hidden folder in `folder` for what is needed meanwhile; it vanishes at the end."""
    with tempfile.TemporaryDirectory(prefix=".", suffix=SUFFIX, dir=folder) as path:
        yield Path(path)
