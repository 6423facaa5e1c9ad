"""The demonstrator below a path of a proxy, such as https://host/split/."""

import contextlib
import http.client
import http.cookiejar
import http.server
import json
import re
import threading
import urllib.request
from urllib.parse import urljoin, urlsplit

import pytest

from tests import audio_files, browser, served, strangers

pytest.importorskip("web")

PREFIX = "/split"


@contextlib.contextmanager
def proxy(server):
    """(address of `server` below PREFIX of a proxy, the list of what was asked of the proxy outside of it)."""
    astray = []
    behind = urlsplit(server.address).netloc

    class Proxy(http.server.BaseHTTPRequestHandler):
        def answer(self):
            if not self.path.startswith(PREFIX + "/"):
                astray.append(self.path)
                return self.send_error(404)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            passed = {"X-Forwarded-For": "10.0.0.9"} | dict(self.headers)
            passed["Connection"] = "close"
            onward = http.client.HTTPConnection(behind, timeout=60)
            onward.request(self.command, self.path.removeprefix(PREFIX), body or None, passed)
            with contextlib.closing(onward), onward.getresponse() as answer:
                content = answer.read()
                self.send_response_only(answer.status, answer.reason)
                for name, value in answer.getheaders():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # a browser may have gone
                    self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_DELETE = answer  # noqa: N815  (http.server's names)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}{PREFIX}", astray
        listening.shutdown()


def test_all_addresses_stay_below_the_path(tmp_path):
    model = strangers.card(tmp_path / "tiny")
    with strangers.quickly(tmp_path, model, trusted_proxy="127.0.0.1") as server, proxy(server) as (address, astray):
        body, kind = served.form(("song", strangers.short(), "a.wav"))
        status, headers, answer = served.ask(address, "/api/jobs", "POST", body, **{"Content-Type": kind})
        id = json.loads(answer)["id"]
        assert (status, urljoin(f"{address}/api/jobs", headers["Location"])) == (202, f"{address}/api/jobs/{id}")
        assert served.until(address, id)["state"] == "done"

        scripts = set()
        for path, expected in (
            ("/", 200),
            (f"/jobs/{id}", 200),
            ("/nothing", 404),
            ("/jobs/none", 404),
            ("/nothing/at/all/", 404),
            ("/a/" * 5000, 404),
        ):
            status, _, page = served.ask(address, path)
            assert status == expected
            if len(path) < 1000:
                for link in set(re.findall('(?:href|src|action)="([^"]*)"', page.decode())):
                    found = urljoin(address + path, link)
                    assert found.startswith(f"{address}/"), (path, link)
                    assert served.ask(found, "")[0] == 200
                    scripts |= {found} if found.endswith(".js") else set()
            assert len(page) < 5000
        assert len(scripts) == 2
        while scripts:
            script = scripts.pop()
            text = served.ask(script, "")[2].decode()
            assert not re.search("[\"'`]/[a-z]", text), script
            scripts |= {urljoin(script, name) for name in re.findall('(?:from|URL\\()[ ]?"([^"]+)"', text)}
        assert astray == []


def test_the_cookie_is_for_the_path_alone(tmp_path):
    model = strangers.card(tmp_path / "tiny")
    with strangers.quickly(tmp_path, model, trusted_proxy="127.0.0.1") as server, proxy(server) as (address, _):
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        opener.open(f"{address}/").close()
        (cookie,) = jar
        assert (cookie.path, cookie.secure) == (PREFIX, False)
        body, kind = served.form(("song", strangers.short(), "a.wav"))
        opener.open(urllib.request.Request(f"{address}/api/jobs", body, {"Content-Type": kind})).close()
        assert len(json.load(opener.open(f"{address}/api/jobs"))["jobs"]) == 1
        assert "Secure" in served.ask(address, "/", **{"X-Forwarded-Proto": "https"})[1]["Set-Cookie"]


@pytest.fixture
def chromium():
    yield from browser.launched()


@pytest.mark.slow
def test_a_song_in_a_browser(chromium, tmp_path):
    song = audio_files.write_sound(tmp_path / "song.wav", audio_files.song(2))
    with served.inside(tmp_path, models=("guitar",)) as server, proxy(server) as (address, astray):
        page = browser.opened(chromium)
        page.goto(f"{address}/")
        page.wait_for_selector("main:not([data-loading])")
        page.set_input_files("#song", song)
        page.get_by_role("button", name="Separate").click()
        page.wait_for_selector("#player", timeout=90_000)
        assert page.url.startswith(f"{address}/jobs/")
        assert page.evaluate("document.querySelector('#lanes img').decode().then(() => true)")
        page.get_by_role("button", name="Play", exact=True).click()
        browser.until(lambda: float(page.input_value("#place")) > 0.2)
        with page.expect_download() as download:
            page.get_by_role("link", name="rest as FLAC", exact=True).click()
        assert download.value.suggested_filename == "song - rest.flac"
        page.get_by_role("link", name="Another song").click()
        page.get_by_role("link", name="song", exact=True).click()
        page.wait_for_selector("#player")
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Remove this result").click()
        page.wait_for_url(f"{address}/")
        browser.check_page(page)
        page.goto(f"{address}/nothing/here")
        page.get_by_role("link", name="To the first page").click()
        page.wait_for_url(f"{address}/")
        assert astray == []
