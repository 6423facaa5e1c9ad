"""Jobs: who may see and end them, how many may wait, what is left of them."""

import concurrent.futures
import errno
import json
import os
import sqlite3
import threading
import time

import pytest

from tests import served, strangers
from tests.audio_files import song, write_sound

pytest.importorskip("web")

from splitstrument.files.audio import AudioError  # noqa: E402
from webapp import decoding, jobs, uploads, worker  # noqa: E402
from webapp.jobs import Job, Jobs  # noqa: E402
from webapp.pages.refused import Refused  # noqa: E402

BOB = "splitstrument=" + "b" * 32


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return strangers.card(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def server(tmp_path_factory, small):
    with strangers.quickly(tmp_path_factory.mktemp("jobs"), small) as server:
        yield server


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "a.wav"
    return write_sound(path, song(0.2), subtype="PCM_16").read_bytes()


@pytest.fixture
def gate():
    """While it is closed, as it is at first, the job that runs does not end."""
    strangers.Quick.gate.clear()
    yield strangers.Quick.gate
    strangers.Quick.gate.set()


def ask(server, path, method="GET", **headers):
    status, headers, body = served.ask(server.address, path, method, **headers)
    return status, json.loads(body) if headers["Content-Type"] == "application/json" else body


def post(server, sound, name="a.wav", **headers):
    return served.post(server.address, ("song", sound, name), **headers)


def state(server, id):
    return ask(server, f"/api/jobs/{id}")[1].get("state")


def test_ids_cannot_be_guessed(server, sound):
    ids = [post(server, sound)[1]["id"] for _ in range(3)]
    assert all(len(id) == 32 and set(id) <= set("0123456789abcdef") for id in ids)
    assert len(set(ids)) == 3
    for id in ids:
        served.until(server.address, id)


def test_jobs_that_are_not_there(server, sound):
    for path in (f"/api/jobs/{'0' * 32}", f"/api/jobs/{'0' * 32}/rest.wav", f"/jobs/{'0' * 32}"):
        assert ask(server, path)[0] == 404
    assert ask(server, f"/api/jobs/{'0' * 32}", "DELETE")[0] == 404
    id = post(server, sound)[1]["id"]
    served.until(server.address, id)
    assert ask(server, f"/api/jobs/{id}", "DELETE") == (200, {"id": id, "state": "deleted"})
    assert not (server.jobs / id).exists()
    for path in (f"/api/jobs/{id}", f"/api/jobs/{id}/rest.wav", f"/jobs/{id}"):
        assert ask(server, path)[0] == 410
    assert ask(server, f"/api/jobs/{id}", "DELETE")[0] == 410


def test_jobs_that_have_expired(tmp_path, small, sound, monkeypatch):
    monkeypatch.setattr(worker, "_EXPIRING", 0.05)
    with strangers.quickly(tmp_path, small, hours_kept=0.5 / 3600) as server:
        id = post(server, sound)[1]["id"]
        served.until(server.address, id)
        strangers.wait_for(lambda: ask(server, f"/api/jobs/{id}/rest.wav")[0] == 410)
        strangers.wait_for(lambda: strangers.left(server) == [])


def test_jobs_of_others(server, sound):
    """An owner's job is ended by its owner alone; without one, by anybody who has its id. All who have it see it."""
    id = post(server, sound, Cookie=BOB)[1]["id"]
    served.until(server.address, id)
    for cookie in ("", "splitstrument=" + "c" * 32, "splitstrument=", "splitstrument=%", "x" + BOB, BOB + "b"):
        assert ask(server, f"/api/jobs/{id}", "DELETE", Cookie=cookie)[0] == 403, cookie
        assert ask(server, "/api/jobs", Cookie=cookie) == (200, {"jobs": []})
        assert ask(server, f"/api/jobs/{id}", Cookie=cookie)[1]["mine"] is False
    assert [job["id"] for job in ask(server, "/api/jobs", Cookie=BOB)[1]["jobs"]] == [id]
    assert ask(server, f"/api/jobs/{id}", Cookie=f'a="b"; {BOB}; c=d')[1]["mine"] is True
    assert ask(server, f"/api/jobs/{id}", "DELETE", Cookie=BOB)[0] == 200
    id = post(server, sound)[1]["id"]
    assert ask(server, f"/api/jobs/{id}", "DELETE", Cookie=BOB)[0] == 200


def test_files_of_a_job_that_is_not_done(server, sound, gate):
    id = post(server, sound)[1]["id"]
    assert ask(server, f"/api/jobs/{id}/rest.wav")[0] == 409
    strangers.wait_for(lambda: (server.jobs / id / "mixture.wav").exists())
    assert ask(server, f"/api/jobs/{id}/mixture.wav")[0] == 409
    assert ask(server, f"/api/jobs/{id}", "DELETE")[0] == 200


@pytest.mark.slow
def test_fifty_at_once(server, sound, gate):
    answered, over = [0], threading.Event()

    def watch():
        while not over.is_set():
            assert ask(server, "/health")[0] == 200
            answered[0] += 1

    with concurrent.futures.ThreadPoolExecutor(51) as threads:
        watching = threads.submit(watch)
        answers = list(threads.map(lambda number: post(server, sound, f"{number}.wav"), range(50)))
        gate.set()
        done = [served.until(server.address, job["id"]) for _, job in answers]
        over.set()
        watching.result()
    assert [status for status, _ in answers] == 50 * [202]
    assert {job["state"] for job in done} == {"done"}
    assert len({job["id"] for job in done}) == 50
    in_order = sorted(done, key=lambda job: job["created"])
    assert in_order == sorted(done, key=lambda job: job["expires"])
    assert answered[0] > 1


def test_places_in_the_queue(server, sound, gate):
    ids = [post(server, sound)[1]["id"] for _ in range(4)]
    strangers.wait_for(lambda: state(server, ids[0]) == "running")
    assert [ask(server, f"/api/jobs/{id}")[1]["before"] for id in ids[1:]] == [1, 2, 3]
    assert ask(server, f"/api/jobs/{ids[1]}", "DELETE")[0] == 200
    assert [ask(server, f"/api/jobs/{id}")[1]["before"] for id in ids[2:]] == [1, 2]
    for id in ids:
        ask(server, f"/api/jobs/{id}", "DELETE")


def test_how_many_one_address_may_have_waiting(tmp_path, small, sound, gate):
    with strangers.quickly(tmp_path, small, waiting_each=5) as server:
        gate.clear()
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: post(server, sound, **{"X-Forwarded-For": "10.0.0.9"})[0], range(8)))
        assert sorted(answers) == 5 * [202] + 3 * [429]
        body, kind = served.form(("song", sound, "a.wav"))
        status, headers, _ = served.ask(server.address, "/api/jobs", "POST", body, **{"Content-Type": kind})
        assert (status, headers["Retry-After"]) == (429, "30")
        assert len(strangers.left(server)) == 5
        gate.set()
        strangers.wait_for(lambda: post(server, sound)[0] == 202)


def test_a_proxy_says_whose_a_request_is(tmp_path, small, sound, gate):
    """But only what it wrote itself, the last of the addresses."""
    with strangers.quickly(tmp_path, small, waiting_each=1, waiting=3, trusted_proxy="127.0.0.1") as server:
        gate.clear()
        asked = ("10.0.0.1", "10.0.0.2", "9.9.9.9, 10.0.0.1", "10.0.0.3", "10.0.0.4")
        answers = [post(server, sound, **{"X-Forwarded-For": address}) for address in asked]
        assert [status for status, _ in answers] == [202, 202, 429, 202, 503]
        assert "Too many songs are waiting" in answers[-1][1]["message"]


def test_cancelled_while_it_waits_and_while_it_runs(server, sound, gate):
    running, waiting, last = (post(server, sound)[1]["id"] for _ in range(3))
    strangers.wait_for(lambda: (server.jobs / running / "mixture.wav").exists())
    for id in (waiting, running):
        assert ask(server, f"/api/jobs/{id}", "DELETE") == (200, {"id": id, "state": "cancelled"})
        assert not (server.jobs / id).exists()
    gate.set()
    assert served.until(server.address, last)["state"] == "done"
    assert [state(server, id) for id in (running, waiting)] == ["cancelled", "cancelled"]
    assert not {running, waiting} & set(strangers.left(server))


def test_cancelled_while_it_is_read(server, sound, monkeypatch):
    monkeypatch.setattr(decoding, "decode", strangers.hang)
    id = post(server, sound)[1]["id"]
    strangers.wait_for(lambda: state(server, id) == "running")
    monkeypatch.undo()
    next_one = post(server, sound)[1]["id"]
    assert ask(server, f"/api/jobs/{id}", "DELETE")[0] == 200
    assert served.until(server.address, next_one, seconds=100)["state"] == "done"  # the decoder's limit is 120 s
    assert id not in strangers.left(server)


def test_what_is_written_after_it_was_cancelled_goes_too(server, sound, monkeypatch):
    def late(self, models, folder, example, tell, stopped):
        strangers.wait_for(stopped)
        folder.mkdir(exist_ok=True)
        (folder / "guitar.wav").write_bytes(b"late")
        raise RuntimeError("no folder any more")

    monkeypatch.setattr(strangers.Quick, "run", late)
    id = post(server, sound)[1]["id"]
    strangers.wait_for(lambda: (server.jobs / id / "mixture.wav").exists())
    assert ask(server, f"/api/jobs/{id}", "DELETE")[0] == 200
    monkeypatch.undo()
    assert served.until(server.address, post(server, sound)[1]["id"])["state"] == "done"
    assert id not in strangers.left(server)
    assert state(server, id) == "cancelled"


def test_a_song_whose_model_is_no_longer_served(tmp_path, small):
    store = Jobs(tmp_path / "jobs", 1, 1)
    store.add(Job("a" * 32, ("other",), "song", "127.0.0.1"), 9, 9)
    store.close()
    with strangers.quickly(tmp_path, small) as server:
        job = served.until(server.address, "a" * 32)
        assert (job["state"], job["message"]) == (
            "failed",
            "The model other is no longer here. Please choose another one.",
        )


def test_songs_of_several_models(tmp_path, small, sound):
    """Models and parts are in the order in which models are offered; of several models the last part is the rest."""
    drums, band = strangers.card(tmp_path / "drums", "drums"), strangers.card(tmp_path / "band", "bass", "other")
    with strangers.quickly(tmp_path, small, models=(str(small), str(drums), str(band))) as server:
        offered = ask(server, "/api/models")[1]["models"]
        assert [(model["name"], model["takes"], model["remainder"]) for model in offered] == [
            ("small", ["guitar"], "rest"),
            ("drums", ["drums"], "rest"),
            ("band", ["bass"], "other"),
        ]
        asked = [["band", "small"], ["band"], [], ["drums", "band", "small"]]
        file = ("song", sound, "a.wav")
        jobs = [served.post(server.address, file, *(("model", name) for name in models)) for models in asked]
        assert [(job["models"], job["parts"]) for _, job in jobs] == [
            (["small", "band"], ["guitar", "bass", "rest"]),
            (["band"], ["bass", "other"]),
            (["small"], ["guitar", "rest"]),
            (["small", "drums", "band"], ["guitar", "drums", "bass", "rest"]),
        ]
        for _, job in jobs:
            done = served.until(server.address, job["id"])
            assert (done["parts"], done["formats"]) == (job["parts"], ["wav"])
            for part in ("mixture", *done["parts"]):
                assert ask(server, f"/api/jobs/{job['id']}/{part}.wav")[0] == 200
            assert ask(server, f"/api/jobs/{job['id']}/strings.wav")[0] == 404


OLD = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, model TEXT NOT NULL, title TEXT NOT NULL,
    address TEXT NOT NULL, owner TEXT NOT NULL, link TEXT NOT NULL, instrument TEXT NOT NULL, state TEXT NOT NULL,
    stage TEXT NOT NULL, share REAL NOT NULL, left REAL NOT NULL, message TEXT NOT NULL, seconds REAL NOT NULL,
    formats TEXT NOT NULL, size INTEGER NOT NULL, created REAL NOT NULL, started REAL NOT NULL, finished REAL NOT NULL,
    expires REAL NOT NULL, UNIQUE(id)
);
CREATE INDEX states ON jobs (state);
"""


def test_results_of_earlier_versions_are_still_there(tmp_path, small, sound):
    """Their databases have one model and one instrument for each job, and formats with spaces between."""
    done, waiting, expires = "d" * 32, "f" * 32, time.time() + 1000
    (tmp_path / "jobs").mkdir()
    database = sqlite3.connect(tmp_path / "jobs" / "jobs.sqlite")
    database.executescript(OLD)
    values = "NULL, ?, 'small', 'My song', 'a', '', '', 'guitar', ?, '', 0, 0, '', 3, ?, 9, 1, 2, 5, ?"
    row = f"INSERT INTO jobs VALUES ({values})"
    database.execute(row, (done, "done", "wav flac mp3", expires))
    database.execute(row, (waiting, "waiting", "", 0))
    database.commit()
    database.close()
    for id in (done, waiting):
        (tmp_path / "jobs" / id).mkdir()
    (tmp_path / "jobs" / waiting / "upload").write_bytes(sound)
    for part in ("mixture", "guitar", "rest"):
        (tmp_path / "jobs" / done / f"{part}.wav").write_bytes(sound)
    for _ in range(2):  # the second time the database is a new one
        with strangers.quickly(tmp_path, small) as server:
            job = ask(server, f"/api/jobs/{done}")[1]
            assert (job["models"], job["parts"], job["took"]) == (["small"], ["guitar", "rest"], 3)
            assert job["formats"] == ["wav", "flac", "mp3"]
            for part in ("mixture", *job["parts"]):
                assert ask(server, f"/api/jobs/{done}/{part}.wav")[0] == 200
            assert served.until(server.address, waiting)["formats"] == ["wav"]


@pytest.mark.slow
def test_the_worker_outlives_a_database_that_fails(server, sound, monkeypatch):
    real, failed = Jobs.take, []

    def take(self):
        if not failed:
            failed.append(True)
            raise OSError("disk full")
        return real(self)

    monkeypatch.setattr(Jobs, "take", take)
    assert served.until(server.address, post(server, sound)[1]["id"])["state"] == "done"
    assert failed
    assert ask(server, "/health") == (200, {"status": "ok"})


def test_a_full_disk_is_told_in_one_line_without_the_servers_path(server, sound, monkeypatch, tmp_path):
    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/srv/jobs/secret/a.wav")

    def full_for_a_writer(*arguments):
        raise AudioError("/srv/jobs/secret/a.wav: cannot be written: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(decoding.AudioWriter, "write", full_for_a_writer)
        (tmp_path / "a.wav").write_bytes(sound)
        with pytest.raises(Refused, match="^The disk of this server is full"):
            decoding.decode(str(tmp_path / "a.wav"), str(tmp_path / "b.wav"), 10.0, lambda share: None)
    real, line = uploads.receive, "The disk of this server is full. Please try again later."
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "receive", full)
        assert post(server, sound) == (507, {"status": 507, "message": line})
        patch.setattr(uploads, "receive", real)
        patch.setattr(strangers.Quick, "run", full)
        job = served.until(server.address, post(server, sound)[1]["id"])
        assert (job["state"], job["message"]) == ("failed", line)
    assert served.until(server.address, post(server, sound)[1]["id"])["state"] == "done"


@pytest.fixture
def store(tmp_path):
    store = Jobs(tmp_path / "jobs", 1, 1e-6)  # 1,000 bytes
    yield store
    store.close()


def result(store, name, size):
    store.add(Job(id=name, models=("m",), title="t", address="a"), 100, 100)
    (store.folder / name).mkdir()
    store.take()
    return store.end(name, jobs.DONE, size=size)


def states(store, *names):
    return [store.find(name).state for name in names]


def test_where_results_take_too_much_the_oldest_go(store):
    for name in "abcd":
        result(store, name, 400)
    store.expire()
    assert states(store, *"abcd") == ["expired", "expired", "done", "done"]
    assert sorted(path.name for path in store.folder.iterdir() if path.is_dir()) == ["c", "d"]
    result(store, "e", 5000)  # more than there is, and yet the newest stays
    store.expire()
    assert states(store, *"cde") == ["expired", "expired", "done"]


def test_a_beginning_server_clears_only_what_is_its_own(store):
    for name in ("waits", "ran"):
        store.add(Job(id=name, models=("m",), title="t", address="a"), 100, 100)
    store.change("waits", state="done")
    store.take()
    store.change("waits", only=("done",), state="waiting")
    for name in ("waits", "ran", "f" * 32, "Music", "F" * 32):
        (store.folder / name).mkdir()
    (store.folder / "thesis.txt").write_text("mine")
    store.interrupted()
    assert states(store, "waits", "ran") == ["waiting", "interrupted"]
    assert {path.name for path in store.folder.iterdir()} >= {"waits", "Music", "F" * 32, "thesis.txt"}
    assert not {"ran", "f" * 32} & {path.name for path in store.folder.iterdir()}


def test_each_job_is_taken_once_and_in_order(store):
    taken = []

    def work(number):
        store.add(Job(id=str(number), models=("m",), title="t", address="a"), 1000, 1000)
        taken.append(store.take())

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(200)))
    assert sorted(int(job.id) for job in taken) == list(range(200))
    begun = sorted(taken, key=lambda job: job.created)
    assert [job.started for job in begun] == sorted(job.started for job in taken)
    assert store.take() is None
