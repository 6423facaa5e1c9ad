"""Splitting pairs into training and validation, and counting genres."""

import csv
import errno
import os
import random
import shutil
from collections import Counter

import numpy as np
import pytest
import soundfile
import yaml

from datasets_tools import genres, validation
from datasets_tools.pairs import pair_writer, parts_writer

RATES = (16000, 8000)
NAMES = [f"track {number}" for number in range(8)] + ["solo_001", "solo_002", "solo_003"]


def make_pairs(root, names=NAMES, rates=RATES):
    for rate in rates:
        for number, name in enumerate(names):
            sound = np.full((rate // 20, 1), number / 100)
            with pair_writer(root / f"tracks_{rate}hz" / name, rate, 1, {"made_from": [name, rate]}) as write:
                write(sound, -sound)
    return root


def command(*arguments):
    return validation.main([*map(str, arguments), "--jobs", "1"])


def content(root):
    """All files below a folder: relative path -> bytes."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def sides(output, rate):
    return [set(os.listdir(output / side / f"tracks_{rate}hz")) for side in validation.SIDES]


def test_tracks_of_several_parts_are_split_and_counted_too(tmp_path, capsys):
    parts = ("vocals", "drums", "other")
    for name in ("one", "two", "three", "solo_001", "solo_002"):
        with parts_writer(tmp_path / "tracks/tracks_8000hz" / name, parts, 8000, 1, {"made_from": [name]}) as write:
            write(*[np.full((400, 1), 0.1)] * 3)
    assert command(tmp_path / "tracks", "--output", tmp_path / "sets", "--tracks", "one", "solo_001") == 0
    training, held_out = sides(tmp_path / "sets", 8000)
    assert (training, held_out) == ({"two", "three"}, {"one", "solo_001", "solo_002"})
    there = os.listdir(tmp_path / "sets/validation/tracks_8000hz/one")
    assert {f"{part}_one.wav" for part in parts} < set(there)
    assert genres.tracks_of(tmp_path / "sets/training") == ["three", "two"]
    assert "training: 2 tracks, validation: 3 tracks" in capsys.readouterr().out


@pytest.mark.parametrize("how", validation.HOWS)
def test_each_track_is_on_one_side_the_same_at_all_rates(tmp_path, how, capsys):
    root, output = make_pairs(tmp_path / "pairs"), tmp_path / "out"
    before = content(root)
    line = [root, "--output", output, "--share", 30, "--how", how]
    assert command(*line) == 0
    assert "22 done" in capsys.readouterr().out
    training, held_out = sides(output, RATES[0])
    assert (training, held_out) == tuple(sides(output, RATES[1]))
    assert not training & held_out and training | held_out == set(NAMES)
    assert len(held_out) == 3
    solos = {name for name in NAMES if name.startswith("solo")}
    assert solos <= training or solos <= held_out
    record = yaml.safe_load((output / "validation.yaml").read_text())
    assert record == {"share": 30, "seed": 0, "training": sorted(training), "validation": sorted(held_out)}
    written = content(output)
    assert {path.split("/", 1)[1]: data for path, data in written.items() if "/" in path} == before
    file = f"tracks_8000hz/{min(training)}/instrument_{min(training)}.wav"
    if how == "move":
        assert content(root) == {}
    else:
        assert content(root) == before
        assert os.path.samefile(root / file, output / "training" / file) is (how == "link")
    assert command(*line) == 0
    assert "0 done, " in capsys.readouterr().out
    assert content(output) == written


@pytest.mark.parametrize("seed", range(20))
def test_pieces_of_a_recording_are_never_on_both_sides(seed):
    random_names = random.Random(seed)
    names = [f"{n}_{piece:03d}" for n in range(9) for piece in range(1, random_names.randint(2, 12))] + ["single"]
    chosen = set(validation.choose(names, 25, seed))
    rest = set(names) - chosen
    assert chosen and rest and chosen < set(names)
    assert not {validation.recording(name) for name in chosen} & {validation.recording(name) for name in rest}
    assert len(chosen) <= round(0.25 * len(names))
    assert validation.choose(names[::-1], 25, seed) == sorted(chosen)


def test_the_share_is_met_and_the_seed_decides():
    names = [f"t{number}" for number in range(709)]
    choices = [validation.choose(names, 15, seed) for seed in range(3)]
    assert {len(choice) for choice in choices} == {106}
    assert len({tuple(choice) for choice in choices}) == 3
    counts = Counter(name for seed in range(200) for name in validation.choose(names, 15, seed))
    assert len(counts) == len(names) and max(counts.values()) < 60  # 30 each, with a deviation of 5
    assert len(validation.choose(["a", "b"], 99, 0)) == len(validation.choose(["a", "b"], 1, 0)) == 1


def test_names_of_pieces():
    assert validation.recording("a_001") == validation.recording("a_1000") == "a"
    for name in ("a_01", "a001", "a_0001", "a_001 (2)"):
        assert validation.recording(name) == name


def test_names_say_which(tmp_path):
    root, output = make_pairs(tmp_path / "pairs"), tmp_path / "sets"
    assert command(root, "--output", output, "--tracks", "track 1", "track 3") == 0
    assert sides(output, 8000)[1] == {"track 1", "track 3"}


@pytest.mark.parametrize("suffix", ["txt", "yaml"])
def test_a_list_says_which(tmp_path, capsys, suffix):
    root, output, names = make_pairs(tmp_path / "pairs"), tmp_path / "out", tmp_path / f"list.{suffix}"
    names.write_text("track 3\n\n solo_002\r\n" if suffix == "txt" else "- track 3\n- solo_002\n")
    assert command(root, "--output", output, "--list", names) == 0
    printed = capsys.readouterr().out
    assert "note: " in printed and "solo_001, solo_003" in printed
    assert sides(output, 8000)[1] == {"track 3", "solo_001", "solo_002", "solo_003"}
    assert yaml.safe_load((output / "validation.yaml").read_text())["list"] == ["solo_002", "track 3"]


def test_stopped_work_goes_on_with_the_same_choice(tmp_path, capsys):
    root, output = make_pairs(tmp_path / "pairs"), tmp_path / "out"
    whole = make_pairs(tmp_path / "whole")
    assert command(whole, "--output", tmp_path / "expected", "--how", "move") == 0
    placed = []

    def stop_after_five(placement, how):
        if len(placed) == 5:
            raise KeyboardInterrupt
        placed.append(placement)
        return place(placement, how)

    place, validation.place = validation.place, stop_after_five
    try:
        assert command(root, "--output", output, "--how", "move") == 130
    finally:
        validation.place = place
    capsys.readouterr()
    assert command(root, "--output", output, "--how", "move") == 0
    assert "0 failed" in capsys.readouterr().out
    assert set(content(output)) == set(content(tmp_path / "expected")) and content(root) == {}
    # Tracks that have vanished from both are told.
    for folder in output.glob("validation/*/*"):
        shutil.rmtree(folder)
    assert command(root, "--output", output, "--how", "move") == 1
    assert "is neither in" in capsys.readouterr().out


def test_another_choice_into_the_same_folder_changes_nothing(tmp_path, capsys):
    root, output = make_pairs(tmp_path / "pairs"), tmp_path / "out"
    assert command(root, "--output", output, "--seed", 1) == 0
    before = content(output)
    (tmp_path / "list.txt").write_text("track 1")
    for options in (["--seed", 2], ["--seed", 1, "--share", 20], ["--list", tmp_path / "list.txt"]):
        capsys.readouterr()
        assert command(root, "--output", output, *options) == 2
        error = capsys.readouterr().err
        assert "was made with a different share, seed or list" in error and error.count("\n") == 1
    make_pairs(root, ["new"])
    assert command(root, "--output", output, "--seed", 1) == 2
    assert "was made from different tracks (new)" in capsys.readouterr().err
    assert content(output) == before


def test_a_pair_that_has_changed_is_not_taken_for_the_old_one(tmp_path, capsys):
    root, output = make_pairs(tmp_path / "pairs"), tmp_path / "out"
    assert command(root, "--output", output) == 0
    shutil.rmtree(root / "tracks_8000hz/track 0")
    make_pairs(root, ["track 0"], [8000])
    assert command(root, "--output", output, "--how", "move") == 1
    assert "already exists and differs from" in capsys.readouterr().out
    assert set(os.listdir(root / "tracks_8000hz")) == {"track 0"}


def test_no_links_across_file_systems(tmp_path, monkeypatch, capsys):
    root, output = make_pairs(tmp_path / "pairs"), tmp_path / "out"

    def elsewhere(*_, **__):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", elsewhere)
    assert command(root, "--output", output) == 2
    error = capsys.readouterr().err
    assert "--how copy" in error and error.count("\n") == 1
    assert os.listdir(output) == []
    real = os.rename
    monkeypatch.setattr(os, "rename", lambda a, b: real(a, b) if ".part" in str(a) else elsewhere())
    before = content(root)
    assert command(root, "--output", output, "--how", "move") == 0
    assert {path.split("/", 1)[1]: data for path, data in content(output).items() if "/" in path} == before
    assert content(root) == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["PAIRS", "--output", "x", "--share", "100"], "--share"),
        (["PAIRS", "--output", "PAIRS/x"], "inside"),
        (["PAIRS/tracks_8000hz", "--output", "PAIRS"], "inside"),
        (["PAIRS", "--output", "x", "--list", "typo.txt"], "did you mean track 1?"),
        (["PAIRS", "--output", "x", "--tracks", "track_1"], "--tracks: no track"),
        (["PAIRS", "--output", "x", "--list", "empty.txt"], "names no track"),
        (["PAIRS", "--output", "x", "--list", "all.txt"], "leaves no track"),
        (["PAIRS", "--output", "x", "--list", "none.txt"], "none.txt: cannot be opened"),
        (["PAIRS", "--output", "x", "--list", "map.yaml"], "must be a list"),
        (["none", "--output", "x"], "no tracks"),
        (["SOLO", "--output", "x"], "one recording"),
    ],
)
def test_bad_input_is_one_line_and_does_nothing(tmp_path, monkeypatch, capsys, options, words):
    monkeypatch.chdir(tmp_path)
    make_pairs(tmp_path / "PAIRS", ["track 1", "other"], [8000])
    make_pairs(tmp_path / "SOLO", ["a_001", "a_002"], [8000])
    lists = {"typo.txt": "trak 1\n", "empty.txt": "\n", "all.txt": "track 1\nother", "map.yaml": "a: b"}
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
    before = content(tmp_path)
    assert command(*options) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert content(tmp_path) == before and not (tmp_path / "x").exists()


def test_genres_of_a_table(tmp_path, capsys):
    table = tmp_path / "genres.csv"
    table.write_text(
        '\ufeffTrack,year,genre\na,1999,Rock\n"b, c",2000,rock\nd,,\ne,1,Jazz\ne,1,Rock\ne,1,Jazz\n', encoding="utf-8"
    )
    assert genres.main([str(table), "--statistics", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line.strip("| ").split() for line in [printed[0], *printed[2:]]] == [
        ["genre", "|", "tracks", "|", "percent"],
        ["Rock", "|", "3", "|", "75.0"],
        ["Jazz", "|", "1", "|", "25.0"],
        ["unknown", "|", "1", "|", "25.0"],
        ["tracks:", "4"],
    ]
    with open(tmp_path / "out/genres.csv", newline="") as file:
        assert list(csv.reader(file))[1:] == [["Rock", "3", "75.0"], ["Jazz", "1", "25.0"], ["unknown", "1", "25.0"]]
    assert (tmp_path / "out/genres.png").stat().st_size > 1000


@pytest.mark.parametrize("layout", ["pairs", "organised"])
def test_only_the_tracks_of_a_data_set_count(tmp_path, capsys, layout):
    names = ["AC_DC - Song", "plain", "nobody knows"]
    if layout == "pairs":
        make_pairs(tmp_path / "data", names)
    else:
        for name in names:
            (tmp_path / "data" / name / "guitar").mkdir(parents=True)
            soundfile.write(tmp_path / "data" / name / "guitar/a.wav", np.zeros(100), 8000)
    table = tmp_path / "genres.yaml"
    table.write_text("AC/DC - Song: [rock, hard rock]\nplain: rock\nelsewhere: pop\n007: rock\n")
    assert genres.main([str(table), str(tmp_path / "data")]) == 0
    printed = capsys.readouterr().out
    assert [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines()[2:5]] == [
        ["rock", "2", "66.7"],
        ["hard rock", "1", "33.3"],
        ["unknown", "1", "33.3"],
    ]
    assert "tracks: 3" in printed and f"not in {tmp_path / 'data'}: elsewhere, 007" in printed


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "name,genre\nx,rock\n", "the first line has no column track; its columns are: name, genre"),
        ("a.csv", "", "the first line has no column track"),
        ("a.csv", "track,genre\n", "contains no tracks"),
        ("a.yaml", "- a\n", "must have lines of the form"),
        ("a.yaml", "a: {b: c}\n", "must be text"),
        ("a.yaml", "a: [", "cannot be read as YAML"),
        ("a.yaml", "a: rock\nb: pop\na: jazz\n", "cannot be read as YAML (line 3: 'a' was already given in line 1)"),
        ("a.csv", b"track,genre\n\xff\xfe,\n", "cannot be read as CSV"),
        ("b.csv", "", "cannot be opened"),
    ],
)
def test_bad_tables_are_one_line(tmp_path, capsys, name, text, words):
    (tmp_path / ("a" + name[1:])).write_bytes(text if isinstance(text, bytes) else text.encode())
    assert genres.main([str(tmp_path / name), "--statistics", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()
    (tmp_path / "good.csv").write_text("track,genre\na,b\n")
    assert genres.main([str(tmp_path / "good.csv"), str(tmp_path)]) == 2
    assert "contains neither mixed nor organised tracks" in capsys.readouterr().err
