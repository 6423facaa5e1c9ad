"""Which folder a song's stems have: its own, found again, never another's."""

import hashlib
import os

import pytest

from splitstrument.files.audio import AudioError
from splitstrument.song_folders import Record, at_work_in, folder_of, read, tidied
from splitstrument.songs import Excerpt, SongFile

WHOLE = Excerpt()


@pytest.fixture
def song(tmp_path):
    def song(path, content=""):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content or path)
        return SongFile(file)

    return song


def keep(song, root, excerpt=WHOLE, taken=()):
    """The name of the folder that the song has got for good."""
    folder = folder_of(song, excerpt, root, dict.fromkeys(taken, song))
    folder.mkdir(parents=True, exist_ok=True)
    Record(song.record(), excerpt, {"wav": {}}).write(folder)
    return folder.name


def test_songs_of_one_name_have_folders_by_which_they_can_be_told_apart(song, tmp_path):
    paths = ["A/CD1/01.wav", "B/CD1/01.wav", "B/CD1/01.mp3", "C/B/CD1/01.mp3", "C/B/CD1/01", "C/B/CD1/No. 5"]
    songs = [song(path) for path in paths]
    names = [keep(one, tmp_path / "out") for one in songs]
    assert names[:3] == ["01", "01 (B, CD1, wav)", "01 (B, CD1, mp3)"]
    assert names[3].startswith("01 (B, CD1, mp3, ") and names[4:] == ["01 (B, CD1)", "No. 5"]
    assert [keep(one, tmp_path / "out") for one in reversed(songs)] == names[::-1]


def test_a_song_is_known_without_being_read_again_and_elsewhere_by_its_content(song, tmp_path, monkeypatch):
    first, other = song("A/a.wav"), song("B/a.wav")
    assert [keep(one, tmp_path / "out") for one in (first, other)] == ["a", f"a ({tmp_path.name}, B, wav)"]
    copy = song("C/a.wav", "A/a.wav")
    os.utime(copy.path, (0, 0))
    assert folder_of(copy, WHOLE, tmp_path / "out", {}).name == "a"
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert folder_of(SongFile(first.path), WHOLE, tmp_path / "out", {}).name == "a"
    assert folder_of(song("new.wav"), WHOLE, tmp_path / "out", {}).name == "new"


def test_of_the_same_size_and_time_two_songs_are_two(song, tmp_path):
    for folder in "AB":
        os.utime(song(f"{folder}/a.wav").path, (0, 0))
    names = {keep(SongFile(tmp_path / folder / "a.wav"), tmp_path / "out") for folder in "AB"}
    assert names == {"a", f"a ({tmp_path.name}, B, wav)"}


def test_a_folder_in_which_another_song_of_the_command_will_be_is_not_taken(song, tmp_path):
    first, other = song("A/a.wav"), song("B/a.wav")
    taken = {tmp_path / "out/a": first}
    assert folder_of(other, WHOLE, tmp_path / "out", taken).name == f"a ({tmp_path.name}, B, wav)"
    assert folder_of(song("C/a.wav", "A/a.wav"), WHOLE, tmp_path / "out", taken).name == "a"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"song": 1}', "\0"])
def test_stems_whose_record_is_broken_are_not_replaced(song, tmp_path, text):
    (tmp_path / "out/a").mkdir(parents=True)
    (tmp_path / "out/a/.separated.json").write_text(text)
    assert folder_of(song("A/a.wav"), WHOLE, tmp_path / "out", {}).name == f"a ({tmp_path.name}, A, wav)"


def test_where_every_folder_is_anothers_it_is_told(song, tmp_path):
    one = song("a.wav")
    for name in one.names(WHOLE):
        (tmp_path / "out" / name).mkdir(parents=True)
        (tmp_path / "out" / name / "rest.wav").touch()
    with pytest.raises(AudioError, match="holds other files; use another --output"):
        folder_of(one, WHOLE, tmp_path / "out", {})


def test_excerpts_are_named_by_their_times(song, tmp_path):
    one = song("a.wav")
    times = [(0, None), (30, None), (0, 30), (0.5, 1), (12345.678, 1e-6), (1 / 3, None)]
    assert [keep(one, tmp_path / "out", Excerpt(*time)) for time in times] == [
        "a",
        "a (from 30 s)",
        "a (0 s to 30 s)",
        "a (0.5 s to 1.5 s)",
        "a (12345.678 s to 12345.678001 s)",
        "a (from 0.333333 s)",
    ]
    for time in times:
        assert read(folder_of(one, Excerpt(*time), tmp_path / "out", {})).excerpt == Excerpt(*time)


def test_a_folder_into_which_nothing_came_goes_again(song, tmp_path):
    with at_work_in(tmp_path / "out/a"):
        Record(song("a.wav").record(), WHOLE).write(tmp_path / "out/a")
    assert not os.listdir(tmp_path / "out")
    with tidied(tmp_path / "none"):  # and where there is none yet, nothing happens
        pass
