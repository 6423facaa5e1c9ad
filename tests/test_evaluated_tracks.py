"""Tracks as evaluation finds and reads them: pairs, folders of four stems, stem files."""

import os
import shutil

import numpy as np
import pytest

from splitstrument.files.audio import AudioError
from splitstrument.tracks import STEMS, TrackError, find_pairs, find_tracks
from tests import audio_files
from tests.evaluated import RATE, sound, write_pair, write_pairs, write_stems, write_wav


def test_pairs_are_tracks_of_two_parts_in_the_order_of_pairs(tmp_path):
    write_pairs(tmp_path, 3)
    tracks = find_tracks(tmp_path)
    assert [track.name for track in tracks] == [pair.name for pair in find_pairs(tmp_path)]
    assert all(track.parts == ("instrument", "rest") for track in tracks)
    (first,) = (track for track in tracks if track.name == "song0")
    parts, rate = first.read()
    assert rate == RATE and parts["rest"].dtype == np.float32
    np.testing.assert_array_equal(parts["instrument"], sound(0))
    np.testing.assert_array_equal(parts["rest"], sound(1))


def test_folders_of_four_stems_are_tracks(tmp_path):
    write_stems(tmp_path / "test", "Otters - Creek", (*STEMS, "mixture"))
    write_stems(tmp_path / "test", "without drums", STEMS[1:])
    track, lacking = find_tracks(tmp_path)
    assert (track.name, track.parts) == ("Otters - Creek", STEMS)
    with pytest.raises(AudioError, match="without drums/drums.wav: cannot be opened: no such file"):
        lacking.read()
    parts, _ = track.read()
    for number, stem in enumerate(STEMS):
        np.testing.assert_array_equal(parts[stem], sound(number, 0.5))


def test_stem_files_are_tracks_whose_first_stream_is_not_read(tmp_path):
    stems = [audio_files.song(0.5, seed=seed) for seed in range(1, 5)]
    (tmp_path / "test").mkdir()
    audio_files.write_av(tmp_path / "test/Otters - Creek.stem.mp4", [sum(stems), *stems], container="mp4")
    (track,) = find_tracks(tmp_path)
    assert (track.name, track.parts) == ("Otters - Creek", STEMS)
    parts, rate = track.read()
    assert rate == 44100
    for stem, truth in zip(STEMS, stems, strict=True):
        assert np.corrcoef(parts[stem][5000:, 0], truth[5000:, 0])[0, 1] > 0.95


def test_without_panning_a_track_is_the_mean_of_its_channels(tmp_path):
    left, right = sound(0), sound(2)
    write_pair(tmp_path, "a", np.hstack([left, right]), np.hstack([right, right]))
    parts, _ = find_tracks(tmp_path)[0].read(remove_panning=True)
    assert all(part.shape == left.shape for part in parts.values())
    np.testing.assert_allclose(parts["instrument"], (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize(
    ("rest", "rate", "words"),
    [
        (sound(1, 2.5), RATE, "has 20000 samples, instrument_a.wav has 24000"),
        (sound(1), 11025, "has 11025 Hz, instrument_a.wav has 8000"),
        (sound(1, channels=2), RATE, "has 2 channels, instrument_a.wav has 1"),
    ],
)
def test_parts_that_do_not_fit_are_told(tmp_path, rest, rate, words):
    write_pair(tmp_path, "a", sound(0), sound(1))
    write_wav(tmp_path / "a/rest_a.wav", rest, rate)
    with pytest.raises(TrackError, match=f"rest_a.wav: {words}"):
        find_tracks(tmp_path)[0].read()


def test_a_cut_file_is_not_scored_as_if_it_were_whole(tmp_path):
    (track,) = find_tracks(write_pairs(tmp_path, 1))
    for part in ("instrument", "rest"):
        os.truncate(tmp_path / f"song0/{part}_song0.wav", 60000)
    with pytest.raises(AudioError, match="the file is cut"):
        track.read()


def test_folders_that_cannot_be_scored_are_refused(tmp_path):
    with pytest.raises(TrackError, match="no such folder"):
        find_tracks(tmp_path / "none")
    with pytest.raises(TrackError, match="no tracks below"):
        find_tracks(tmp_path)
    write_stems(tmp_path / "one", "a")
    write_stems(tmp_path / "other", "a")
    with pytest.raises(
        TrackError, match="one/a and .*other/a have the same name; choose one of their folders: .*/one or .*/other$"
    ):
        find_tracks(tmp_path)
    shutil.rmtree(tmp_path / "other")
    write_pair(tmp_path / "other", "b", sound(0, 0.1), sound(1, 0.1))
    with pytest.raises(TrackError, match="has tracks with named parts .* and songs with four stems .*; give"):
        find_tracks(tmp_path)
    write_pair(tmp_path / "one/tracks_22050hz", "b", sound(0, 0.1), sound(1, 0.1))
    shutil.rmtree(tmp_path / "one/a")
    with pytest.raises(TrackError, match="have the same name"):
        find_tracks(tmp_path)
