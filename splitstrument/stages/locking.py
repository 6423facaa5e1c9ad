"""One process at a time in a folder that is written."""

import contextlib
import fcntl
import os
from collections.abc import Iterator


@contextlib.contextmanager
def locked(folder: str | os.PathLike[str], wait: bool = False) -> Iterator[None]:
    """Keep the existing `folder` for this process; where another one has it, `wait` for it, or BlockingIOError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise BlockingIOError(f"{folder}: another command is writing there") from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(handle)
