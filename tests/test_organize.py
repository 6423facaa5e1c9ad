"""Every collection into one layout: copies, links, moves; names; stopping and going on; bad input."""

import os
import shutil
import time

import numpy as np
import pytest
import soundfile

from datasets_tools.organize import main, organised_tracks
from datasets_tools.tracks import Stem, Track, save
from splitstrument.files.atomic import SUFFIX
from splitstrument.stages.run import StageError
from tests.audio_files import song, write_av


@pytest.fixture
def collection(tmp_path):
    """Two tracks of one name in two folders, one of them with two stems of one name, one without guitar."""
    tracks = []
    for folder, files in {
        "a/One": {"gtr.wav": "guitar", "bass.wav": "bass"},
        "b/One": {"x/gtr.wav": "guitar", "y/gtr.wav": "guitar", "bass.wav": "bass"},
        "c/A _ B": {"keys.wav": "piano", "drums.wav": "drums"},
    }.items():
        stems = []
        for number, (name, group) in enumerate(files.items()):
            path = tmp_path / "collection" / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, np.full((800, 2), 0.1 * (number + 1)), 8000)
            stems.append(Stem(name, path, group))
        tracks.append(Track(os.path.basename(folder).replace(" _ ", "/"), tuple(stems), "folders"))
    save(tmp_path / "tracks.yaml", tracks)
    return tmp_path


def organise(root, *arguments):
    return main([str(root / "tracks.yaml"), "--output", str(root / "organised"), "--jobs", "1", *arguments])


def files(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def sounds(root):
    return [name for name in files(root) if not os.path.basename(name).startswith(".")]


LAYOUT = [
    "A_B/drums/drums.wav",
    "A_B/piano/keys.wav",
    "One (2)/bass/bass.wav",
    "One (2)/guitar/gtr (2).wav",
    "One (2)/guitar/gtr.wav",
    "One/bass/bass.wav",
    "One/guitar/gtr.wav",
]


@pytest.mark.parametrize("how", ["copy", "link", "move"])
def test_the_layout(collection, capsys, how):
    before = files(collection / "collection")
    assert organise(collection, "--how", how) == 0
    root = collection / "organised"
    assert sorted(sounds(root)) == sorted(LAYOUT)
    assert (root / "One (2)/guitar/gtr (2).wav").read_bytes() == before["b/One/y/gtr.wav"]
    after = files(collection / "collection")
    assert after == ({} if how == "move" else before)
    assert os.stat(root / "One/bass/bass.wav").st_nlink == (2 if how == "link" else 1)
    assert "3 done, 0 already there" in capsys.readouterr().out
    state = files(root)
    assert organise(collection, "--how", how) == 0
    assert "0 done, 3 already there" in capsys.readouterr().out
    assert files(root) == state


@pytest.mark.parametrize("how", ["copy", "move"])
def test_an_interrupted_track_is_finished(collection, capsys, how):
    assert organise(collection, "--how", how) == 0
    root = collection / "organised"
    state = files(root)
    if how == "move":
        os.rename(root / "One (2)/guitar/gtr.wav", collection / "collection/b/One/x/gtr.wav")
    else:
        os.unlink(root / "One (2)/guitar/gtr.wav")
        (root / f"One (2)/guitar/.gtr.wav.12{SUFFIX}").write_bytes(b"half")
    note = root / "One (2)/.track.json"
    note.write_text(note.read_text().replace('"complete": true', '"complete": false'))
    assert {track.name for track in organised_tracks(root) if not track.complete} == {"One (2)"}
    assert organise(collection, "--how", how) == 0
    assert "1 done, 2 already there" in capsys.readouterr().out
    assert files(root) == state


def test_a_track_of_another_catalogue_gets_its_own_folder(collection):
    assert organise(collection) == 0
    other = collection / "collection" / "d" / "One" / "gtr.wav"
    other.parent.mkdir(parents=True)
    soundfile.write(other, np.full((800, 2), 0.3), 8000)
    save(collection / "tracks.yaml", [Track("One", (Stem("gtr.wav", other, "guitar"),), "folders")])
    before = files(collection / "organised")
    for _ in range(2):
        assert organise(collection) == 0
        assert (collection / "organised/One (3)/guitar/gtr.wav").read_bytes() == other.read_bytes()
    assert before.items() <= files(collection / "organised").items()
    assert not (collection / "organised/One (4)").exists()


def test_required_groups_and_a_limit(collection, capsys):
    assert organise(collection, "--require", "guitar/distorted_guitar", "bass", "--limit", "1") == 0
    assert sounds(collection / "organised") == ["One/bass/bass.wav", "One/guitar/gtr.wav"]
    assert "skipped: no guitar/distorted_guitar, no bass: A/B" in capsys.readouterr().out
    assert organise(collection, "--require", "gitar") == 2
    assert capsys.readouterr().err == "splitstrument: no group is called 'gitar'; did you mean guitar?\n"
    assert organise(collection, "--limit", "0") == 2


def test_what_is_there_is_never_overwritten(collection, capsys):
    assert organise(collection, "--limit", "1") == 0
    target = collection / "organised/One/guitar/gtr.wav"
    target.write_bytes(b"mine")
    assert organise(collection) == 1
    assert target.read_bytes() == b"mine"
    said = capsys.readouterr().out
    assert f"failed: One: {target}: already exists" in said
    assert "2 done" in said


def test_a_missing_stem_fails_its_track(collection, capsys):
    missing = collection / "collection/a/One/gtr.wav"
    missing.unlink()
    os.symlink(missing, missing)  # a link to itself
    assert organise(collection) == 1
    assert f"failed: One: {missing}: this stem is missing" in capsys.readouterr().out
    assert not (collection / "organised/One").exists()


def test_the_streams_of_an_mp4_become_stems(tmp_path):
    parts = [song(1, seed=seed) for seed in range(2)]
    path = write_av(tmp_path / "Artist - Title.stem.mp4", parts, codec="aac")
    stems = [Stem("mixture", path, "mix", "mixture", 0), Stem("drums", path, "drums", "drums", 1)]
    save(tmp_path / "tracks.yaml", [Track("Artist - Title", tuple(stems), "musdb")])
    for how in ("move", "link"):
        assert organise(tmp_path, "--how", how) == 0
        assert path.exists()
    sound, rate = soundfile.read(tmp_path / "organised/Artist - Title/drums/drums.wav")
    assert rate == 44100
    assert abs(len(sound) - rate) < 2100
    body = slice(8000, 36000)
    assert np.corrcoef(sound[body, 0], parts[1][body, 0])[0, 1] > 0.9


def test_a_folder_without_tracks_is_one_line(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(StageError, match="no tracks"):
        organised_tracks(tmp_path)
    with pytest.raises(StageError, match="no tracks"):
        organised_tracks(tmp_path / "none")


def test_foreign_organised_folders_are_read(collection):
    assert organise(collection) == 0
    root = collection / "organised"
    for note in root.rglob(".track.json"):
        note.unlink()
    shutil.copytree(root / "One" / "bass", root / "One" / "notes")  # no group
    assert [(track.name, sorted(track.stems), track.complete) for track in organised_tracks(root)] == [
        ("A_B", ["drums", "piano"], True),
        ("One", ["bass", "guitar"], True),
        ("One (2)", ["bass", "guitar"], True),
    ]


@pytest.mark.parametrize("how", ["copy", "move"])
def test_an_edited_group_moves_its_stem(collection, how, capsys):
    assert organise(collection, "--how", how) == 0
    path = collection / "tracks.yaml"
    text = path.read_text()
    edited = text.replace("instrument: piano", "instrument: other")
    path.write_text(edited)
    assert organise(collection, "--how", how) == 0
    there = sounds(collection / "organised")
    assert "A_B/other/keys.wav" in there
    assert not [name for name in there if name.startswith("A_B/piano/")]
    assert len(there) == len(LAYOUT)
    # A stem that the list no longer has is kept, and excluded.
    start = edited.index("    drums.wav:")
    path.write_text(edited[:start])
    assert organise(collection, "--how", how) == 0
    there = sounds(collection / "organised")
    assert "A_B/excluded/drums.wav" in there
    assert len(there) == len(LAYOUT)


def test_paths_may_be_spelled_in_other_ways(collection, monkeypatch, capsys):
    assert organise(collection) == 0
    path = collection / "tracks.yaml"
    path.write_text(path.read_text().replace(f"{collection}/", "./x/../"))
    monkeypatch.chdir(collection / "collection")
    assert organise(collection) == 0
    assert "0 done, 3 already there" in capsys.readouterr().out


def test_an_empty_folder_is_the_tracks_own(collection):
    (collection / "organised/One").mkdir(parents=True)
    (collection / f"organised/One/..track.json.1{SUFFIX}").write_text("half")
    assert organise(collection) == 0
    assert not (collection / "organised/One (3)").exists()
    assert not list((collection / "organised").rglob("*.part"))


def test_stems_that_would_be_written_over_themselves(collection, capsys):
    assert main([str(collection / "tracks.yaml"), "--output", str(collection / "collection")]) == 2
    assert "this stem is inside the output folder" in capsys.readouterr().err


def test_what_lies_in_no_group_and_what_is_gone_is_known(collection):
    assert organise(collection) == 0
    root = collection / "organised"
    (root / "One/gitar").mkdir()
    (root / "One/bass/more").mkdir()
    (root / "A_B/drums/drums.wav").unlink()
    tracks = {track.name: track for track in organised_tracks(root)}
    assert tracks["One"].unknown == ("gitar", "bass/more")
    assert not tracks["A_B"].complete
    assert tracks["One"].complete


def test_long_names_keep_their_suffix(tmp_path):
    stem = tmp_path / "collection" / ("ä" * 120 + ".wav")
    stem.parent.mkdir()
    soundfile.write(stem, np.zeros(800), 8000)
    save(tmp_path / "tracks.yaml", [Track("T", (Stem("s", stem, "guitar"),), "folders")])
    assert organise(tmp_path) == 0
    (name,) = sounds(tmp_path / "organised")
    assert name.endswith(".wav")


@pytest.mark.slow
def test_the_same_sound_is_the_same_file(tmp_path):
    path = write_av(tmp_path / "A.stem.mp4", [song(1)], codec="aac")
    save(tmp_path / "tracks.yaml", [Track("A", (Stem("drums", path, "drums", "drums", 0),), "musdb")])
    states = []
    for _ in range(2):
        assert organise(tmp_path) == 0
        states.append(files(tmp_path / "organised"))
        shutil.rmtree(tmp_path / "organised")
        time.sleep(1.1)  # the seconds that a WAV could have in it
    assert states[0] == states[1]
