"""Connections of strangers: slow, broken, too many, gone; and requests that are made to be misread."""

import os
import threading
import time

import pytest

from tests import served, strangers

pytest.importorskip("web")

from webapp.pages import connections  # noqa: E402

LARGE = 40_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("safety")
    with strangers.quickly(folder, strangers.card(folder / "small"), megabytes=2) as server:
        yield server


@pytest.fixture(scope="module")
def done(server):
    """The id of a finished job; its guitar.wav is `LARGE`."""
    id = strangers.finished(server, strangers.short())
    with open(server.jobs / id / "guitar.wav", "r+b") as file:
        file.truncate(LARGE)
    return id


def ask(server, path, method="GET", **headers):
    return served.ask(server.address, path, method, **headers)


def test_requests_that_two_servers_could_read_in_two_ways(server):
    body = b"\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    for more in (
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: " + b"9" * 6000 + b"\r\n",
        b"Content-Length : 5\r\n",
        b"A: b\nContent-Length: 5\r\n",
        b"A: b\0c\r\n",
        b" folded: x\r\n",
    ):
        said = strangers.raw(server.address, b"POST /api/jobs HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n" + body)
        assert strangers.status(said) == 400, more
        assert said.count(b"HTTP/1.") == 1, more
        assert (b"two ways" in said) == (b"Transfer" in more)
    for more, status in ((b"Transfer-Encoding: gzip\r\n", 501), (b"Transfer-Encoding: xchunked\r\n", 501)):
        assert strangers.line(server, "/api/jobs", "POST", more) == status
    said = strangers.raw(server.address, b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    assert strangers.status(said) == 400
    for target in ("http://[", "http://[::1/x", b"/\xff"):
        assert strangers.line(server, target) == 400


def test_headers_have_a_limit(server):
    began = time.process_time()  # of the server too, which is in this process; other programs do not count
    assert strangers.line(server, "/" + "x" * 40_000) == 431
    assert strangers.line(server, "/health", more=b"Cookie: " + b"x" * 40_000 + b"\r\n") == 431
    # Cookies in quotes, that Python's own parser takes seconds for.
    for cookie in (b'a="' + b"\\" * 30_000 + b'"', b"a=b;" * 8_000, b'"' * 30_000):
        assert strangers.line(server, "/api/jobs", more=b"Cookie: " + cookie + b"\r\n") == 200
    assert time.process_time() - began < 2


def test_lines_between_chunks_have_a_limit(server):
    head = b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for more in (b"5;" + b"x" * 20_000, b"0\r\n" + b"x: y" * 5_000):
        said = strangers.raw(server.address, head + more)
        assert strangers.status(said) == 400
        assert b"too long" in said


def test_answers_that_nobody_takes_keep_no_thread(server, done):
    """Two requests at once for a large file, of which nothing is read, on more connections than there are threads."""
    request = f"GET /api/jobs/{done}/guitar.wav HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    open_now = []
    try:
        for _ in range(70):
            open_now.append(strangers.connect(server.address))
            open_now[-1].sendall(2 * request)
        for connection in open_now:
            assert connection.recv(12) == b"HTTP/1.1 200"
        health(server, 3)
    finally:
        for connection in open_now:
            connection.close()


def health(server, times):
    """It answers several times: a server without a free thread would not."""
    for _ in range(times):
        assert ask(server, "/health")[0] == 200


def test_slow_clients_let_others_be_answered(server, done):
    """20 that upload slowly, 20 whose headers do not end, 20 that hardly read a large file."""
    upload = b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    begins = (
        upload + b"Content-Length: 1900000\r\n\r\n--b\r\n",
        upload + b"Transfer-Encoding: chunked\r\n\r\n1",
        b"GET / HTTP/1.1\r\nX: ",
        f"GET /api/jobs/{done}/guitar.wav HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    )
    clients = []
    try:
        for begin in begins:
            for _ in range(20):
                clients.append(strangers.connect(server.address))
                clients[-1].sendall(begin)
        for _ in range(5):
            for client in clients[:60]:
                client.sendall(b"0")
            for client in clients[60:]:
                assert client.recv(100)
            health(server, 2)
    finally:
        for client in clients:
            client.close()


def test_a_fast_client_is_not_served_alone(server, done, monkeypatch):
    """A large file goes out in turns, however fast it is taken."""
    real, turns = connections.Channel.handle_write, []

    def handle_write(self):
        before = self.total_outbufs_len
        real(self)
        if self.connected:
            turns.append(before - self.total_outbufs_len)

    monkeypatch.setattr(connections.Channel, "handle_write", handle_write)
    assert len(ask(server, f"/api/jobs/{done}/guitar.wav")[2]) == LARGE
    assert 1000 < max(turns) <= 2 * connections._TURN
    assert sum(turns) > LARGE / 2


def test_a_client_that_vanishes_while_it_downloads(server, done):
    strangers.wait_for(lambda: not open_files(done))
    for _ in range(5):
        with strangers.connect(server.address) as client:
            client.sendall(f"GET /api/jobs/{done}/guitar.wav HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert client.recv(1000)
            assert open_files(done)
    strangers.wait_for(lambda: not open_files(done))
    health(server, 1)


def open_files(part=""):
    """How many files of this process are open whose path has this part."""
    found = 0
    for each in os.listdir("/proc/self/fd"):
        try:
            found += part in os.readlink(f"/proc/self/fd/{each}")
        except OSError:
            continue
    return found


def test_requests_leave_nothing_open(server, done):
    def round():
        for path in ("/", "/nothing", f"/api/jobs/{done}", f"/api/jobs/{done}/rest.wav", "/static/style.css"):
            ask(server, path)
            ask(server, path, "HEAD")
        ask(server, f"/api/jobs/{done}/rest.wav", Range="bytes=99999999-")
        body, kind = served.form(("song", b"no song", "a.mp3"))
        served.ask(server.address, "/api/jobs", "POST", body, **{"Content-Type": kind})

    round()
    before, threads = open_files(), threading.active_count()
    for _ in range(17):
        round()
    strangers.wait_for(lambda: open_files() <= before)
    assert threading.active_count() <= threads


@pytest.mark.slow
def test_who_is_idle_or_too_slow_is_closed(server):
    """A byte now and then is idle; 64 kB of a body now and then are not."""
    old = time.time() - 1000

    def channels():
        return list(server.active_channels.values())

    strangers.wait_for(lambda: not channels())
    with strangers.connect(server.address) as drip, strangers.connect(server.address) as pour:
        drip.sendall(b"GET / HTTP/1.1\r\nX: ")
        pour.sendall(b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1900000\r\n\r\n")
        strangers.wait_for(lambda: len([each for each in channels() if each.request]) == 2)
        for channel in channels():
            channel.last_activity = old
        drip.sendall(b"a")
        pour.sendall(bytes(1 << 17))
        strangers.wait_for(lambda: sum(each.last_activity > old for each in channels()) == 1)
        server.next_channel_cleanup = 0
        assert strangers.heard(drip) == b""
        assert len(channels()) == 1


def test_bodies_that_arrive_have_a_limit_together(server, monkeypatch):
    monkeypatch.setattr(connections, "_BODIES", 2)
    head = b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1900000\r\n\r\n"
    first = [strangers.connect(server.address) for _ in range(2)]
    try:
        for client in first:
            client.sendall(head)
        strangers.wait_for(lambda: sum(bool(each.request) for each in server.active_channels.values()) == 2)
        said = strangers.raw(server.address, head)
        assert strangers.status(said) == 503
        assert b"Retry-After: " in said
        health(server, 1)
    finally:
        for client in first:
            client.close()
