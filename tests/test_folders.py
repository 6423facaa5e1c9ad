"""Folders as people have them: what other programs leave, links, loops, what cannot be read, names of any bytes."""

import os
import shutil

import numpy as np
import pytest
import soundfile

from datasets_tools import catalogue, genres, organize, silence, split, validation
from evaluation import evaluate, report, results
from splitstrument import separate, tracks
from splitstrument.files.audio import AudioError, find_songs, open_audio
from splitstrument.files.folders import SEPARATED, walk
from splitstrument.stages.records import keep_settings
from splitstrument.tracks import TrackError, find_pairs, find_tracks


def sound(path, seconds=1.0):
    """A little noise, as WAV whatever the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).normal(0, 0.1, int(seconds * 8000))
    soundfile.write(os.fsencode(path), noise, 8000, format="WAV", subtype="PCM_16")


def pair(folder, name):
    for part in ("instrument", "rest"):
        sound(folder / name / f"{part}_{name}.wav")


def litter(folder):
    """What macOS, Windows, desktops and network disks leave in a folder."""
    for name in (".DS_Store", "._song.stem.mp4", "._song.wav", "Thumbs.db", ".Trash-1000/gone.wav", ".hidden.wav"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"no sound")
    for name in ("__MACOSX", ".Trash-1000", "@eaDir", "$RECYCLE.BIN", "lost+found", ".git"):
        pair(folder / name, "foreign")
        for stem in ("drums", "bass", "._vocals"):
            sound(folder / name / "song" / f"{stem}.wav")
        (folder / name / "gone.stem.mp4").write_bytes(b"no sound")


def test_what_models_made_is_nobodys_recording(tmp_path):
    """Else stems that were separated would be songs to separate, and the truth of an evaluation."""
    for folder in ("songs/one", "separated/model/one", "evaluation/excerpts/one", "evaluation/excerpts/one/model"):
        for stem in ("drums", "bass", "other", "vocals"):
            sound(tmp_path / folder / f"{stem}.wav", 0.1)
    (tmp_path / "separated/model/one" / SEPARATED).write_text("{}")
    keep_settings(tmp_path / "evaluation", "evaluate", {})
    (tmp_path / "evaluation" / results.FILE).write_text("")
    assert [track.folder for track in find_tracks(tmp_path)] == [tmp_path / "songs/one"]
    assert {path.parent for path in find_songs([tmp_path])} == {tmp_path / "songs/one"}
    assert len(find_songs([tmp_path / "separated/model/one"])) == 4  # named itself
    assert len(find_songs([tmp_path / "songs"], tmp_path)) == 4
    with pytest.raises(AudioError, match="separated stems are skipped"):
        find_songs([tmp_path], tmp_path / "songs")
    assert [folder for folder, _, files in walk(tmp_path) if results.FILE in files] == [tmp_path / "evaluation"]


@pytest.fixture
def unreadable(monkeypatch):
    """Make a folder unreadable, for the superuser too."""
    forbidden = set()

    def scandir(path=".", real=os.scandir):
        if isinstance(path, str | os.PathLike) and os.path.abspath(path) in forbidden:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return lambda folder: (folder.mkdir(parents=True, exist_ok=True), forbidden.add(os.path.abspath(folder)))


def test_a_folder_is_walked_once_by_its_own_path_through_links_and_loops(tmp_path):
    sound(tmp_path / "music/b/real/song.wav")
    sound(tmp_path / "elsewhere/deep/other.wav")
    (tmp_path / "music/a").mkdir()
    (tmp_path / "music/a/link").symlink_to("../b/real")
    (tmp_path / "music/b/real/up").symlink_to("../..")
    (tmp_path / "music/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "music/gone.wav").symlink_to("nowhere")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "music")
    litter(tmp_path / "music")
    there = [folder / name for folder, _, names in walk(tmp_path / "music") for name in names]
    assert [path.relative_to(tmp_path / "music").as_posix() for path in there] == [
        "b/real/song.wav",
        "linked/deep/other.wav",
    ]
    assert find_songs([tmp_path / "music"]) == there


def test_what_other_programs_leave_is_no_track(tmp_path):
    pair(tmp_path / "pairs/tracks_8000hz", "a")
    sound(tmp_path / "musdb/train/song/drums.wav")
    sound(tmp_path / "musdb/train/song/vocals.wav")
    for folder in ("pairs", "pairs/tracks_8000hz", "pairs/tracks_8000hz/a", "musdb", "musdb/train"):
        litter(tmp_path / folder)
    assert [track.name for track in find_tracks(tmp_path / "pairs")] == ["a"]
    assert [track.name for track in find_pairs(tmp_path / "pairs")] == ["a"]
    assert [track.name for track in find_tracks(tmp_path / "musdb")] == ["song"]
    assert genres.tracks_of(tmp_path / "pairs") == ["a"]


def test_what_other_programs_leave_is_no_stem(tmp_path, capsys):
    sound(tmp_path / "stems/One/guitar.wav")
    sound(tmp_path / "stems/One/drums.wav")
    for place in ("stems", "stems/One", "organised", "organised/One"):
        litter(tmp_path / place)
    tracks_yaml, organised = tmp_path / "tracks.yaml", tmp_path / "organised"
    assert catalogue.main(["--folders", str(tmp_path / "stems"), "--output", str(tracks_yaml)]) == 0
    assert organize.main([str(tracks_yaml), "--output", str(organised), "--jobs", "1"]) == 0
    for place in ("organised/One/guitar", "organised/One/drums"):
        litter(tmp_path / place)
    (track,) = organize.organised_tracks(organised)
    stems = {group: [file.name for file in files] for group, files in track.stems.items()}
    assert (track.name, stems, track.unknown) == ("One", {"guitar": ["guitar.wav"], "drums": ["drums.wav"]}, ())


def test_linked_tracks_are_tracks_once(tmp_path):
    pair(tmp_path / "disk", "a")
    pair(tmp_path / "pairs/z", "b")
    (tmp_path / "pairs/a").symlink_to(tmp_path / "disk/a")
    (tmp_path / "pairs/another").symlink_to("z/b")
    assert sorted(track.name for track in find_tracks(tmp_path / "pairs")) == ["a", "b"]
    (tmp_path / "results").mkdir()
    (tmp_path / "results/linked").symlink_to(tmp_path / "nothing")
    with pytest.raises(ValueError, match=r"no evaluation\.yaml in this folder"):
        results.find([tmp_path / "results"])


def test_a_split_is_the_same_whatever_other_programs_leave(tmp_path, capsys):
    for name in ("a", "b", "c"):
        pair(tmp_path / "pairs", name)
    command = [str(tmp_path / "pairs"), "--output", str(tmp_path / "out"), "--share", "40", "--jobs", "1"]
    for how in ("copy", "copy", "move"):
        for name in ("a", "b", "c"):
            litter(tmp_path / "pairs" / name)
        assert validation.main([*command, "--how", how]) == 0, capsys.readouterr()
    assert not any((tmp_path / "pairs" / name).exists() for name in ("a", "b", "c"))
    assert len(find_pairs(tmp_path / "out")) == 3
    assert not list((tmp_path / "out").rglob("__MACOSX"))


def test_a_folder_of_tracks_that_cannot_be_read_is_named(tmp_path, unreadable, capsys):
    pair(tmp_path / "pairs", "a")
    unreadable(tmp_path / "pairs/secret")
    for find in (find_tracks, find_pairs):
        with pytest.raises(TrackError, match="secret: cannot be opened: permission denied"):
            find(tmp_path / "pairs")
    assert silence.main([str(tmp_path / "pairs")]) == 2
    assert capsys.readouterr().err.startswith(f"splitstrument: {tmp_path}/pairs/secret: cannot be opened: permission")
    assert genres.main([str(tmp_path / "none.yaml"), str(tmp_path / "pairs")]) == 2


def test_a_folder_of_stems_that_cannot_be_read_is_named_and_the_others_are_listed(tmp_path, unreadable, capsys):
    sound(tmp_path / "stems/One/guitar.wav")
    unreadable(tmp_path / "stems/Two")
    litter(tmp_path / "stems")
    output = ["--output", str(tmp_path / "tracks.yaml")]
    assert catalogue.main(["--folders", str(tmp_path / "stems"), *output, "--unknown", "other"]) == 1
    said = capsys.readouterr().out
    assert f"failed: {tmp_path}/stems/Two: permission denied" in said and "1 done" in said
    unreadable(tmp_path / "none")
    assert catalogue.main(["--folders", str(tmp_path / "none"), *output]) == 1


def test_a_folder_of_songs_that_cannot_be_read_is_named_and_the_others_are_separated(tmp_path, unreadable, capsys):
    sound(tmp_path / "album/one.wav")
    sound(tmp_path / "disk/two.wav")
    (tmp_path / "album/disk 2").symlink_to(tmp_path / "disk")
    unreadable(tmp_path / "album/secret")
    litter(tmp_path / "album")
    with pytest.raises(AudioError, match="secret: cannot be opened: permission denied"):
        open_audio(tmp_path / "album/secret")
    assert separate.main([str(tmp_path / "album"), "--output", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().out
    assert "songs: 2 done, 0 already there, 0 skipped, 1 failed" in said
    assert f"{tmp_path}/album/secret: cannot be opened: permission denied" in said
    assert split.main([str(tmp_path / "album"), "--output", str(tmp_path / "pieces"), "--jobs", "1"]) == 1
    assert "recordings: 2 done, 0 already there, 0 skipped, 1 failed" in capsys.readouterr().out


NAMES = [
    b"b\xff",
    "日本".encode(),
    "\U0001f3b8 [x] & 100%".encode(),
    b"a\nb",
    b"-dash",
    b"dot.",
    b"'quotes' \"",
    b"%s {0}",
]


def test_names_of_any_bytes_go_through_every_command_that_takes_them(tmp_path, capsys):
    names = [os.fsdecode(name) for name in NAMES]
    for name in names:
        sound(tmp_path / "songs" / f"{name}.wav")
        pair(tmp_path / "pairs", name)
    out = [tmp_path / name for name in ("separated", "split", "cut", "sides")]
    assert separate.main([str(tmp_path / "songs"), "--output", str(out[0])]) == 0, capsys.readouterr()
    assert len(list(out[0].rglob("guitar.wav"))) == len(names)
    assert split.main([str(tmp_path / "songs"), "--output", str(out[1]), "--jobs", "1"]) == 0, capsys.readouterr()
    assert silence.main([str(tmp_path / "pairs"), "--cut", "--output", str(out[2]), "--jobs", "1"]) == 0, (
        capsys.readouterr()
    )
    assert validation.main([str(tmp_path / "pairs"), "--output", str(out[3]), "--jobs", "1"]) == 0, capsys.readouterr()
    assert sorted(pair.name for pair in find_pairs(out[3])) == sorted(names)
    assert validation.main([str(tmp_path / "pairs"), "--output", str(out[3]), "--jobs", "1"]) == 0
    assert f"{len(names)} already there" in capsys.readouterr().out
    shutil.rmtree(out[3])
    assert [track.name for track in tracks.find_tracks(out[2])]


@pytest.mark.slow
def test_a_track_with_a_name_of_any_bytes_is_scored_and_drawn(tmp_path, capsys):
    name = os.fsdecode(NAMES[0] + NAMES[1] + NAMES[2])
    pair(tmp_path / "pairs", name)
    scored, page = tmp_path / os.fsdecode(b"scored \xff"), tmp_path / "page.html"
    options = ["--instrument", "guitar", "--quick", "--excerpts", "1", "--jobs", "1"]
    assert evaluate.main(["frequency", *options, "--pairs", str(tmp_path / "pairs"), "--output", str(scored)]) == 0
    assert report.main([str(scored), "--output", str(page)]) == 0, capsys.readouterr()
    assert len(list(scored.rglob("instrument.png"))) == 1
    ((_, evaluation),) = results.find([scored])
    assert list(evaluation.systems[0].tracks) == [name]
    text = page.read_text(encoding="utf-8")
    assert "\\udcff" in text and "日本" in text
