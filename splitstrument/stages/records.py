"""By what finished work is known when a command is given again: records of what it was made from, and its settings."""

import json
import os
from pathlib import Path
from typing import Any

from splitstrument.files.texts import write_text
from splitstrument.stages.run import StageError


def keep_settings(output: str | os.PathLike[str], name: str, settings: dict[str, Any]) -> None:
    """Remember in the folder `output` with what settings it is made; StageError where it was made with others."""
    path, text = Path(output) / f".{name}.json", json.dumps(settings) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise StageError(f"{output}: was made with other settings, {path.read_text().strip()}; use another --output")
    write_text(path, text)


def read_record(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The dict in the JSON file `path`, or None where there is none."""
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def identity(path: str | os.PathLike[str]) -> list[str | int]:
    """By what a source file is known again: its path, its size in bytes, when it was changed."""
    status = os.stat(path)
    return [os.path.abspath(path), status.st_size, status.st_mtime_ns]
