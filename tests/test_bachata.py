"""Bachata songs: stems of four instruments, and where beats and bars are."""

import numpy as np
import pytest

from datasets_tools.pairs import record_of
from datasets_tools.synthesis import bachata
from datasets_tools.synthesis.players import RATE
from splitstrument.__main__ import main
from splitstrument.tracks import find_tracks


class Computed:
    """Material without samples: every instrument is computed."""

    families: dict = {}
    left_out: set = set()

    def pick(self, family, random):
        from datasets_tools.synthesis.material import Instrument

        kind = "tones" if family == "bass" else "string"
        return Instrument(kind, family, 33 if family == "bass" else 25, f"computed {family}", "none needed")


@pytest.fixture(scope="module")
def song():
    return bachata.play(Computed(), bachata.Settings(bars=4, tempo=120.0, pickup=3), seed=5)


def test_every_instrument_is_heard_and_nothing_clips(song):
    assert set(song.stems) == set(bachata.STEMS)
    for stem in song.stems.values():
        assert stem.dtype == np.float32 and stem.shape[1] == 1
        assert 0.005 < np.sqrt(np.mean(stem**2)) < 0.5
    assert np.abs(sum(song.stems.values())).max() <= 0.9 + 1e-6


def test_bars_begin_after_the_pick_up_which_only_the_guitar_plays():
    pickups = set()
    for seed in range(6):
        song = bachata.play(Computed(), bachata.Settings(bars=2, tempo=120.0, pickup=3), seed)
        first = round(song.bars[0] * RATE)
        pickups.add(round(song.bars[0] / 0.5))
        assert len(song.beats) == pickups_of(song) + 8
        for stem in ("bongo", "guira", "bass"):
            assert np.abs(song.stems[stem][: max(first - round(0.03 * RATE), 0)]).max(initial=0) < 1e-4
        if first:
            assert np.abs(song.stems["guitar"][:first]).max() > 0.01
    assert len(pickups) > 1 and pickups <= {0, 1, 2, 3}


def pickups_of(song):
    return round(song.bars[0] / 0.5)


def test_at_a_tempo_every_bar_is_as_long_and_strokes_are_on_its_steps(song):
    np.testing.assert_allclose(np.diff(song.bars), 2.0, atol=1e-6)
    power = np.square(song.stems["bongo"][:, 0])
    step = round(0.125 * RATE)  # a sixteenth
    start = round(song.bars[0] * RATE) - round(0.02 * RATE)
    strokes = [power[start + number * step :][:step].sum() for number in range(16)]
    assert np.argmax(strokes) % 2 == 0  # on an eighth


def test_a_song_may_drift_in_tempo_and_the_seed_decides_everything():
    songs = [bachata.play(Computed(), bachata.Settings(bars=2), seed) for seed in (1, 1, 2, 3, 4, 5)]
    for stem in bachata.STEMS:
        np.testing.assert_array_equal(songs[0].stems[stem], songs[1].stems[stem])
    lengths = [np.diff(song.beats) for song in songs[1:]]
    assert len({round(float(each[0]), 4) for each in lengths}) == 5
    assert any(np.ptp(each) > 0.002 for each in lengths)


@pytest.mark.parametrize(
    ("settings", "says"), [({"bars": 0}, "bars"), ({"tempo": 10.0}, "tempo"), ({"pickup": 99}, "pickup")]
)
def test_settings_are_checked(settings, says):
    with pytest.raises(ValueError, match=f"^{says}: must be"):
        bachata.Settings(**settings)


@pytest.mark.slow
def test_the_command_writes_tracks_once(tmp_path, capsys):
    command = ["bachata", "--sounds", str(tmp_path / "sounds"), "--bars", "2", "--songs", "2"]
    command += ["--rate", "22050"]
    command += ["--output", str(tmp_path / "songs")]
    assert main(command) == 2
    assert "no such file or folder" in capsys.readouterr().err
    (tmp_path / "sounds").mkdir()
    assert main(command) == 0
    folder = tmp_path / "songs/tracks_22050hz/bachata1"
    (track,) = [track for track in find_tracks(tmp_path / "songs") if track.name == "bachata1"]
    assert set(track.parts) == set(bachata.STEMS) and track.wave("bongo").rate == 22050
    made = record_of(folder)
    assert len(made["beats"]) == 8 and len(made["bars"]) == 2 and set(made["sounds"]) == set(bachata.STEMS)
    before = track.path("bongo").stat().st_mtime_ns
    assert main(command) == 0
    assert track.path("bongo").stat().st_mtime_ns == before
    assert main([*command, "--tempo", "120"]) == 2
    assert "already exists, made from other sources" in capsys.readouterr().err
