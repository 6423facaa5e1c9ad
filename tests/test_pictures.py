"""Pictures: names of any script, without warnings, and the same again."""

import os
import warnings

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from PIL import Image

from datasets_tools.plots import bars, stacked_bars
from splitstrument.files import pictures

NAMES = ["日本の歌", "\U0001f3b8\U000e0067 [x] & $100%$", os.fsdecode(b"b\xff"), "Ünïcödé", "Песня", "a\nb", "\x07"]


@pytest.fixture
def strict():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_names_of_any_script_are_drawn_without_a_warning(tmp_path, strict):
    values = range(1, len(NAMES) + 1)
    bars(tmp_path / "bars", NAMES, values, NAMES[0], NAMES[1], "\U0001d4d0")
    stacked_bars(tmp_path / "stacked", NAMES, dict.fromkeys(NAMES, values), NAMES[2], NAMES[3], NAMES[4])
    assert all(
        (tmp_path / f"{name}{end}").stat().st_size > 1000 for name in ("bars", "stacked") for end in (".png", ".svg")
    )


def test_what_no_font_has_becomes_a_question_mark(monkeypatch):
    own = [font for font in font_manager.fontManager.ttflist if font.name.startswith(("DejaVu Sans", "Last Resort"))]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    pictures._families.cache_clear()
    families = pictures._families(frozenset("".join(NAMES)))
    assert [pictures._drawable(name, families) for name in NAMES] == [
        "????",
        "? [x] & $100%$",
        "b?",
        "Ünïcödé",
        "Песня",
        "a\nb",
        "",
    ]
    pictures._families.cache_clear()


def test_another_font_is_used_that_has_a_letter():
    """One of those that matplotlib brings stands for one of another script."""
    families = pictures._families(frozenset("a\U0001d4d0"))
    assert families["a"] == "DejaVu Sans"
    assert families["\U0001d4d0"] != "DejaVu Sans"


def test_a_png_has_a_palette_and_keeps_its_colours(tmp_path):
    figure = Figure(figsize=(2, 1), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(np.random.default_rng(0).random((100, 200)), cmap="magma", aspect="auto")
    pictures.save(figure, tmp_path / "shades")
    with Image.open(tmp_path / "shades.png") as picture:
        assert picture.mode == "P"
        shown = np.asarray(picture.convert("RGB")).astype(int)
    figure.savefig(tmp_path / "full.png", dpi=120)
    with Image.open(tmp_path / "full.png") as picture:
        full = np.asarray(picture.convert("RGB")).astype(int)
    assert np.abs(shown - full).mean() < 5  # of 255, of noise
    assert (tmp_path / "shades.png").stat().st_size < 0.7 * (tmp_path / "full.png").stat().st_size
