"""A data set to judge, and the page of `splitstrument label --listen` for tests: as a process, or in this one."""

import contextlib
import functools
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np

from datasets_tools.label import chosen_tracks, examine_groups
from datasets_tools.organize import organised_tracks
from tests.audio_files import song, write_sound
from tests.served import ROOT, ask

SITTING = "11111111-aaaa"
OTHER = "22222222-bbbb"


def data_set(root, tracks=10, seconds=6.0):
    """`tracks` tracks with a piano and two others. T02 has two pianos, the piano of T05 cannot be read."""
    for number in range(tracks):
        folder = Path(root) / f"T{number:02}"
        for place, group in enumerate(("piano", "bass", "drums")):
            (folder / group).mkdir(parents=True)
            write_sound(folder / group / f"{group}.wav", song(seconds, 22050, seed=3 * number + place), 22050)
        if number == 2:
            write_sound(folder / "piano" / "second.flac", song(seconds, 48000, channels=6, seed=40), 48000)
        if number == 5:
            (folder / "piano" / "piano.wav").write_bytes(b"no sound at all")
    return Path(root)


def silence(path, seconds=6.0, rate=22050):
    write_sound(path, np.zeros((round(seconds * rate), 2), np.float32), rate)


def marks(root, group="piano"):
    """{track: its marks} as they are on disk."""
    return {
        folder.name: {path.name.removeprefix(f"{group}_") for path in folder.glob(f"{group}_*")}
        for folder in sorted(Path(root).iterdir())
    }


class Page:
    """A person at the page at `address` (with its key), who asks what the page asks."""

    def __init__(self, address, sitting=SITTING):
        self.address, _, self.key = address.partition("/?key=")
        status, headers, self.html = ask(self.address, f"/?key={self.key}")
        assert status == 200
        self.cookie, self.sitting = headers["Set-Cookie"].split(";")[0], sitting

    def get(self, path, method="GET", body=None):
        """(status, what the JSON says)."""
        path += f"{'&' if '?' in path else '?'}sitting={self.sitting}"
        status, _, content = ask(self.address, path, method, body, Cookie=self.cookie)
        return status, json.loads(content)

    def post(self, path, **content):
        return self.get(path, "POST", json.dumps(content).encode())

    def judge(self, track, *wanted, clear=(), done=True):
        status, found = self.post(f"/api/tracks/{track}/marks", set=wanted, clear=clear, done=done)
        assert status == 200, found
        return found

    def ready(self, path):
        """What is there as soon as it is ready."""
        while True:
            status, found = self.get(path)
            if status != 200 or found["ready"]:
                return found


class Process:
    """`splitstrument label ROOT --instrument piano --listen` as a process; `address` is what it prints."""

    def __init__(self, root, *options):
        words = ["label", str(root), "--instrument", "piano", "--listen", "--no-browser", *options]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "splitstrument", *words],
            cwd=root,
            # What a killed one leaves of its sounds goes with the test's folder.
            env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(Path(root).parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.printed = ""
        for line in self.process.stdout:
            self.printed += line
            if found := re.search(r"http://\S+", line):
                self.address = found[0]
                return
        raise AssertionError(self.process.communicate()[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGKILL)

    def end(self, how):
        """Send it a signal: (exit code, all that it printed, its errors)."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            out, self.errors = self.process.communicate(timeout=600)
            self.printed += out
        return self.process.returncode, self.printed, self.errors


@contextlib.contextmanager
def inside(root, folder, **settings):
    """The page in threads of this process: its address, and its Context."""
    from datasets_tools.labelling.page.handlers import make_site
    from datasets_tools.labelling.page.server import Listening, make_context
    from webapp.pages import site

    settings = Listening("piano", **settings)
    tracks = chosen_tracks(organised_tracks(root), None, "piano")
    examine = functools.partial(examine_groups, groups=("piano", *settings.also))
    context = make_context(tracks, settings, examine, folder)
    server = site.server(make_site(context), "127.0.0.1", 0, threads=16, max_request_body_size=10_000)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    with contextlib.closing(context.sounds), contextlib.closing(context.hints):
        yield f"{server.address}/?key={context.key}", context
    server.close()
