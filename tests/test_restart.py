"""`splitstrument serve` as a process with a real model: its results, what it leaves alone, and kill -9."""

import io
import json
import re
import signal
import socket
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests import served, strangers
from tests.audio_files import song, write_sound

pytest.importorskip("web")

from splitstrument import models  # noqa: E402
from splitstrument.stages.locking import locked  # noqa: E402
from webapp.model_process import ModelProcess, _Separators  # noqa: E402
from webapp.pages.peaks import Peaks  # noqa: E402
from webapp.pages.refused import Refused, without_folders  # noqa: E402
from webapp.serve import main  # noqa: E402

STEMS = ("mixture", "guitar", "rest")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def model(folder):
    return served.model(folder / "small")


@pytest.fixture(scope="module")
def server(folder, model):
    with served.Process(folder, models=model, waiting_each=50) as server:
        yield server


@pytest.fixture(scope="module")
def done(server, tmp_path_factory):
    """Finished jobs: {name: (the job, the bytes of its files)}."""
    path, ids = tmp_path_factory.mktemp("songs"), {}
    for name, rate, subtype in (("a.wav", 44100, "PCM_16"), ("b.flac", 96000, "PCM_24"), ("c.wav", 44100, "PCM_24")):
        data = write_sound(path / name, song(1, rate), rate, subtype=subtype).read_bytes()
        ids[name] = served.post(server.address, ("song", data, name))[1]["id"]
    found = {}
    for name, id in ids.items():
        job = served.until(server.address, id)
        found[name] = (job, files(server.address, job))
    return found


def files(address, job):
    names = [f"{stem}.{format}" for stem in STEMS for format in (*job["formats"], "png")] + ["peaks.json"]
    answers = {name: served.ask(address, f"/api/jobs/{job['id']}/{name}") for name in names}
    assert {status for status, _, _ in answers.values()} == {200}
    return {name: body for name, (_, _, body) in answers.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "subtype", "formats"),
    [
        ("a.wav", "PCM_16", ["wav", "flac", "mp3"]),
        ("b.flac", "PCM_24", ["wav", "flac"]),  # an MP3 has no 96 kHz
        ("c.wav", "PCM_24", ["wav", "flac", "mp3"]),
    ],
)
def test_results_add_up_exactly(done, name, subtype, formats):
    job, content = done[name]
    assert (job["state"], job["formats"]) == ("done", formats)
    for format in ("wav", "flac"):
        assert {soundfile.info(io.BytesIO(content[f"{stem}.{format}"])).subtype for stem in STEMS} == {subtype}
        sounds = [soundfile.read(io.BytesIO(content[f"{stem}.{format}"]), dtype="int32")[0] for stem in STEMS]
        whole, part, rest = sounds
        assert np.array_equal(whole, part + rest)
        assert part.any()
        assert rest.any()


@pytest.mark.slow
def test_waveforms_are_those_of_the_files(done):
    for job, content in done.values():
        sounds = json.loads(content["peaks.json"])
        assert list(sounds) == ["mixture", *job["parts"]]
        for name, sound in sounds.items():
            samples, _ = soundfile.read(io.BytesIO(content[f"{name}.wav"]), dtype="float32", always_2d=True)
            peaks = Peaks(len(samples))
            peaks.add(samples)
            assert sound.pop("peaks") == peaks.values()
            assert sound["frames"] == len(samples)


@pytest.mark.slow
def test_networks_that_were_not_used_for_longest_go(monkeypatch):
    made = []

    def separator(folders, device, example):
        made.append(tuple(folders))
        return len(made)

    monkeypatch.setattr("splitstrument.separator.Separator", separator)
    kept = _Separators({str(number): str(number) for number in range(9)}, "")
    assert [kept.of(("0",)), kept.of(("0", "1")), kept.of(("2", "3")), kept.of(("0",))] == [1, 2, 3, 1]
    assert kept.room()
    assert kept.of(("4",)) == 4 and not kept.room()  # now there are six
    assert kept.of(("5",)) == 5  # for which the two that were used first go
    assert [kept.of(("0",)), kept.of(("2", "3")), kept.of(("4",)), kept.of(("0", "1"))] == [1, 3, 4, 6]
    assert kept.of(tuple("12345678")) == 7  # more than are kept, and yet it is made
    assert kept.of(("0",)) == 8
    assert made[-2:] == [tuple("12345678"), ("0",)]


@pytest.mark.slow
def test_a_format_that_a_song_cannot_have_is_not_there(server, done):
    assert served.ask(server.address, f"/api/jobs/{done['b.flac'][0]['id']}/rest.mp3")[0] == 404


def descendants(of):
    """The processes below this one: their ids."""
    parents = {}
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(each.parent.name)] = int(each.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, more = set(), {of}
    while more:
        more = {child for child, parent in parents.items() if parent in more} - found
        found |= more
    return found


def computing(server):
    """The process that has the model."""
    return [each for each in descendants(server.process.pid) if "libtensorflow" in _read(each, "maps")]


def _read(process, name):
    try:
        return Path(f"/proc/{process}/{name}").read_text(errors="replace")
    except OSError:
        return ""


@pytest.fixture(scope="module")
def long_song(tmp_path_factory):
    sound = song(240, 22050, 1)
    return write_sound(tmp_path_factory.mktemp("long") / "a.wav", sound, 22050, subtype="PCM_16").read_bytes()


def separating(address, id):
    job = served.job(address, id)
    assert job["state"] in ("waiting", "running")
    return job.get("stage") == "separating" and job["percent"] > 11


@pytest.mark.slow
def test_the_model_stays_loaded_where_a_song_is_cancelled(server, done, folder, long_song):
    before = computing(server)
    assert len(before) == 1
    id = served.post(server.address, ("song", long_song, "a.wav"))[1]["id"]
    short = served.post(server.address, ("song", done["a.wav"][1]["mixture.wav"], "b.wav"))[1]["id"]
    strangers.wait_for(lambda: separating(server.address, id), 60)
    assert served.ask(server.address, f"/api/jobs/{id}", "DELETE")[0] == 200
    assert served.until(server.address, short)["state"] == "done"
    assert not (folder / "jobs" / id).exists()
    assert computing(server) == before


@pytest.mark.slow
def test_killed_while_it_separates(server, done, folder, model, long_song):
    def post():
        return served.post(server.address, ("song", long_song, "a.wav"))[1]["id"]

    running, waiting = post(), served.post(server.address, ("song", done["a.wav"][1]["mixture.wav"], "b.wav"))[1]["id"]
    cancelled = post()
    assert served.ask(server.address, f"/api/jobs/{cancelled}", "DELETE")[0] == 200
    strangers.wait_for(lambda: separating(server.address, running), 60)
    below = descendants(server.process.pid)
    assert len(below) >= 2
    assert server.end(signal.SIGKILL) == -signal.SIGKILL
    strangers.wait_for(lambda: not any(_read(each, "stat") and " Z " not in _read(each, "stat") for each in below))
    with served.Process(folder, models=model) as again:
        job = served.job(again.address, running)
        assert (job["state"], job["message"][:22]) == ("interrupted", "The server was stopped")
        assert not (folder / "jobs" / running).exists()
        assert served.job(again.address, cancelled)["state"] == "cancelled"
        for job, content in done.values():
            assert files(again.address, job) == content
        assert served.until(again.address, waiting)["state"] == "done"
        assert again.end(signal.SIGTERM) in (0, 130, -signal.SIGTERM)
    log = (folder / "server.log").read_text()
    assert "Traceback" not in log


@pytest.fixture
def refused(capsys, tmp_path, model, monkeypatch):
    """What `serve` says, in one line, where it does not begin."""
    monkeypatch.chdir(tmp_path)

    def refused(*words, models=str(model)):
        code = main([*map(str, words), *(["--models", models] if models else [])])
        said = capsys.readouterr()
        assert (code, said.out, said.err.count("\n")) == (2, "", 1), said
        return said.err

    return refused


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "70000"], "port: must be 0 to 65535, not 70000"),
        (["--megabytes", "0"], "megabytes: must be above 0, not 0"),
        (["--minutes", "nan"], "minutes"),
        (["--hours-kept", "inf"], "hours_kept"),
        (["--device", "tpu"], "device: must be cpu or gpu"),
        (["--host", "256.1.1.1", "--port", "0"], "256.1.1.1"),
        (["--settings", "none.yaml"], "none.yaml"),
    ],
)
def test_settings_that_are_wrong(refused, words, said):
    assert said in refused(*words)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot: 8080", "prot"),
        ("port: '8080x'", "port"),
        ("models: 5", "models"),
        ("youtube: perhaps", "youtube"),
        ("- 1", "must have fields"),
        ("a: [", "wrong.yaml"),
        ("folder: !!python/object/apply:os.system ['touch here']", "wrong.yaml"),
    ],
)
def test_settings_files_that_are_wrong(refused, tmp_path, text, said):
    (tmp_path / "wrong.yaml").write_text(text)
    line = refused("--settings", tmp_path / "wrong.yaml")
    assert said in line
    assert "wrong.yaml" in line
    assert not (tmp_path / "here").exists()


def test_models_ports_and_folders_that_cannot_be_had(refused, tmp_path):
    assert "guitar" in refused(models="gitar")
    assert "holds no model" in refused(models=str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert re.search(f"127.0.0.1:{port}: address already in use", refused("--port", port))
    (tmp_path / "jobs").mkdir()
    with locked(tmp_path / "jobs"):
        assert "another command is writing there" in refused("--port", 0, "--folder", tmp_path / "jobs")
    (tmp_path / "file").write_text("")
    assert "file" in refused("--port", 0, "--folder", tmp_path / "file")


@pytest.mark.slow
def test_a_model_that_does_not_load_is_told_to_who_asks_for_it(tmp_path, capfd):
    write_sound(tmp_path / "mixture.wav", song(0.2), subtype="PCM_16")
    process = ModelProcess({"broken": str(strangers.card(tmp_path / "broken"))}, "")
    try:
        with pytest.raises(Refused, match="weights are missing"):
            process.run(("broken",), tmp_path)
    finally:
        process.end()
    assert "splitstrument: the model broken cannot be used: " in capfd.readouterr().err


@pytest.mark.slow
def test_what_cannot_be_written_is_told_without_the_servers_folders(tmp_path, capfd):
    folder = tmp_path / "job of mine"
    (folder / "guitar.wav").mkdir(parents=True)
    write_sound(folder / "mixture.wav", song(0.2), subtype="PCM_16")
    process = ModelProcess({"guitar": str(models.find("guitar"))}, "")
    try:
        with pytest.raises(Refused) as error:
            process.run(("guitar",), folder)
    finally:
        process.end()
    assert error.value.message == "This could not be separated: guitar.wav: cannot be written: Is a directory."
    assert str(folder) in capfd.readouterr().err  # the server's own record has all


@pytest.mark.slow
def test_after_an_error_here_the_next_job_gets_its_own_result(tmp_path):
    folders = [tmp_path / "first", tmp_path / "second"]
    for each in folders:
        each.mkdir()
        write_sound(each / "mixture.wav", song(30), subtype="PCM_16")

    def tell(share):
        raise RuntimeError("the disk is full")

    process = ModelProcess({"guitar": str(models.find("guitar"))}, "")
    try:
        with pytest.raises(RuntimeError):
            process.run(("guitar",), folders[0], tell=tell)
        process.run(("guitar",), folders[1])
    finally:
        process.end()
    assert (folders[1] / "guitar.wav").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/srv/my jobs/1/a.wav: cannot be written", "a.wav: cannot be written"),
        ("the model x: /home/me/x/card.yaml: is missing", "the model x: card.yaml: is missing"),
        ("needs 44.1/48 kHz and/or more", "needs 44.1/48 kHz and/or more"),
    ],
)
def test_lines_without_folders(line, told):
    assert without_folders(line, "/srv/my jobs/1") == told
