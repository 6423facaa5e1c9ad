"""Splitting: pieces put together are the recording, whatever its format, and as pairs too."""

import json
import os

import numpy as np
import pytest
import soundfile

from datasets_tools import split
from datasets_tools.pairs import record_of
from splitstrument.tracks import find_pairs
from tests.audio_files import cut, song, write_av, write_sound

RATE = 8000


def command(*arguments):
    return split.main([*map(str, arguments), "--jobs", "1"])


def write(path, seconds, rate=RATE, channels=2, **settings):
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = song(seconds, rate, channels)
    write_sound(path, sound, rate, **settings)
    return sound


@pytest.mark.parametrize(
    ("seconds", "length", "ends"),
    [
        (540.0, 180, [180, 360]),
        (549.9, 180, [180, 360]),  # 9.9 s join the last piece
        (550.0, 180, [180, 360, 540]),
        (100.0, 180, []),
        (5.0, 180, []),
        (12.9, 4, [4, 8, 12]),  # a tenth of 4 s is less than 10 s
        (12.3, 4, [4, 8]),
    ],
)
def test_where_pieces_end(seconds, length, ends):
    assert split.piece_ends(seconds, length) == ends


def test_blocks_are_divided_at_the_ends_whatever_their_size():
    random = np.random.default_rng(0)
    for _ in range(200):
        total = int(random.integers(1, 60))
        ends = sorted(set(random.integers(1, total + 1, 4).tolist()) - {total})
        edges = sorted([0, *random.integers(0, total + 1, 5).tolist(), total])
        blocks = (np.arange(a, b) for a, b in zip(edges, edges[1:], strict=False))
        pieces = {}
        for number, block in split.divided(blocks, ends):
            pieces.setdefault(number, []).append(block)
        assert list(pieces) == list(range(1, len(ends) + 2))
        for number, (start, end) in enumerate(zip([0, *ends], [*ends, total], strict=True), 1):
            np.testing.assert_array_equal(np.concatenate(pieces[number]), np.arange(start, end))


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_pieces_are_the_recording(tmp_path, subtype):
    write(tmp_path / "in/long.wav", 9.7, channels=1, subtype=subtype)
    assert command(tmp_path / "in", "--length", 3, "--output", tmp_path / "out") == 0
    folder = tmp_path / "out/long"
    assert sorted(path.name for path in folder.glob("*.wav")) == [f"long_00{n}.wav" for n in (1, 2, 3, 4)]
    pieces = [soundfile.read(path)[0] for path in sorted(folder.glob("*.wav"))]
    assert [len(piece) / RATE for piece in pieces] == [3, 3, 3, pytest.approx(0.7)]
    np.testing.assert_array_equal(np.concatenate(pieces), soundfile.read(tmp_path / "in/long.wav")[0])
    assert {soundfile.info(path).subtype for path in folder.glob("*.wav")} == {subtype}


def test_every_format_and_two_recordings_of_one_name(tmp_path, capsys):
    sound = write(tmp_path / "in/one.flac", 5)
    write_av(tmp_path / "in/video.mp4", [song(5.0, 44100)], 44100)
    write(tmp_path / "in/one.ogg", 2, format="OGG")
    write(tmp_path / "in/below/one.flac", 3)
    assert command(tmp_path / "in", "--length", 2, "--output", tmp_path / "out") == 0
    assert "9 new pieces" in capsys.readouterr().out  # 3 + 3 + 1 + 2
    names = ["one (below, flac)", "one (flac)", "one (ogg)", "video"]
    assert sorted(os.listdir(tmp_path / "out")) == names
    piece, rate = soundfile.read(tmp_path / "out/one (flac)/one (flac)_002.wav")
    assert rate == RATE
    np.testing.assert_allclose(piece, sound[2 * RATE : 4 * RATE], atol=1e-4)


def test_what_is_finished_is_known_again(tmp_path, capsys):
    write(tmp_path / "in/a.wav", 5)
    write(tmp_path / "in/b.wav", 5)
    assert command(tmp_path / "in", "--length", 2, "--output", tmp_path / "out") == 0
    first = tmp_path / "out/a/a_001.wav"
    before = first.stat().st_mtime_ns
    write(tmp_path / "in/b.wav", 4)
    capsys.readouterr()
    assert command(tmp_path / "in", "--length", 2, "--output", tmp_path / "out") == 1
    printed = capsys.readouterr().out
    assert "1 already there" in printed and "failed: b: " in printed and "made from other sources" in printed
    assert command(tmp_path / "in", "--length", 3, "--output", tmp_path / "out") == 1
    assert first.stat().st_mtime_ns == before


@pytest.mark.parametrize(("rate", "channels"), [(RATE, 1), (44100, 2), (16000, 4)])
def test_pairs_are_in_stereo_with_a_silent_rest(tmp_path, rate, channels):
    sound = write(tmp_path / "in/solo.wav", 3.5, rate, channels, subtype="FLOAT")
    rates = [RATE, 22050]
    assert command(tmp_path / "in", "--length", 2, "--output", tmp_path / "out", "--pairs", "--rates", *rates) == 0
    stereo = np.broadcast_to(sound if channels < 3 else sound.mean(1, keepdims=True), (len(sound), 2))
    for each in rates:
        pairs = sorted(find_pairs(tmp_path / f"out/tracks_{each}hz"), key=lambda pair: pair.name)
        assert [pair.name for pair in pairs] == ["solo_001", "solo_002"]
        parts = [soundfile.read(pair.path("instrument"), always_2d=True) for pair in pairs]
        assert [len(part) / found for part, found in parts] == [2, 1.5]
        whole = np.concatenate([part for part, _ in parts])
        assert whole.shape == (round(3.5 * each), 2) and pairs[0].wave("instrument").dtype == "<i2"
        assert not any(soundfile.read(pair.path("rest"))[0].any() for pair in pairs)
        assert all(pair.wave("rest").samples == pair.wave("instrument").samples for pair in pairs)
        if each == rate:
            np.testing.assert_allclose(whole, stereo, atol=0.51 / 32768)
        else:  # the tones, below 500 Hz, are kept; of the noise what both rates hold
            place = slice(each, each + each // 2)
            other = np.interp(np.arange(len(whole)) / each, np.arange(len(sound)) / rate, stereo[:, 0])
            assert np.corrcoef(whole[place, 0], other[place])[0, 1] > 0.98


def test_what_is_too_loud_gets_one_gain_for_all_pieces(tmp_path):
    sound = 0.3 * song(4.0, RATE, 2)
    sound[5000] = 1.6  # in the first piece only
    (tmp_path / "in").mkdir()
    write_sound(tmp_path / "in/loud.wav", sound, RATE, subtype="FLOAT")
    output = tmp_path / "out"
    assert command(tmp_path / "in", "--length", 2, "--output", output, "--pairs", "--rates", RATE) == 0
    for number in (1, 2):
        folder = output / f"tracks_{RATE}hz/loud_00{number}"
        piece = soundfile.read(folder / f"instrument_{folder.name}.wav")[0]
        start = (number - 1) * 2 * RATE
        np.testing.assert_allclose(piece, sound[start : start + 2 * RATE] / 1.6, atol=1e-4)
        assert record_of(folder)["gain_db"] == pytest.approx(-4.08)


def test_pairs_that_are_finished_are_known_again(tmp_path, capsys):
    write(tmp_path / "in/a.wav", 5)
    line = [tmp_path / "in", "--length", 2, "--output", tmp_path / "out", "--pairs", "--rates", RATE]
    assert command(*line) == 0
    folder = tmp_path / f"out/tracks_{RATE}hz"
    assert sorted(os.listdir(folder)) == ["a_001", "a_002", "a_003"]
    content = {path: path.read_bytes() for path in folder.rglob("*.*")}
    capsys.readouterr()
    assert command(*line) == 0
    assert "0 done, 1 already there" in capsys.readouterr().out
    # As if it had been stopped before the second piece.
    times = {name: (folder / name / ".pair.json").stat().st_mtime_ns for name in ("a_001", "a_003")}
    for file in (folder / "a_002").iterdir():
        file.unlink()
    (folder / "a_002").rmdir()
    assert command(*line) == 0
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == content
    assert times == {name: (folder / name / ".pair.json").stat().st_mtime_ns for name in times}
    line[2] = 3
    assert command(*line) == 1
    assert "made from other sources" in capsys.readouterr().out


def test_broken_and_cut_recordings(tmp_path, capsys):
    write(tmp_path / "in/good.wav", 3)
    cut(tmp_path / "in/good.wav", 0.5, "half.wav")
    (tmp_path / "in/bad.mp3").write_bytes(b"nothing" * 99)
    assert command(tmp_path / "in", "--length", 1, "--output", tmp_path / "out") == 1
    printed = capsys.readouterr().out
    assert "note: half: " in printed and "the file is cut: 1.5 of 3.0 s" in printed
    assert "failed: bad: " in printed and "2 done" in printed
    assert sorted(os.listdir(tmp_path / "out")) == ["good", "half"]
    note = json.loads((tmp_path / "out/half/.split.json").read_text())
    assert note["length"] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["IN", "--output", "x", "--length", "0"], "--length"),
        (["IN", "--output", "x", "--rates", "8000"], "--pairs"),
        (["IN", "--output", "x", "--pairs", "--rates", "5"], "--rates"),
        (["IN", "--output", "IN/x"], "one is inside the other"),
        (["none", "--output", "x"], "no such folder"),
        (["EMPTY", "--output", "x"], "no audio files"),
    ],
)
def test_bad_options_are_one_line(tmp_path, monkeypatch, capsys, options, words):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "IN/a.wav", 1)
    (tmp_path / "EMPTY").mkdir()
    assert command(*options) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["EMPTY", "IN"]
