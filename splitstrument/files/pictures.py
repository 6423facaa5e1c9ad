"""Pictures that are whole or not there at all, as PNG and SVG; the same numbers give the same files."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.files.atomic import AtomicFile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SETTINGS: dict[str, dict[str, Any]] = {
    ".png": {"dpi": 120},
    ".svg": {"dpi": 120, "metadata": {"Date": None}},  # dpi: of what is raster in it
}


def save(figure: "Figure", path: str | os.PathLike[str]) -> None:
    """Write a matplotlib Figure (made without pyplot, so that no display is needed) as `path`.png and `path`.svg."""
    import matplotlib

    for suffix, settings in _SETTINGS.items():
        # Else the names inside an SVG are new each time.
        salt = matplotlib.rc_context({"svg.hashsalt": "splitstrument"})
        with AtomicFile(Path(f"{path}{suffix}")) as hidden, salt:
            figure.savefig(hidden, format=suffix[1:], **settings)
