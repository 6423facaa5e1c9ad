"""The demonstrator's doors: addresses, headers, downloads and their ranges, errors, other sites' pages."""

import json
import logging
import re

import pytest

from tests import served, strangers

pytest.importorskip("web")

from webapp import app  # noqa: E402


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("safety")
    with strangers.quickly(folder, strangers.card(folder / "small"), megabytes=2) as server:
        yield server


@pytest.fixture(scope="module")
def done(server):
    """The id of a finished job."""
    return strangers.finished(server, strangers.short(), "%22<b>\u00e9 & c.wav")


def ask(server, path, method="GET", **headers):
    return served.ask(server.address, path, method, **headers)


@pytest.mark.parametrize(
    "path",
    [
        "/x.py%3F/../static/y",
        "/static/..",
        "/static/%2e%2e",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/..%5capp.py",
        "/static/%2fetc%2fpasswd",
        "/static//etc/passwd",
        "/static/",
        "/static",
        "/static/start.html",
        "/static/style.css%00.html",
        "/static/style.css/",
        "/static/%ff%fe",
        "/static/%",
        "/static/%zz",
        "//static/../../app.py",
        "/webapp/app.py",
        "/api/jobs/../../etc/passwd",
        "/api/jobs/%2e%2e/jobs.sqlite",
        "/api/jobs/jobs.sqlite/x",
        "/api/jobs/%00/x",
        "/api/jobs/" + "9" * 5000,
        "/jobs/%0a%0d",
        "/jobs/%ff",
        "/%c3%a9",
        "http://example.org/etc/passwd",
        "*",
        "x",
    ],
)
def test_addresses_at_which_there_is_nothing(server, path):
    assert strangers.line(server, path) == 404


@pytest.mark.parametrize(
    "name",
    [
        "upload",
        "example",
        "../jobs.sqlite",
        "%2e%2e%2fjobs.sqlite",
        "rest.html",
        "rest",
        ".wav",
        "rest.wav%00",
        "peaks.wav",
    ],
)
def test_files_of_a_job_are_those_of_its_result(server, done, name):
    assert strangers.line(server, f"/api/jobs/{done}/{name}") == 404


def test_only_the_methods_that_there_are(server, done):
    for method in ("PUT", "PATCH", "OPTIONS", "TRACE", "POST", "CONNECT", "PROPFIND", "_HERE", "__CLASS__"):
        assert strangers.line(server, f"/api/jobs/{done}", method) == 405, method
    assert strangers.line(server, "/", "DELETE") == 405
    assert strangers.line(server, "/health", "get") == 400


SAFE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def safe(headers, player=False):
    """Whether an answer's headers let a browser do nothing that it should not: the player may use WebAssembly."""
    assert {name: headers[name] for name in SAFE} == SAFE
    policy = dict(each.strip().split(" ", 1) for each in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    scripts = policy.pop("script-src")
    assert scripts == ("'self' 'wasm-unsafe-eval'" if player else "'self'")
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in str(policy)
    return True


def test_every_kind_of_answer_has_the_headers(server, done, monkeypatch):
    monkeypatch.setattr(app.Models, "GET", lambda self: 1 / 0)
    for path, status in (
        ("/", 200),
        (f"/jobs/{done}", 200),
        ("/health", 200),
        ("/static/style.css", 200),
        ("/static/start.js", 200),
        (f"/api/jobs/{done}", 200),
        (f"/api/jobs/{done}/rest.wav", 200),
        (f"/api/jobs/{done}/rest.png", 200),
        (f"/api/jobs/{done}/peaks.json", 200),
        ("/nothing", 404),
        ("/api/nothing", 404),
        ("/api/models", 500),
    ):
        for method in ("GET", "HEAD"):
            answered, headers, body = ask(server, path, method)
            assert answered == status, path
            assert safe(headers, player=path.startswith("/jobs/"))
            assert headers["Content-Type"].partition(";")[0] in ("text/html", "application/json") or status == 200
            assert body if method == "GET" else not body
    for head in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n"):
        said = strangers.raw(server.address, head).decode()
        head, _, body = said.partition("\r\n\r\n")
        assert safe(dict(each.split(": ", 1) for each in head.split("\r\n")[1:]))
        assert json.loads(body)["status"] in (400, 413)


def test_pages_have_no_script_of_their_own(server, done):
    for path in ("/", f"/jobs/{done}", "/nothing"):
        page = ask(server, path)[2].decode()
        assert not re.search(r"<script(?![^>]*\ssrc=\"[./]*static/)|\son\w+=|<style|\sstyle=|javascript:", page), path


def test_downloads(server, done):
    _, headers, body = ask(server, f"/api/jobs/{done}/rest.wav")
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"__b__ _ c - rest.wav\"; filename*=UTF-8''%22%3Cb%3E%C3%A9%20%26%20c%20-%20rest.wav"
    )
    assert headers["Content-Type"] == "audio/wav"
    assert int(headers["Content-Length"]) == len(body) > 50_000
    _, other, nothing = ask(server, f"/api/jobs/{done}/rest.wav", "HEAD")
    assert nothing == b""
    different = ("Date", "Connection")
    assert [each for each in other.items() if each[0] not in different] == [
        each for each in headers.items() if each[0] not in different
    ]


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [("0-0", 0, 1), ("0-99", 0, 100), ("100-", 100, None), ("-7", -7, None), ("10-999999999", 10, None)],
)
def test_ranges(server, done, wanted, start, stop):
    path = f"/api/jobs/{done}/rest.wav"
    whole = (server.jobs / done / "rest.wav").read_bytes()
    part = whole[start:stop]
    first = start % len(whole)
    status, headers, body = ask(server, path, Range=f"bytes={wanted}")
    assert (status, body) == (206, part)
    assert headers["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(whole)}"
    assert headers["Accept-Ranges"] == "bytes"
    assert int(headers["Content-Length"]) == len(part)
    status, headers, body = ask(server, path, "HEAD", Range=f"bytes={wanted}")
    assert (status, body, int(headers["Content-Length"])) == (206, b"", len(part))


def test_ranges_beyond_the_file_and_nonsense(server, done):
    path, size = f"/api/jobs/{done}/rest.wav", (server.jobs / done / "rest.wav").stat().st_size
    for beyond in (f"{size}-", f"{size + 5}-{size + 9}", "-0", "5-4", "999999999999999-"):
        status, headers, _ = ask(server, path, Range=f"bytes={beyond}")
        assert (status, headers["Content-Range"]) == (416, f"bytes */{size}"), beyond
    for nonsense in ("bytes=-", "bytes=a-b", "bytes=1-2,5-9", "seconds=1-2", "bytes=--1", "bytes=" + "9" * 30 + "-"):
        status, _, body = ask(server, path, Range=nonsense)
        assert (status, len(body)) == (200, size), nonsense


def test_errors_show_a_number_that_the_log_has_and_nothing_else(server, caplog, monkeypatch):
    def broken(self, *_):
        raise RuntimeError("secret of /etc")

    monkeypatch.setattr(app.Models, "GET", broken)
    monkeypatch.setattr(app.OneJob, "GET", broken)
    monkeypatch.setattr(app.JobPage, "GET", broken)
    for path in ("/api/models", "/api/jobs/x%0aforged%0dline%1b[2J", "/jobs/x"):
        caplog.clear()
        status, headers, body = ask(server, path)
        assert status == 500
        assert headers["Content-Type"] == ("application/json" if "/api/" in path else "text/html; charset=utf-8")
        number = re.search(r"error ([0-9a-f]{8})", body.decode())[1]
        assert number in caplog.text
        assert "secret of /etc" in caplog.text
        assert not re.search(rb"secret|RuntimeError|Traceback|\.py|/etc|line \d", body)
        assert not re.search("^forged|\r|\x1b", caplog.text, re.M)


def test_nothing_is_shown_for_debugging(server):
    import web

    assert web.config.debug is False
    assert strangers.line(server, "/?debug=1&_=%3Cscript%3E") == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),  # a program's
        ({"Sec-Fetch-Site": "same-origin"}, 400),
        ({"Sec-Fetch-Site": "none"}, 400),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://example.org"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "nonsense"}, 403),
    ],
)
def test_other_sites_pages_may_not_ask(server, done, headers, status):
    assert ask(server, "/api/jobs", "POST", **headers)[0] == status
    assert ask(server, f"/api/jobs/{done}", **headers)[0] == 200
    if status == 403:
        assert ask(server, f"/api/jobs/{done}", "DELETE", **headers)[0] == 403


def test_this_sites_own_page_may_ask(server):
    assert ask(server, "/api/jobs", "POST", Origin=server.address)[0] == 400


def test_logs_do_not_repeat_what_strangers_send(server):
    assert not logging.getLogger("waitress").isEnabledFor(logging.INFO)
