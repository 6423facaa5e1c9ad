"""Firefox without a window, driven by WebDriver BiDi: as much of it as the tests of our pages need.

The protocol is JSON over a web socket (https://www.w3.org/TR/webdriver-bidi/).
"""

import contextlib
import itertools
import json
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests import browser

_PREFERENCES = {
    "app.update.enabled": False,
    "browser.download.folderList": 2,  # the folder below
    "browser.download.useDownloadDir": True,
    "browser.download.always_ask_before_handling_new_types": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.autoplay.default": 0,
    "media.cubeb.force_mock_context": True,  # a loudspeaker that is not there, on which sound is played all the same
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class Firefox:
    """One tab of a running Firefox; `downloads`: the folder where its files come."""

    def __init__(self, address, downloads):
        from websockets.sync.client import connect

        self.downloads = downloads
        self._numbers = itertools.count()
        self._stack = contextlib.ExitStack()
        self._socket = self._stack.enter_context(connect(f"{address}/session", max_size=None))
        self.errors = []  # of the pages' scripts
        self.command("session.new", capabilities={})
        self.command("session.subscribe", events=["log.entryAdded"])
        self.command("script.addPreloadScript", functionDeclaration=f"() => {{ {browser.WATCH} }}")
        self.tab = self.command("browsingContext.getTree")["contexts"][0]["context"]

    def close(self):
        with contextlib.suppress(Exception):
            self.command("browser.close")
        self._stack.close()

    def command(self, method, **parameters):
        """What Firefox answers to a command."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self._socket.recv(timeout=120))
            if said.get("method") == "log.entryAdded" and said["params"]["level"] == "error":
                self.errors.append(said["params"]["text"])
            if said.get("id") == number:
                assert said["type"] == "success", f"{method}: {said.get('message')}"
                return said["result"]

    def goto(self, address):
        self.command("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def evaluate(self, expression):
        """The value of a JavaScript expression or promise, through JSON."""
        value = self.run(f"(async () => JSON.stringify(await ({expression})))()").get("value")
        return None if value is None else json.loads(value)

    def run(self, script):
        """Run a script in the page: what it gives, as the protocol has it."""
        target = {"context": self.tab}
        found = self.command("script.evaluate", expression=script, target=target, awaitPromise=True)
        assert found["type"] == "success", found.get("exceptionDetails", {}).get("text")
        return found["result"]

    def until(self, expression, seconds=90):
        """The value of `expression` as soon as it is true; a page that is just being left has none."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(AssertionError):
                if found := self.evaluate(expression):
                    return found
            time.sleep(0.05)
        raise AssertionError(f"it did not come: {expression}")

    def element(self, selector):
        found = self.command(
            "browsingContext.locateNodes", context=self.tab, locator={"type": "css", "value": selector}
        )["nodes"]
        assert found, f"no element {selector}"
        return {"sharedId": found[0]["sharedId"]}

    def choose(self, selector, *files):
        """Choose files for an input."""
        element, names = self.element(selector), [str(file) for file in files]
        self.command("input.setFiles", context=self.tab, element=element, files=names)

    def click(self, selector):
        """Press an element with the mouse."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        origin = {"type": "element", "element": self.element(selector)}
        move = {"type": "pointerMove", "x": 0, "y": 0, "origin": origin}
        press = [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._act({"type": "pointer", "id": "mouse", "actions": press})

    def press(self, *keys):
        """Press keys one after the other."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": actions})

    def _act(self, actions):
        self.command("input.performActions", context=self.tab, actions=[actions])

    def check_page(self):
        """What holds for every page: see `browser.check_page`."""
        package = pytest.importorskip("axe_playwright_python")
        self.run((Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
        assert browser.faults(self.evaluate(f"axe.run(document, {json.dumps(browser.RULES)})")) == []
        assert self.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert self.errors == []

    def downloaded(self, name, seconds=90):
        """The path of a file as soon as it has come whole."""
        path, end = self.downloads / name, time.monotonic() + seconds
        while time.monotonic() < end:
            if path.is_file() and path.stat().st_size and not list(self.downloads.glob("*.part")):
                return path
            time.sleep(0.05)
        raise AssertionError(f"{name} did not come; there are {[path.name for path in self.downloads.iterdir()]}")


def launched():
    """A Firefox; skips the test where there is none. A generator, for a fixture."""
    pytest.importorskip("websockets")
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if not program:
        pytest.skip("no Firefox on this machine")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        profile, downloads = Path(folder) / "profile", Path(folder) / "downloads"
        profile.mkdir()
        downloads.mkdir()
        preferences = _PREFERENCES | {"browser.download.dir": str(downloads)}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in preferences.items()]
        (profile / "user.js").write_text("\n".join(lines))
        words = [program, "--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", str(profile)]
        environment = {"HOME": folder, "PATH": "/usr/bin:/bin", "MOZ_HEADLESS": "1"}
        process = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        firefox = None
        try:
            firefox = Firefox(_address(process), downloads)
            yield firefox
        finally:
            if firefox:
                firefox.close()
            process.kill()
            process.wait()
            process.stderr.close()


def _address(process):
    for line in process.stderr:
        if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
            return found[1]
    raise AssertionError("Firefox ended before it listened")
