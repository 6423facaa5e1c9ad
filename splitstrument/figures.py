"""Pictures that are whole or not there at all, PNG or SVG by the file's suffix; the same numbers give the same file."""

import contextlib
import os
from pathlib import Path


def save(figure, path):
    """Write a matplotlib Figure (made without pyplot, so that no display is needed) into the file `path`."""
    import matplotlib

    path = Path(path)
    part = path.with_name(f".{path.name}.part")
    settings = {"metadata": {"Date": None}} if path.suffix.lower() == ".svg" else {"dpi": 120}
    try:
        # Else the names inside an SVG are new each time.
        with matplotlib.rc_context({"svg.hashsalt": "splitstrument"}):
            figure.savefig(part, format=path.suffix[1:].lower(), **settings)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
