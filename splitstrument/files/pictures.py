"""Pictures that are whole or not there at all, as PNG and SVG; the same numbers give the same files."""

import contextlib
import os
from pathlib import Path

_SETTINGS = {".png": {"dpi": 120}, ".svg": {"dpi": 120, "metadata": {"Date": None}}}  # dpi: of what is raster in an SVG


def save(figure, path):
    """Write a matplotlib Figure (made without pyplot, so that no display is needed) as `path`.png and `path`.svg."""
    import matplotlib

    for suffix, settings in _SETTINGS.items():
        whole = Path(f"{path}{suffix}")
        part = whole.with_name(f".{whole.name}.part")
        try:
            # Else the names inside an SVG are new each time.
            with matplotlib.rc_context({"svg.hashsalt": "splitstrument"}):
                figure.savefig(part, format=suffix[1:], **settings)
            os.replace(part, whole)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
