"""Silence: what is measured, what is cut and in which order, and that both files stay as they were elsewhere."""

import csv
import functools
import os

import numpy as np
import pytest
import soundfile
import yaml

from datasets_tools import plots, silence
from datasets_tools.cutting import Windows, choose_cuts, is_silent, kept, measure, silence_without
from datasets_tools.pairs import record_of
from splitstrument.tracks import track_in

RATE = 8000
FADE = 80  # frames: 10 ms


def windows(pattern, last=1.0):
    """Windows of a pattern such as "##..#": # sounds, . is silent; the last one is so many seconds long."""
    frames = round((len(pattern) - 1 + last) * RATE)
    return Windows(RATE, frames, tuple(mark == "." for mark in pattern))


def audio(pattern, channels=1, seed=0, level=0.3, last=1.0):
    """A sound of such a pattern: noise, and silence that is not nothing (-66 dBFS)."""
    noise = np.random.default_rng(seed).uniform(-1, 1, (round((len(pattern) - 1 + last) * RATE), channels))
    levels = np.array([level if mark == "#" else 0.0008 for mark in pattern]).repeat(RATE)[: len(noise)]
    return noise * levels[:, None]


def make_pair(root, name, pattern, subtype="PCM_16", channels=1, rate=RATE, **settings):
    folder = root / name
    folder.mkdir(parents=True)
    soundfile.write(folder / f"instrument_{name}.wav", audio(pattern, channels, **settings), rate, subtype)
    rest = audio("#" * len(pattern), channels, seed=1, last=settings.get("last", 1.0))
    soundfile.write(folder / f"rest_{name}.wav", rest, rate, subtype)
    return track_in(folder)


def samples(folder, part):
    return soundfile.read(folder / f"{part}_{folder.name}.wav", dtype="int16", always_2d=True)[0]


def command(*arguments):
    return silence.main([*map(str, arguments), "--jobs", "1"])


def test_the_limit_is_minus_50_dbfs_over_all_channels():
    tone = np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE)[:, None]
    for decibels, quiet in ((-49.9, False), (-50.1, True)):
        level = 10 ** (decibels / 20) * np.sqrt(2)  # the RMS of a sine is its amplitude / sqrt(2)
        assert is_silent(level * tone) is quiet
        assert is_silent(np.hstack([level * np.sqrt(2) * tone, 0 * tone])) is quiet


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_measuring_files_of_any_depth(tmp_path, subtype):
    soundfile.write(tmp_path / "a.wav", audio("..##.#...", channels=2, last=0.25), RATE, subtype)
    found = measure(tmp_path / "a.wav")
    assert found.silent == tuple(mark == "." for mark in "..##.#...")
    assert found.seconds == 8.25
    assert found.silence == pytest.approx(100 * 5.25 / 8.25)
    assert found.stretches() == [(0, 2), (6, 9)]


@pytest.mark.parametrize(
    ("pattern", "target", "cuts"),
    [
        ("####..####", 30, []),  # 20 % are little enough
        ("...#######", 30, []),  # just at the target
        ("..####......####..", 0, [(0, 2), (6, 12), (16, 18)]),  # all
        ("..####......####..", 54, [(0, 1)]),  # the beginning before what is longer: 10 - c = 0.54 (18 - c)
        ("..####......####..", 45, [(0, 2), (16, 18)]),  # then the end
        ("##..####......####...####", 30, [(9, 14)]),  # the longest; of 11 in 25 s, c = (11 - 7.5) / 0.7 = 5
        ("##...####...####", 30, [(3, 5)]),  # the earlier of equally long ones, but for its first window
        ("#.#.#.#.#.#.#.#.", 10, []),  # breaths are music
        ("#.#..#.#.#", 10, [(3, 5)]),
        ("....", 30, []),
    ],
)
def test_which_stretches_are_cut(pattern, target, cuts):
    track = windows(pattern)
    assert choose_cuts(track, target) == cuts


def test_no_window_more_than_needed_is_cut():
    random = np.random.default_rng(7)
    for _ in range(300):
        marks = random.choice([".", "#"], 3)[random.integers(0, 3, 12)].repeat(random.integers(1, 5, 12))
        track = windows("".join([*marks, "#"]), last=0.5)
        target = float(random.uniform(0, 90))
        cuts = choose_cuts(track, target)
        gone = [window for cut in cuts for window in range(*cut)]
        assert len(gone) == len(set(gone)) and all(track.silent[window] for window in gone)
        after = silence_without(track, cuts)
        cuttable = {window for stretch in track.stretches() for window in range(*stretch)}
        assert after <= target or set(gone) == cuttable
        if gone:
            assert silence_without(track, [(window, window + 1) for window in gone[1:]]) > target


def test_joints_have_no_step_and_what_is_kept_stays():
    # A slow sine all through: at each joint the step may be no larger than what a fade of 10 ms makes of it.
    time = np.arange(12 * RATE) / RATE
    whole = 0.5 * np.sin(2 * np.pi * 1.37 * time)[:, None].astype(np.float32)
    blocks = [whole[at : at + RATE] for at in range(0, len(whole), RATE)]
    before = whole.copy()
    joined = np.concatenate(list(kept(iter(blocks), [(0, 2), (5, 8), (11, 12)], RATE)))
    np.testing.assert_array_equal(whole, before)
    assert len(joined) == 6 * RATE
    expected = np.concatenate([whole[2 * RATE : 5 * RATE], whole[8 * RATE : 11 * RATE]])
    faded = np.zeros(len(joined), bool)
    for first in (0, 3 * RATE - FADE, 6 * RATE - FADE):
        faded[first : first + FADE] = True
    np.testing.assert_array_equal(joined[~faded], expected[~faded])
    assert abs(np.diff(expected[:, 0])).max() > 0.1  # without a fade
    assert abs(np.diff(joined[:, 0])).max() < 0.025
    assert abs(joined[0, 0]) < 0.001 and abs(joined[-1, 0]) < 0.001


def test_the_command_cuts_both_files_alike_and_leaves_the_rest_alone(tmp_path, capsys):
    root, output = tmp_path / "pairs", tmp_path / "cut"
    make_pair(root, "busy", "###.####", channels=2)
    make_pair(root, "gaps", "....###......####", last=0.5)
    make_pair(root, "breaths", "#.##.#.#..")
    make_pair(root, "quiet", "#" + "...#.#.#.#." * 3 + ".")
    make_pair(root, "dead", "......")
    assert command(root, "--cut", "--target", "25", "--discard", "40", "--output", output) == 0
    printed = capsys.readouterr().out
    assert "before cutting:\nSongs with less than 10% silence: 0\nSongs with less than 20% silence: 1" in printed
    assert "Songs with more than 90% silence: 1\nafter cutting:" in printed
    assert "silent, even after cutting: quiet" in printed and "100.0 % silent: dead" in printed
    folder = output / f"tracks_{RATE}hz"
    assert sorted(os.listdir(folder)) == ["breaths", "busy", "cuts.yaml", "gaps"]

    for part in ("instrument", "rest"):
        np.testing.assert_array_equal(samples(folder / "busy", part), samples(root / "busy", part))
    source = {part: samples(root / "gaps", part) for part in ("instrument", "rest")}
    # 10 of 16.5 s are silent: (10 - 4.125) / 0.75 = 7.83 s are cut, 4 at the beginning and 4 of 6.
    removed = np.zeros(len(source["rest"]), bool)
    removed[: 4 * RATE] = removed[8 * RATE : 12 * RATE] = True
    for part, whole in source.items():
        cut = samples(folder / "gaps", part)
        assert len(cut) == round(8.5 * RATE)
        same = (cut == whole[~removed]).all(axis=1)
        assert same[FADE : 4 * RATE - FADE].all() and same[4 * RATE :].all()
    listed = yaml.safe_load((folder / "cuts.yaml").read_text())
    assert [entry["name"] for entry in listed["tracks"]] == ["breaths", "busy", "gaps"]
    gaps = listed["tracks"][2]
    assert gaps["cuts"] == [[0, 4], [8, 12]] == record_of(folder / "gaps")["cuts"]
    assert (gaps["seconds_before"], gaps["seconds_after"]) == (16.5, 8.5)
    assert gaps["silence_before"] == pytest.approx(1000 / 16.5, abs=1e-3)
    again = measure(folder / "gaps/instrument_gaps.wav")
    assert gaps["silence_after"] == pytest.approx(again.silence, abs=1e-3) and again.silence < 25
    assert choose_cuts(again, 25) == []  # what is cut is not cut again
    assert [entry["name"] for entry in listed["left_out"]] == ["dead", "quiet"]

    content = {path: path.read_bytes() for path in folder.rglob("*.*")}
    assert command(root, "--cut", "--target", "25", "--discard", "40", "--output", output) == 0
    assert "3 already there, 2 skipped" in capsys.readouterr().out
    second = tmp_path / "second"
    assert command(root, "--cut", "--target", "25", "--discard", "40", "--output", second) == 0
    for path, data in content.items():
        assert path.read_bytes() == data
        assert (second / path.relative_to(output)).read_bytes() == data
    # Other settings into the same folder are told, not mixed in.
    assert command(root, "--cut", "--target", "10", "--discard", "40", "--output", output) == 2
    assert "was made with other settings" in capsys.readouterr().err


@pytest.mark.parametrize("subtype", ["PCM_24", "FLOAT"])
def test_other_depths_become_16_bit(tmp_path, subtype):
    pair = make_pair(tmp_path / "pairs", "a", "##....##", subtype, level=0.5)
    outcome = silence.cut_pair(pair, silence.Cutting(tmp_path / "cut", 30, 50))
    assert outcome.state == "done" and outcome.result.after.silence <= 30
    file = soundfile.SoundFile(tmp_path / f"cut/tracks_{RATE}hz/a/instrument_a.wav")
    whole = soundfile.read(pair.path("instrument"))[0]
    assert file.subtype == "PCM_16"
    np.testing.assert_allclose(file.read()[:RATE], whole[:RATE], atol=0.51 / 32768)


def test_what_is_clipped_is_told(tmp_path):
    pair = make_pair(tmp_path / "pairs", "a", "##....##", "FLOAT", level=1.5)
    (note,) = silence.cut_pair(pair, silence.Cutting(tmp_path / "cut")).notes
    assert "1.50 times full scale" in note


def test_measuring_writes_statistics_and_nothing_else(tmp_path, capsys):
    root, tables = tmp_path / "pairs", tmp_path / "tables"
    make_pair(root, "b, with a comma", "#########.")
    make_pair(root, "a", ".........#")
    before = sorted(root.rglob("*"))
    assert silence.main([str(root), "--statistics", str(tables), "--jobs", "2"]) == 0
    assert "Songs with less than 20% silence: 1" in capsys.readouterr().out
    assert sorted(root.rglob("*")) == before
    with open(tables / "silence.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1:] == [["a", "10.0", "90.0"], ["b, with a comma", "10.0", "10.0"]]
    with open(tables / "histogram.csv", newline="") as file:
        assert [row[1] for row in csv.reader(file)] == ["before", *"0100000001"]
    assert (tables / "histogram.png").read_bytes().startswith(b"\x89PNG")


def test_the_histogram_is_the_thesis_s():
    counts = silence.histogram([0, 9.99, 10, 35, 89.9, 90, 100])
    assert counts == [2, 1, 0, 1, 0, 0, 0, 0, 1, 2]
    lines = silence.histogram_text(counts).split("\n")
    assert lines[0] == "Songs with less than 10% silence: 2" and lines[-1] == "Songs with more than 90% silence: 2"


def test_pairs_that_do_not_fit_fail_alone(tmp_path, capsys):
    root = tmp_path / "pairs"
    make_pair(root, "good", "#...#")
    other = audio("#...##")
    soundfile.write(make_pair(root, "long", "#...#").path("rest"), other, RATE)
    soundfile.write(make_pair(root, "rate", "#...#").path("rest"), other, 2 * RATE)
    soundfile.write(make_pair(root, "wide", "#...#").path("rest"), audio("#...#", channels=2), RATE)
    make_pair(root, "noise", "#...#").path("instrument").write_bytes(b"no sound at all" * 40)
    cut = make_pair(root, "cut", "#...#")
    for part in ("instrument", "rest"):
        with open(cut.path(part), "r+b") as file:
            file.truncate(3 * 2 * RATE + 44)
    assert command(root, "--cut", "--output", tmp_path / "cut") == 1
    printed = capsys.readouterr().out
    assert "the instrument has 40000 frames, the rest 48000" in printed
    assert "the instrument has 8000 Hz, the rest 16000" in printed
    assert "the instrument has 1 channels, the rest 2" in printed
    assert "the file is cut: 3.0 of 5.0 s" in printed
    assert printed.count("failed: ") == 5 and "1 done" in printed
    assert sorted(os.listdir(tmp_path / f"cut/tracks_{RATE}hz")) == ["cuts.yaml", "good"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--cut"], "must be used together"),
        (["--output", "x"], "must be used together"),
        (["--cut", "--output", "x", "--target", "100"], "--target"),
        (["--cut", "--output", "x", "--discard", "nan"], "--discard"),
        (["--cut", "--output", "PAIRS/x"], "one is inside the other"),
    ],
)
def test_bad_options_are_one_line(tmp_path, monkeypatch, capsys, options, words):
    monkeypatch.chdir(tmp_path)
    make_pair(tmp_path / "PAIRS", "a", "#..#")
    assert command("PAIRS", *options) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert os.listdir(tmp_path) == ["PAIRS"]


def test_folders_without_pairs_or_with_two_of_one_name(tmp_path, capsys):
    assert command(tmp_path) == 2
    assert "no pairs" in capsys.readouterr().err
    make_pair(tmp_path / "tracks_8000hz", "a", "##")
    make_pair(tmp_path / "tracks_16000hz", "a", "##", rate=16000)
    assert command(tmp_path) == 2
    assert "have the same name; choose one of their folders" in capsys.readouterr().err


def test_charts_are_the_same_each_time_and_take_any_name(tmp_path):
    labels = ["a $ b", "$x_{$", "c" * 40]
    draw = functools.partial(plots.stacked_bars, title="$", xlabel="x", ylabel="y")
    for name in ("one", "two"):
        draw(tmp_path / name, labels, {"s$": [1, 2, 3], "_t": [0, 1, 0.5]})
    for suffix in ("png", "svg"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 4
    plots.bars(tmp_path / "none", [], [], "t", "x", "y")
    assert b"<svg" in (tmp_path / "none.svg").read_bytes()
