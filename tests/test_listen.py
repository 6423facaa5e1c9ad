"""Judging by ear: the order, judgements and undo, what the page's server answers and refuses, and several people."""

import json
import shutil
import signal
import threading
from pathlib import Path

import pytest
import soundfile

from datasets_tools.label import main
from datasets_tools.labelling.marks import change_marks, take_back
from datasets_tools.labelling.page.judging import Judging
from datasets_tools.labelling.sound_cache import Broken, SoundCache
from datasets_tools.organize import Organised, organised_tracks
from tests.audio_files import song, write_sound
from tests.listening import OTHER, Page, Process, data_set, inside, marks, silence
from tests.served import ask


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    return data_set(tmp_path_factory.mktemp("sounds") / "set", tracks=6)


@pytest.fixture
def root(sounds, tmp_path):
    """Six tracks that nobody has judged."""
    return Path(shutil.copytree(sounds, tmp_path / "set"))


@pytest.fixture
def page(root, tmp_path):
    (tmp_path / "wavs").mkdir()
    with inside(root, tmp_path / "wavs") as (address, _):
        yield Page(address)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def judging(tmp_path, clock):
    """Four tracks without sounds."""
    tracks = []
    for name in "ABCD":
        (tmp_path / name).mkdir()
        tracks.append(Organised(tmp_path / name, {"piano": ()}))
    return Judging(tracks, "piano", clock)


def test_a_change_tells_what_it_did_and_is_taken_back(tmp_path):
    change_marks(tmp_path, "piano", wanted=["bleed"])
    change = change_marks(tmp_path, "piano", wanted=["bad_quality", "checked"], unwanted=["bleed", "audible"])
    assert (set(change.created), set(change.removed)) == ({"bad_quality", "checked"}, {"bleed"})
    take_back(tmp_path, "piano", change)
    assert marks(tmp_path.parent)[tmp_path.name] == {"bleed"}


def test_undo_leaves_what_somebody_else_has_set_as_well(tmp_path):
    mine = change_marks(tmp_path, "piano", wanted=["bleed", "checked"])
    change_marks(tmp_path, "piano", wanted=["checked"])
    take_back(tmp_path, "piano", mine)
    assert marks(tmp_path.parent)[tmp_path.name] == {"checked"}
    mine = change_marks(tmp_path, "piano", wanted=["bleed", "checked"])
    take_back(tmp_path, "piano", mine)
    assert marks(tmp_path.parent)[tmp_path.name] == {"checked"}


@pytest.mark.parametrize("mark", ["audible", "missing"])
def test_checked_comes_last_and_goes_first(tmp_path, monkeypatch, mark):
    """What is killed between two files must not leave a track that counts as judged."""
    seen = []
    unlink = Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda path, **more: (seen.append(path.name), unlink(path, **more)))
    change = change_marks(tmp_path, "piano", wanted=[mark, "checked"])
    assert change.created["checked"] >= change.created[mark] and list(change.created) == [mark, "checked"]
    take_back(tmp_path, "piano", change)
    assert seen == ["piano_checked", f"piano_{mark}"]


def test_the_first_track_is_the_first_that_is_not_checked(judging):
    judging.judge("a", 0)
    assert judging.go_on("b") == 1
    judging.judge("a", 3, ["bleed"])
    assert judging.go_on("a", 1) == 2 and judging.go_on("a", 2) == 1
    judging.judge("a", 1)
    assert judging.go_on("a", 2) is None, "the last one is where one is already"
    judging.judge("a", 2)
    assert judging.go_on("a") is None


def test_two_sittings_get_different_tracks_while_there_are_some(judging):
    judging.hear("a", 0)
    assert judging.go_on("b") == 1
    for number in (1, 2, 3):
        judging.judge("b", number)
    assert judging.go_on("b", 3) == 0, "whoever had it may be gone"


def test_marks_are_read_from_disk_each_time(judging):
    change_marks(judging.tracks[0].folder, "piano", wanted=["bleed", "checked"])
    assert judging.marks(0) == ["bleed", "checked"]
    assert judging.go_on("a") == 1


def test_undo_takes_back_one_after_the_other_and_only_ones_own(judging):
    judging.judge("a", 0, ["bleed"])
    judging.judge("b", 1)
    judging.judge("a", 0, unwanted=["bleed"], wanted=["missing"], done=False)
    assert judging.marks(0) == ["missing", "checked"]
    assert judging.undo("a").track == 0 and judging.marks(0) == ["bleed", "checked"]
    assert judging.undo("a").track == 0 and judging.marks(0) == []
    assert judging.undo("a") is None
    assert judging.marks(1) == ["checked"]


def test_the_time_left_is_the_median_of_the_sitting(judging, clock):
    judging.hear("a", 0)
    assert judging.progress("a") == {"total": 4, "judged": 0, "left": None}
    for number, now in enumerate((10.0, 13.0, 1013.0)):  # a cup of tea before the third
        clock.now = now
        judging.judge("a", number)
    assert judging.progress("a") == {"total": 4, "judged": 3, "left": 10.0}
    assert judging.total() == 3
    assert judging.history("a") == [2, 1, 0]
    clock.now = 1014.0
    judging.judge("a", 0, ["bleed"])
    assert judging.progress("a")["left"] == 10.0, "to judge again is no new track"
    assert judging.history("a") == [0, 2, 1]


def test_a_failed_write_is_no_judgement(judging):
    judging.tracks[0].folder.rmdir()
    with pytest.raises(FileNotFoundError):
        judging.judge("a", 0, ["bleed"])
    assert judging.count("a") == 0


def test_a_sound_of_any_kind_becomes_a_plain_wav(tmp_path):
    paths = [
        write_sound(tmp_path / "a.flac", song(1, 96000, 6), 96000),
        write_sound(tmp_path / "b.ogg", song(2, 8000, 1, seed=1), 8000),
        write_sound(tmp_path / "c.wav", song(1, 44100, 2, seed=2), 44100),
    ]
    sounds = SoundCache([paths], tmp_path)
    stem, others = sounds.get((0, 0, False), 60), sounds.get((0, 0, True), 60)
    sounds.close()
    assert stem.layout["rate"] == 96000 and stem.layout["channels"] == 1 and stem.layout["depth"] == "16"
    assert others.layout["rate"] == 44100 and others.layout["depth"] == "float"
    assert others.layout["frames"] == 2 * 44100
    sound, _ = soundfile.read(stem.path)
    assert abs(sound - song(1, 96000, 6).mean(axis=1)).max() < 1e-3
    assert len(stem.peaks) == 2400 and max(stem.peaks) == pytest.approx(sound.max(), abs=1e-3)


def test_what_was_not_heard_for_longest_goes_and_comes_back(tmp_path):
    paths = [write_sound(tmp_path / f"{n}.wav", song(1, 8000, 1, seed=n), 8000) for n in range(3)]
    sounds = SoundCache([paths], tmp_path / "wavs", limit=2 * 16100)
    (tmp_path / "wavs").mkdir()
    keys = [(0, n, False) for n in range(3)]
    sounds.get(keys[0], 60), sounds.get(keys[1], 60), sounds.get(keys[0], 60), sounds.get(keys[2], 60)
    assert {path.name for path in (tmp_path / "wavs").iterdir()} == {"0-0.wav", "0-2.wav"}
    assert sounds.get(keys[1], 60).path.exists()
    sounds.close()


def test_what_cannot_be_read_is_one_line(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"nothing")
    sounds = SoundCache([[tmp_path / "a.wav"]], tmp_path)
    found = sounds.get((0, 0, False), 60)
    sounds.close()
    assert isinstance(found, Broken) and found.error.startswith("a.wav: ") and "\n" not in found.error


def test_the_page_begins_with_the_first_unchecked_track(root, page):
    assert b"listen.js" in page.html
    change_marks(root / "T00", "piano", wanted=["checked"])
    status, found = page.get("/api/sitting")
    assert status == 200 and found["track"] == 1 and found["splits"] == 5 and found["judged"] == 1
    assert {each["key"] for each in found["marks"]} == set("QBLMIAD")
    status, track = page.get("/api/tracks/2?hear=1")
    assert [(each["name"], each["judged"]) for each in track["stems"]] == [
        ("piano.wav", True), ("second.flac", True), ("bass.wav", False), ("drums.wav", False),
    ]  # fmt: skip
    assert track["next"] == 3


def test_a_judgement_is_on_disk_when_it_is_answered(root, page):
    found = page.judge(0, "bleed", "detailed")
    assert found["marks"] == ["bleed", "detailed", "checked"] and found["next"] == 1 and found["judged"] == 1
    assert marks(root)["T00"] == {"bleed", "detailed", "checked"}
    found = page.judge(1, "audible", done=False)
    assert "next" not in found and marks(root)["T01"] == {"audible"}
    page.judge(1, clear=["audible"], done=False)
    assert marks(root)["T01"] == set()
    assert [each["track"] for each in page.get("/api/history")[1]["tracks"]] == [1, 0]
    assert [page.post("/api/undo")[1]["track"] for _ in range(4)] == [1, 1, 0, None]
    assert not any(marks(root).values())


def test_sounds_come_in_ranges(root, page):
    found = page.ready("/api/tracks/0/stems/0")
    assert found["error"] is None and found["sound"]["frames"] == 6 * 22050
    start, frames = found["sound"]["offset"], 1000
    header = {"Cookie": page.cookie, "Range": f"bytes={start}-{start + 4 * frames - 1}"}
    status, _, content = ask(page.address, found["sound"]["url"], **header)
    wanted, _ = soundfile.read(root / "T00/piano/piano.wav", frames=frames, dtype="int16")
    assert status == 206 and content == wanted.tobytes()
    others = page.ready("/api/tracks/0/stems/0-others")["sound"]
    assert others["depth"] == "float" and others["url"] == "/sound/0/0-others.wav"


def test_hints_come_for_each_stem_and_errors_as_a_line(root, page):
    silence(root / "T00/piano/piano.wav")
    assert page.ready("/api/tracks/0/hints")["stems"][0] == ["silent (100.0% of the time)"]
    broken = page.ready("/api/tracks/5/hints")
    assert broken["error"].startswith("piano/piano.wav: ") and not any(broken["stems"])
    assert page.ready("/api/tracks/5/stems/0")["error"].startswith("piano.wav: ")
    page.judge(5, "bad_quality")
    assert marks(root)["T05"] == {"bad_quality", "checked"}


@pytest.mark.parametrize(
    "path, body",
    [
        ("/api/tracks/0/marks", {"set": ["blead"]}),
        ("/api/tracks/0/marks", {"set": ["checked"]}),
        ("/api/tracks/0/marks", {"set": ["../../x"]}),
        ("/api/tracks/0/marks", {"set": [["bleed"]]}),
        ("/api/tracks/0/marks", {"set": ["bleed"], "clear": ["bleed"]}),
        ("/api/tracks/0/marks", {"set": ["bleed"], "done": "yes"}),
        ("/api/tracks/0/marks", ["bleed"]),
        ("/api/tracks/0/marks", None),
        ("/api/tracks/6/marks", {"set": ["bleed"]}),
        ("/api/tracks/-1/marks", {"set": ["bleed"]}),
        ("/api/tracks/T00/marks", {"set": ["bleed"]}),
        ("/api/tracks/..%2f..%2fT00/marks", {"set": ["bleed"]}),
    ],
)
def test_what_is_no_judgement_changes_nothing(root, page, path, body):
    status, found = page.get(path, "POST", json.dumps(body).encode())
    assert status in (400, 404) and found["message"]
    assert not any(marks(root).values())


@pytest.mark.parametrize("path", ["0/9", "9/0", "0/0-other", "0/..%2f..%2fpiano", "../T00/piano/piano"])
def test_sounds_are_numbers_not_paths(page, path):
    status, _, _ = ask(page.address, f"/sound/{path}.wav", Cookie=page.cookie)
    assert status == 404


def test_who_has_no_key_gets_nothing(root, page):
    for path in ("/", "/?key=wrong", "/api/sitting", "/api/tracks/0", "/sound/0/0.wav"):
        assert ask(page.address, path)[0] == 403
    cookie = page.cookie.split("=")[0]
    assert ask(page.address, "/api/sitting", Cookie=f"{cookie}=wrong")[0] == 403
    assert ask(page.address, "/", Cookie=page.cookie)[0] == 200
    stranger = {"Cookie": page.cookie, "Host": "elsewhere.example"}
    assert ask(page.address, "/", **stranger)[0] == 403
    foreign = {"Cookie": page.cookie, "Origin": "http://elsewhere.example"}
    path = f"/api/tracks/0/marks?sitting={page.sitting}"
    assert ask(page.address, path, "POST", b'{"set": ["bleed"]}', **foreign)[0] == 403
    page.sitting = "<b>"
    assert page.get("/api/history")[0] == 400
    assert not any(marks(root).values())


def test_a_mark_that_cannot_be_written_is_told(root, page):
    shutil.rmtree(root / "T00")
    status, found = page.post("/api/tracks/0/marks", set=["bleed"], done=True)
    assert status == 500 and "no such file" in found["message"] and "\n" not in found["message"]


@pytest.mark.slow
def test_two_servers_judge_one_folder_and_no_mark_is_lost(root):
    """Every track by both at the same moment, each with a mark of its own; then one of them takes back all of its."""
    with Process(root) as first, Process(root) as second:
        people = [Page(first.address), Page(second.address, OTHER)]
        together = threading.Barrier(2)

        def judge(person, mark):
            for track in range(6):
                together.wait(600)
                person.judge(track, mark)

        threads = [threading.Thread(target=judge, args=each) for each in zip(people, ("bleed", "audible"), strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(600)
        assert set(map(frozenset, marks(root).values())) == {frozenset({"bleed", "audible", "checked"})}
        for _ in range(6):
            assert people[0].post("/api/undo")[0] == 200
        left = marks(root)
        assert all("audible" in each and "bleed" not in each for each in left.values())
        # A track that both judged stays judged.
        assert all("checked" in each for each in left.values())


def test_what_somebody_else_judged_meanwhile_is_passed_over(root):
    with Process(root) as first, Process(root) as second:
        mine, other = Page(first.address), Page(second.address, OTHER)
        assert mine.get("/api/sitting")[1]["track"] == 0
        other.judge(1)
        other.judge(2)
        assert mine.judge(0)["next"] == 3


def test_a_key_is_kept_by_a_process_that_is_killed(root):
    with Process(root) as process:
        page = Page(process.address)
        page.judge(0, "bleed")
        page.judge(1)
        process.end(signal.SIGKILL)
    assert marks(root)["T00"] == {"bleed", "checked"} and marks(root)["T01"] == {"checked"}
    with Process(root) as process:
        assert Page(process.address).get("/api/sitting")[1]["track"] == 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_with_a_summary(root, how):
    with Process(root) as process:
        page = Page(process.address)
        page.get("/api/tracks/0?hear=1")  # sounds and hints are being made
        page.judge(0)
        code, printed, errors = process.end(how)
    assert (code, errors) == (0, "")
    assert printed.splitlines()[-1] == "tracks: 1 judged now, 5 of 6 left"
    assert not list(root.parent.glob("splitstrument-*"))


@pytest.mark.slow
def test_the_worst_hints_come_first(root):
    silence(root / "T03/piano/piano.wav")
    (root / "T05/piano/piano.wav").unlink()
    write_sound(root / "T05/piano/piano.wav", song(6, 22050, seed=15), 22050)
    with Process(root, "--order", "hint", "--jobs", "1", "--splits", "3", "--with", "drums") as process:
        page = Page(process.address)
        found = page.get("/api/sitting")[1]
        assert (found["splits"], found["also"]) == (3, ["drums"])
        track = page.get(f"/api/tracks/{found['track']}")[1]
        assert track["name"] == "T03"
        assert [each["name"] for each in track["stems"] if each["judged"]] == ["piano.wav", "drums.wav"]
        assert page.ready(f"/api/tracks/{found['track']}/hints")["stems"][0] == ["silent (100.0% of the time)"]
        page.judge(found["track"], "missing")
    assert marks(root)["T03"] == {"missing", "checked"} and not any(marks(root, "drums").values())


@pytest.mark.parametrize(
    "options, told",
    [
        (["--listen", "--set", "bleed", "--tracks", "T00"], "--listen cannot be combined with --set"),
        (["--listen", "--hints"], "--listen cannot be combined with --set"),
        (["--cautious"], "--cautious needs --listen"),
        (["--with", "drums"], "--with needs --listen"),
        (["--no-browser"], "--no-browser needs --listen"),
        (["--listen", "--splits", "10"], "--splits must be 1 to 9"),
        (["--listen", "--port", "70000"], "--port must be 0 to 65535"),
        (["--listen", "--with", "drumms"], "no group is called 'drumms'; did you mean drums?"),
        (["--listen", "--tracks", "T77"], "no track is called 'T77'"),
    ],
)
def test_wrong_use_is_one_line(root, capsys, options, told):
    assert main([str(root), "--instrument", "piano", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("splitstrument: " + told) and error.count("\n") == 1


def test_a_port_that_is_taken_is_told(root, page, capsys):
    port = page.address.rpartition(":")[2]
    assert main(["--listen", str(root), "--instrument", "piano", "--no-browser", "--port", port]) == 2
    assert f"127.0.0.1:{port}: address already in use" in capsys.readouterr().err


def test_the_tracks_are_those_with_the_group(root):
    assert len(organised_tracks(root)) == 6
    with Process(root, "--tracks", "T01", "T03") as process:
        assert "2 tracks with piano, 2 of them to judge" in process.printed
        assert Page(process.address).get("/api/tracks/1")[1]["name"] == "T03"
