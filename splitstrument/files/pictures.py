"""Writes pictures as PNG and SVG, in one step each. The same data give the same files.

Names in pictures can be in any script: they are drawn with installed fonts that have its letters, such as those of
Debian's fonts-noto-cjk. A character that no font has, most often an emoji, becomes a question mark.
"""

import functools
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.files.atomic import AtomicFile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SETTINGS: dict[str, dict[str, Any]] = {
    ".png": {"dpi": 120},
    ".svg": {"dpi": 120, "metadata": {"Date": None}},  # dpi: for raster images in it
}
_FONT = "DejaVu Sans"  # comes with matplotlib


def save(figure: "Figure", path: str | os.PathLike[str]) -> None:
    """Write a matplotlib Figure (made without pyplot, so no display is needed) as `path`.png and `path`.svg."""
    import matplotlib

    _make_readable(figure)
    for suffix, settings in _SETTINGS.items():
        # Without it, the names inside an SVG would be different each time.
        salt = matplotlib.rc_context({"svg.hashsalt": "splitstrument"})
        with AtomicFile(Path(f"{os.fspath(path)}{suffix}")) as hidden, salt:
            figure.savefig(hidden, format=suffix[1:], **settings)
            if suffix == ".png":
                _with_palette(hidden)


def _with_palette(path: Path) -> None:
    """Reduce a PNG to 256 colours, of which it looks the same and spectrograms take half the room."""
    from PIL import Image

    with Image.open(path) as picture:
        reduced = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    reduced.save(path, "PNG", optimize=True)


def _make_readable(figure: "Figure") -> None:
    """Set fonts for all texts of a figure that have their letters."""
    from matplotlib.text import Text
    from matplotlib.ticker import FuncFormatter

    axes = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    named = [axis for axis in axes if isinstance(axis.get_major_formatter(), FuncFormatter)]
    for axis in named:
        axis.get_ticklabels()  # updates their texts
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    letters = frozenset("".join(text.get_text() for text in texts))
    families = _families(letters)
    if all(families.get(letter) == _FONT for letter in letters - {"\n"}):
        return
    for axis in named:
        label = functools.partial(_label, axis.get_major_formatter(), families)
        axis.set_major_formatter(FuncFormatter(label))
    for text in texts:
        text.set_text(_drawable(text.get_text(), families))
        text.set_fontfamily([_FONT, *sorted({family for family in families.values() if family != _FONT})])


def _label(formatter: Callable[[float, int], str], families: dict[str, str], value: float, number: int) -> str:
    return _drawable(formatter(value, number), families)


def _drawable(words: str, families: dict[str, str]) -> str:
    """`words` without the characters that no font has: marks and joiners are removed, others become question marks."""
    unseen = ("Cc", "Cf", "Mn")
    return "".join(c if c in families or c == "\n" else "" if unicodedata.category(c) in unseen else "?" for c in words)


@functools.lru_cache(maxsize=16)
def _families(letters: frozenset[str]) -> dict[str, str]:
    """{letter: a font family that has it}, matplotlib's own first. Letters that no family has are left out.

    Only the regular font of a family counts, since matplotlib draws with it.
    """
    from matplotlib import font_manager

    fonts = [font for font in font_manager.fontManager.ttflist if not font.name.startswith("Last Resort")]
    fonts.sort(key=lambda font: (font.style != "normal", font.weight not in (400, "normal", "regular")))
    regular = {font.name: font for font in reversed(fonts)}
    families: dict[str, str] = {}
    for name in sorted(regular, key=lambda name: (name != _FONT, name)):
        left = letters.difference(families, "\n")
        if not left:
            break
        try:
            face = font_manager.get_font(regular[name].fname)
            families |= {letter: name for letter in sorted(left) if face.get_char_index(ord(letter))}
        except (OSError, RuntimeError):
            continue  # a bitmap font, which matplotlib cannot draw
    return families
