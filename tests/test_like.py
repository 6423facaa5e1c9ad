"""`separate --like EXAMPLE`: what sounds like an example is taken out."""

import numpy as np
import pytest
import soundfile

from splitstrument.listing import models_main
from splitstrument.separate import main
from tests import tiny

RATE = 22050


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a song, two examples and a model that takes an example."""
    root = tmp_path_factory.mktemp("like")
    random = np.random.default_rng(0)
    soundfile.write(root / "song.wav", random.uniform(-0.5, 0.5, (RATE, 2)), RATE)
    soundfile.write(root / "flute.wav", 0.3 * np.sin(np.arange(RATE)), RATE)
    soundfile.write(root / "drum.flac", random.uniform(-0.5, 0.5, (4410, 2)), 44100)
    tiny.model(root / "small", "conditioned_unet", sources=("like",), seed=1)  # one that minds the example more
    return root


def separate(folder, *arguments):
    return main([str(folder / "song.wav"), "-o", str(folder / "out"), *map(str, arguments)])


@pytest.mark.slow
def test_each_example_has_its_folder_and_the_parts_add_up(folder, capsys):
    song = soundfile.read(folder / "song.wav")[0]
    taken = []
    for example in ("flute.wav", "drum.flac"):
        assert separate(folder, "--model", folder / "small", "--like", folder / example) == 0
        stems = folder / "out/small" / example.partition(".")[0] / "song"
        parts = [soundfile.read(stems / f"{part}.wav")[0] for part in ("like", "rest")]
        np.testing.assert_allclose(sum(parts), song, atol=2**-14)
        taken.append(parts[0])
    assert np.abs(taken[0] - taken[1]).max() > 1e-3
    assert "1 already there" not in capsys.readouterr().out
    # The same command finds its songs again, and keeps them if the example has another sound now.
    assert separate(folder, "--model", folder / "small", "--like", folder / "flute.wav") == 0
    assert "1 already there" in capsys.readouterr().out
    soundfile.write(folder / "flute.wav", 0.3 * np.sin(0.1 * np.arange(RATE)), RATE)
    assert separate(folder, "--model", folder / "small", "--like", folder / "flute.wav") == 1
    assert "holds stems made with other settings; use --overwrite" in capsys.readouterr().out


def test_the_list_of_models_says_how_well_it_does(capsys):
    assert models_main(["like"]) == 0
    assert "median SI-SDR of all parts above the mixture's in dB: 3.0 on 48 tracks" in capsys.readouterr().out


@pytest.mark.slow
def test_an_example_needs_no_name_of_a_model(folder):
    assert separate(folder, "--like", folder / "flute.wav") == 0
    parts = [soundfile.read(folder / f"out/like/flute/song/{part}.wav")[0] for part in ("like", "rest")]
    np.testing.assert_allclose(sum(parts), soundfile.read(folder / "song.wav")[0], atol=2**-14)


@pytest.mark.parametrize(
    ("name", "samples", "says"),
    [
        ("silent.wav", RATE, "is silent; give a few seconds in which the sound to take out plays alone"),
        ("short.wav", 100, "is shorter than 0.1 s; give a few seconds of the sound to take out"),
        ("none.wav", None, "no such file"),
    ],
)
def test_examples_that_say_nothing_are_refused_in_a_line(folder, capsys, name, samples, says):
    if samples:
        soundfile.write(folder / name, np.zeros(samples) if samples == RATE else np.ones(samples) / 2, RATE)
    assert separate(folder, "--model", folder / "small", "--like", folder / name) == 2
    printed = capsys.readouterr()
    assert says in printed.err.lower() or says in printed.err
    assert name in printed.err and printed.err.count("\n") == 1


def test_models_and_examples_must_fit(folder, capsys):
    assert separate(folder, "--model", folder / "small") == 2
    assert "small: needs an example of the sound to take out; give one with --like" in capsys.readouterr().err
    assert separate(folder, "--model", "guitar", "--like", folder / "flute.wav") == 2
    assert "--like: guitar takes no example; choose a model that does with --model" in capsys.readouterr().err
