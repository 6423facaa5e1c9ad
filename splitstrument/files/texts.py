"""Writes small text files in one step, and makes the error lines for files that cannot be read or written."""

import os

from splitstrument.files.atomic import AtomicFile
from splitstrument.files.audio import AudioError


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a small text file (UTF-8) in one step. Raises AudioError if that fails."""
    try:
        with AtomicFile(path) as hidden:
            hidden.write_text(text, encoding="utf-8", errors="backslashreplace")  # for names that are not UTF-8
    except OSError as error:
        raise cannot_be_written(path, error) from None


def cannot_be_opened(path: str | os.PathLike[str], error: OSError) -> ValueError:
    """One line for the `error` that occurred when the file `path` was opened."""
    return ValueError(f"{path}: cannot be opened: {(error.strerror or str(error)).lower()}")


def cannot_be_written(path: str | os.PathLike[str], error: BaseException) -> AudioError:
    """One line for the `error` that occurred when the file `path` was written."""
    return AudioError(f"{path}: cannot be written: {getattr(error, 'strerror', None) or 'disk full?'}")
