"""Records of what finished work was made from and with which settings, so a repeated command can skip it."""

import json
import os
from pathlib import Path
from typing import Any

from splitstrument.files.texts import write_text
from splitstrument.stages.run import StageError


def keep_settings(output: str | os.PathLike[str], name: str, settings: dict[str, Any]) -> None:
    """Record the settings of the folder `output` in it. Raises StageError if it was made with other settings."""
    path, text = Path(output) / f".{name}.json", json.dumps(settings) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise StageError(f"{output}: was made with other settings, {path.read_text().strip()}; use another --output")
    write_text(path, text)


def read_record(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The dict in the JSON file `path`, or None if there is none."""
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def identity(path: str | os.PathLike[str]) -> list[str | int]:
    """Identifies a source file: its path, its size in bytes, and its modification time."""
    status = os.stat(path)
    return [os.path.abspath(path), status.st_size, status.st_mtime_ns]
