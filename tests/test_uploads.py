"""What strangers upload: each body, name and link gets its status, and nothing of it stays or leads elsewhere."""

import contextlib
import os
import socket
import sqlite3
import tempfile

import pytest

from tests import served, strangers
from tests.strangers import upload

pytest.importorskip("web")

HEAD = b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"


def test_a_body_over_the_limit(server, nothing_left):
    length = b"Content-Length: 2500000\r\n\r\n"
    assert strangers.status(strangers.raw(server.address, HEAD + length)) == 413
    # A client that sends it all before it listens hears the answer too.
    assert upload(server, bytes(12_000_000))[0] == 413
    chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
    said = strangers.raw(server.address, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + 60 * chunk)
    assert strangers.status(said) == 413
    assert b"larger than the server takes" in said


def test_a_body_just_below_the_limit_is_read(server, nothing_left):
    assert upload(server, bytes(2_000_000))[0] == 415


def test_chunks_are_a_body_too(server, sound):
    body, kind = served.form(("song", sound, "a.wav"))
    head = HEAD.replace(b"multipart/form-data; boundary=b", kind.encode()) + b"Connection: close\r\n"
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    said = strangers.raw(server.address, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert strangers.status(said) == 202


def test_bodies_that_are_no_form(server, sound, nothing_left):
    body, kind = served.form(("song", sound, "a.wav"))
    assert served.ask(server.address, "/api/jobs", "POST")[0] == 400
    for content, type in ((body, "text/plain"), (body, "multipart/form-data"), (b"a=b", kind), (body[:-9], kind)):
        status, _, answer = served.ask(server.address, "/api/jobs", "POST", content, **{"Content-Type": type})
        assert status == 400, (type, answer)
    for at in (10, 60, 150, len(body) // 2):  # truncated, in the form and by the connection
        status, _, answer = served.ask(server.address, "/api/jobs", "POST", body[:at], **{"Content-Type": kind})
        assert status == 400, answer


def test_forms_that_ask_for_nothing_or_too_much(server, sound, nothing_left):
    file = ("song", sound, "a.wav")
    assert strangers.refused(server, ("model", "small")) == (400, "Choose a song, or give the link of a video.")
    assert strangers.refused(server, ("song", b"", "")) == (400, "Choose a song, or give the link of a video.")
    assert strangers.refused(server, ("song", b"", "a.wav")) == (400, "The file is empty.")
    assert strangers.refused(server, file, file) == (400, "One song at a time: the form has two files.")
    assert strangers.refused(server, ("song", "words"), file)[0] == 400
    assert strangers.refused(server, file, ("model", "no such"))[0] == 400
    assert "small is named twice" in strangers.refused(server, file, ("model", "small"), ("model", "small"))[1]
    assert strangers.refused(server, file, *17 * [("model", "small")])[0] == 400
    assert strangers.refused(server, file, ("path", "/etc/passwd"))[0] == 400
    assert strangers.refused(server, file, ("model", "x" * 1001))[0] == 400
    assert strangers.refused(server, *[(f"field{number}", "x") for number in range(5000)])[0] == 400
    assert strangers.refused(server, ("song", sound, "a" * 5000 + ".wav"))[0] == 400


@pytest.mark.parametrize("size", [10, 900_000])
def test_a_client_that_vanishes_while_it_uploads(server, nothing_left, size):
    """With a little of its body in memory, and more in a file of the server's."""
    jobs, bodies = _jobs(server), len(_bodies())
    with strangers.connect(server.address) as connection:
        connection.sendall(HEAD + b"Content-Length: 1900000\r\n\r\n--b\r\n" + bytes(size))
        strangers.wait_for(lambda: (len(_bodies()) > bodies) == (size > 2**16))
    strangers.wait_for(lambda: len(_bodies()) == bodies)
    assert _jobs(server) == jobs


def _jobs(server):
    """How many jobs there are or were."""
    with contextlib.closing(sqlite3.connect(server.jobs / "jobs.sqlite")) as database:
        return database.execute("SELECT count(*) FROM jobs").fetchone()


def _bodies():
    """Files of this process that have no name any more, as those in which bodies arrive."""
    found = []
    for each in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{each}")
            if "(deleted)" in target and tempfile.gettempdir() in target:
                found.append(target)
    return found


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("../../x.wav", "x"),
        ("/etc/passwd", "passwd"),
        ("..\\\\..\\\\x.wav", "x"),
        ("..", "song"),
        ("...wav", "song"),
        ("a\0b.wav", "a b"),
        ("<script>alert(1)</script>.wav", "script>"),
        ("<script>.wav", "<script>"),
        ("a\u202eb\u2028c.wav", "a b c"),
        ("%2e%2e%2fx.wav", "%2e%2e%2fx"),
        ("n" * 3000 + ".wav", "n" * 120),
        ("\u00e9t\u00e9 \U0001f3b8.flac", "\u00e9t\u00e9 \U0001f3b8"),
    ],
)
def test_names_are_only_titles(server, sound, name, title):
    for each in strangers.left(server):  # what earlier tests asked for writes its files until it is done
        served.until(server.address, each)
    before, around = set(strangers.left(server)), sorted(server.jobs.parent.rglob("*"))
    status, job = served.post(server.address, ("song", sound, name))
    assert (status, job["title"]) == (202, title)
    served.until(server.address, job["id"])
    assert set(strangers.left(server)) - before == {job["id"]}
    outside = [path for path in server.jobs.parent.rglob("*") if job["id"] not in str(path)]
    assert sorted(outside) == around
    _, headers, _ = served.ask(server.address, f"/api/jobs/{job['id']}/rest.wav")
    assert headers["Content-Disposition"].startswith("attachment; ")
    assert not set('<>/\\"\r\n') & set(headers["Content-Disposition"].split('"')[1])


LINKS = [
    "http://127.0.0.1:{port}/watch?v=dQw4w9WgXcQ",
    "http://localhost:{port}/",
    "http://[::1]:{port}/",
    "file:///etc/passwd",
    "file://{named}",
    "{named}",
    "https://youtube.com.example.org/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com@127.0.0.1:{port}/watch?v=dQw4w9WgXcQ",
    "https://www.youtube.com:{port}/watch?v=dQw4w9WgXcQ",
    "https://vimeo.com/76979871",
    "https://www.youtube.com/playlist?list=PLFgquLnL59alCl_2TQvOiD5Vgm1hCaGSI",
    "https://www.youtube.com/@channel",
    "ytsearch:song",
    "-o /tmp/x",
    "https://youtu.be/dQw4w9WgXcQ\nhttp://127.0.0.1:{port}/",
]


def test_links_that_lead_elsewhere(server, tmp_path, nothing_left):
    named = tmp_path / "named.wav"
    named.write_bytes(b"RIFF")
    with socket.create_server(("127.0.0.1", 0)) as listener, strangers.opened(named) as opened:
        listener.settimeout(0.2)
        for link in LINKS:
            link = link.format(port=listener.getsockname()[1], named=named)
            assert strangers.refused(server, ("youtube", link))[0] == 400, link
        with pytest.raises(TimeoutError):
            listener.accept()
        assert not opened()


def test_a_link_has_priority_over_a_file(server, sound):
    strangers.Quick.gate.clear()
    try:
        _, first = served.post(server.address, ("song", sound, "a.wav"))  # what runs while the other waits
        status, job = served.post(
            server.address, ("song", sound, "a.wav"), ("youtube", "https://youtu.be/dQw4w9WgXcQ?list=x")
        )
        assert (status, job["link"]) == (202, "https://www.youtube.com/watch?v=dQw4w9WgXcQ")
        assert not list((server.jobs / job["id"]).iterdir())
        assert served.ask(server.address, f"/api/jobs/{job['id']}", "DELETE")[0] == 200
    finally:
        strangers.Quick.gate.set()
    served.until(server.address, first["id"])
