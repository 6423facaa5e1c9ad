import os

import numpy as np
import pytest
import soundfile

from datasets_tools.synthesis import band, strings
from splitstrument.files.atomic import SUFFIX

GROUPS = {"guitar", "bass", "drums", "piano"}


@pytest.fixture(scope="module")
def song():
    return band.play(3, 8.0, 22050)


def test_stems_are_heard_and_add_up_to_an_unclipped_mixture(song):
    assert set(song.stems) == GROUPS
    for stem in song.stems.values():
        assert stem.shape == (8 * 22050, 2) and stem.dtype == np.float32
        assert np.sqrt(np.mean(stem**2)) > 0.01
        assert np.abs(stem).max() < 1
    assert 0.3 < np.abs(song.mixture).max() <= 0.9
    np.testing.assert_allclose(song.mixture, sum(song.stems.values()), atol=1e-6)


@pytest.mark.slow
def test_seed_decides_everything(song):
    again, other = band.play(3, 8.0, 22050), band.play(4, 8.0, 22050)
    for group in GROUPS:
        np.testing.assert_array_equal(song.stems[group], again.stems[group])
        assert abs(np.corrcoef(song.stems[group].ravel(), other.stems[group].ravel())[0, 1]) < 0.3


@pytest.mark.parametrize("seed", range(4))
def test_shortest_songs_have_every_group(seed):
    for stem in band.play(seed, 1.0, 8000).stems.values():
        assert np.isfinite(stem).all() and np.abs(stem).max() > 0.01


@pytest.mark.parametrize("hertz", [41.2, 82.41, 146.83, 329.63, 880.0])
def test_plucked_string_is_in_tune(hertz):
    rate = 44100
    note = strings.pluck(hertz, 2.0, rate, np.random.default_rng(0))
    size = 2**20
    spectrum = np.abs(np.fft.rfft(note * np.hanning(len(note)), size))
    low, high = (round(hertz * factor * size / rate) for factor in (0.9, 1.1))
    peak = low + int(np.argmax(spectrum[low:high]))
    # The logarithm of a windowed peak is close to a parabola: its top lies between the bins.
    left, top, right = np.log(spectrum[peak - 1 : peak + 2])
    measured = (peak + 0.5 * (left - right) / (left - 2 * top + right)) * rate / size
    assert abs(1200 * np.log2(measured / hertz)) < 5


def test_plucked_string_decays_and_treble_first():
    note = strings.pluck(110.0, 2.0, 44100, np.random.default_rng(0), sustain=4.0, treble=0.5)
    window = np.hanning(22050)  # else the fundamental leaks into the treble
    early, late = (np.abs(np.fft.rfft(window * part)) ** 2 for part in (note[:22050], note[-22050:]))
    bass, treble = slice(40, 100), slice(1400, 1600)  # 2 Hz bins
    # 1.5 s are 22.5 dB of a fundamental that falls by 60 dB in 4 s.
    assert 10 * np.log10(early[bass].sum() / late[bass].sum()) == pytest.approx(22.5, abs=2)
    assert early[treble].sum() / late[treble].sum() > 1e8


def test_command_writes_folders_once(tmp_path, capsys):
    arguments = ["--output", str(tmp_path / "songs"), "--seed", "5", "--seconds", "2", "--rate", "8000"]
    assert band.main([*arguments, "--songs", "2"]) == 0
    assert sorted(folder.name for folder in (tmp_path / "songs").iterdir()) == ["band5", "band6"]
    track = tmp_path / "songs" / "band5"
    names = sorted(str(file.relative_to(track)) for file in track.rglob("*.wav"))
    assert names == sorted(f"{name}/{name}.wav" for name in (*GROUPS, "mix"))
    mix, rate = soundfile.read(track / "mix" / "mix.wav")
    stems = [soundfile.read(track / group / f"{group}.wav")[0] for group in GROUPS]
    assert rate == 8000 and mix.shape == (16000, 2)
    assert soundfile.info(track / "mix" / "mix.wav").subtype == "PCM_16"
    np.testing.assert_allclose(mix, sum(stems), atol=3 / 32768)
    before = (track / "mix" / "mix.wav").stat().st_mtime_ns
    assert band.main(arguments) == 1
    error = capsys.readouterr().err
    assert "band5" in error and error.count("\n") == 1
    assert (track / "mix" / "mix.wav").stat().st_mtime_ns == before


def test_what_a_killed_command_left_goes(tmp_path):
    (tmp_path / f".band0.left{SUFFIX}/guitar").mkdir(parents=True)
    assert band.main(["--output", str(tmp_path), "--seconds", "1"]) == 0
    assert os.listdir(tmp_path) == ["band0"]
