"""Collections into tracks.yaml: groups, unknown names, adding to a file, statistics, bad input."""

import csv
import io
import os
import pty
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import yaml

from datasets_tools.catalogue import main
from datasets_tools.tracks import load


@pytest.fixture
def collections(tmp_path):
    """A rhythm game's song and two tracks with freely named stems, one of which nobody knows."""
    for name in (
        "games/g/A Song/guitar.ogg",
        "games/g/A Song/song.ogg",
        "multitracks/One/01_Kick.wav",
        "multitracks/One/02_ElecGtr1.wav",
        "multitracks/One/03_Xyzzy.wav",
        "multitracks/Two/01_LeadVox.wav",
        "multitracks/Two/02_PianoAndStrings.wav",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / name, np.zeros((36000, 1)), 8000)
    return tmp_path


def catalogue(root, *arguments):
    return main([*map(str, arguments), "--output", str(root / "tracks.yaml"), "--jobs", "1"])


def groups(root):
    tracks = load(root / "tracks.yaml")
    return {track.name: {stem.name: stem.group for stem in track.stems} for track in tracks}


def test_collections_become_a_list(collections, capsys):
    games, multitracks = collections / "games", collections / "multitracks"
    arguments = ["--rockband", games, "--cambridge", multitracks, "--unknown", "other"]
    assert catalogue(collections, *arguments, "--statistics", collections / "statistics") == 0
    assert groups(collections) == {
        "One": {"01_Kick.wav": "drums", "02_ElecGtr1.wav": "guitar", "03_Xyzzy.wav": "other"},
        "Two": {"01_LeadVox.wav": "vocals", "02_PianoAndStrings.wav": "excluded"},
        "A Song": {"guitar.ogg": "guitar", "song.ogg": "other"},
    }
    said = capsys.readouterr().out
    assert "guessed: 'Xyzzy' (1 stems): unknown" in said
    assert "guessed: 'PianoAndStrings' (1 stems): excluded: names both piano and other" in said
    assert "tracks: 3 done, 0 already there, 0 skipped, 0 failed" in said
    with open(collections / "statistics/statistics.csv", encoding="utf-8") as file:
        rows = {(row["group"], row["source"]): row for row in csv.DictReader(file)}
    assert rows["guitar", "rockband"] == {
        "group": "guitar",
        "source": "rockband",
        "tracks": "1",
        "stems": "1",
        "hours": "0.0013",
    }  # 4.5 s
    assert ("other", "cambridge") in rows
    with open(collections / "statistics/names.csv", encoding="utf-8") as file:
        assert {"Kick", "ElecGtr1", "Xyzzy", "guitar", "backing"} <= {row["name"] for row in csv.DictReader(file)}
    assert (collections / "statistics/statistics.png").read_bytes().startswith(b"\x89PNG")
    assert "| guitar " in (collections / "statistics/statistics.md").read_text()


def test_a_list_is_added_to_and_edits_stay(collections, capsys):
    assert catalogue(collections, "--cambridge", collections / "multitracks", "--unknown", "other") == 0
    path = collections / "tracks.yaml"
    path.write_text(path.read_text().replace("instrument: excluded", "instrument: piano"))
    capsys.readouterr()
    arguments = ["--rockband", collections / "games", "--cambridge", collections / "multitracks"]
    assert catalogue(collections, *arguments) == 0
    assert "1 done, 2 already there" in capsys.readouterr().out
    assert list(groups(collections)) == ["One", "Two", "A Song"]
    assert groups(collections)["Two"]["02_PianoAndStrings.wav"] == "piano"
    before = path.read_bytes()
    assert catalogue(collections, *arguments) == 0
    assert path.read_bytes() == before
    assert catalogue(collections) == 0  # only the statistics


@pytest.mark.parametrize("how", ["ask", "fail"])  # a test has no terminal
def test_unknown_names_without_a_terminal(collections, capsys, how, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert catalogue(collections, "--cambridge", collections / "multitracks", "--unknown", how) == 2
    said = capsys.readouterr().err
    assert said.startswith("splitstrument: 1 unknown instrument names: 'Xyzzy'; use --instruments FILE")
    assert not (collections / "tracks.yaml").exists()


def test_names_of_ones_own(collections):
    own = collections / "own.yaml"
    own.write_text("xyzzy: piano\nkick: percussion\n")
    assert catalogue(collections, "--cambridge", collections / "multitracks", "--instruments", own) == 0
    assert groups(collections)["One"] == {
        "01_Kick.wav": "percussion",
        "02_ElecGtr1.wav": "guitar",
        "03_Xyzzy.wav": "piano",
    }


def test_a_person_is_asked_on_a_terminal_once(collections):
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "datasets_tools.catalogue", "--cambridge", str(collections / "multitracks")]
    line += ["--output", str(collections / "tracks.yaml"), "--jobs", "1"]
    os.write(ours, b"gitar\ndg\n")
    result = subprocess.run(line, stdin=theirs, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0
    assert "'Xyzzy' (1 stems): no group is called 'gitar'; did you mean guitar?" in result.stdout
    assert groups(collections)["One"]["03_Xyzzy.wav"] == "distorted_guitar"
    assert yaml.safe_load((collections / "instruments.yaml").read_text()) == {"Xyzzy": "distorted_guitar"}
    (collections / "tracks.yaml").unlink()
    assert subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=600).returncode == 0
    assert groups(collections)["One"]["03_Xyzzy.wav"] == "distorted_guitar"
    os.close(ours)
    os.close(theirs)


def test_metadata_that_cannot_be_read_fail_their_track_only(collections, capsys):
    root = collections / "slakh"
    for number, text in enumerate(["stems: {S00: {midi_program_name: Drums}}", "stems: [", "stem: {}"]):
        folder = root / f"Track{number:05}"
        (folder / "stems").mkdir(parents=True)
        soundfile.write(folder / "stems/S00.wav", np.zeros(8000), 8000)
        (folder / "metadata.yaml").write_text(text)
    assert catalogue(collections, "--slakh", root) == 1
    said = capsys.readouterr().out
    assert f"failed: {root}/Track00001: {root}/Track00001/metadata.yaml: cannot be read as YAML" in said
    assert f"failed: {root}/Track00002: {root}/Track00002/metadata.yaml: the field stems is missing" in said
    assert list(groups(collections)) == ["Track00000"]


def test_bad_folders_and_files_are_one_line(collections, capsys):
    for arguments, says in {
        (): "name at least one collection: --cambridge,",
        ("--musdb", "none"): "none: no such folder",
        ("--musdb", str(collections / "games")): f"{collections}/games: no musdb tracks in this folder",
        ("--rockband", str(collections / "games"), "--instruments", "none.yaml"): "none.yaml: cannot be opened",
    }.items():
        assert catalogue(collections, *arguments) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"splitstrument: {says}")
        assert said.count("\n") == 1
    (collections / "tracks.yaml").write_text("- {name: a}")
    assert catalogue(collections, "--rockband", collections / "games") == 2
    assert "track 1 (a): the field stems must name" in capsys.readouterr().err
    assert (collections / "tracks.yaml").read_text() == "- {name: a}"
