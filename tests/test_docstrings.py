"""The examples in the docstrings of what other programs use run as they are written."""

import doctest
import importlib

import numpy as np
import pytest

from splitstrument.files.writing import AudioWriter

RATE = 44100


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with a song of a second in stereo, song.ogg, and a pair, pairs/song: what the examples read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs" / "song").mkdir(parents=True)
    for name in ("song.ogg", "pairs/song/instrument_song.wav", "pairs/song/rest_song.wav"):
        with AudioWriter(name, RATE, 2) as writer:
            writer.write(np.random.default_rng(0).normal(0, 0.1, (RATE, 2)))


@pytest.mark.parametrize("name", ["separator", "files.audio", "files.writing", "tracks"])
def test_examples_run(name):
    result = doctest.testmod(importlib.import_module(f"splitstrument.{name}"))
    assert result.attempted > 1
    assert result.failed == 0
