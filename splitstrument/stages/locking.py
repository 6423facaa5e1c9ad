"""Lets only one process at a time write into a folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from splitstrument.files.atomic import remove_unfinished


@contextlib.contextmanager
def locked(folder: str | os.PathLike[str], wait: bool = False) -> Iterator[bool]:
    """Lock the existing `folder` for this process. If another one has it, `wait` for it or raise BlockingIOError.

    Yields whether it is certain that no other process is there, since some network file systems have no locks. Raises
    FileNotFoundError if the other process removed the folder.
    """
    handle, certain = os.open(folder, os.O_RDONLY), True
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise BlockingIOError(f"{folder}: another command is writing there") from None
        except OSError:
            certain = False
        else:
            if not os.path.samestat(os.fstat(handle), os.stat(folder)):
                raise FileNotFoundError(f"{folder}: another command removed it and made it again")
        yield certain
    finally:
        os.close(handle)


@contextlib.contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Make the folder if it does not exist and lock it for this process, waiting for others that have it.

    Unfinished files of killed processes in it are removed.
    """
    with contextlib.ExitStack() as stack:
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                alone = stack.enter_context(locked(folder, wait=True))
                break
            except FileNotFoundError:  # the other process removed it
                continue
        if alone:
            remove_unfinished(folder)
        yield
