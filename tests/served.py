"""The demonstrator for tests: as a process of its own, or inside this one where parts of it are to be exchanged."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests import tiny

ROOT = Path(__file__).parent.parent


def flags(folder, **settings):
    """Settings as flags of `serve`, with a port that is free and `folder` for jobs."""
    given = {"port": 0, "folder": folder} | settings
    words = []
    for name, value in given.items():
        words += [f"--{name.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    return words


class Process:
    """`python -m webapp` in `folder`, with `settings`; a context manager. `address`: where it answers."""

    def __init__(self, folder, **settings):
        words = [sys.executable, "-m", "webapp", *flags(Path(folder) / "jobs", **settings)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.log = open(Path(folder) / "server.log", "ab")  # noqa: SIM115
        self.process = subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline().decode()
        found = re.match(r"http://\S+", line)
        if not found:
            self.process.wait(600)
            raise AssertionError((Path(folder) / "server.log").read_text())
        self.address = found[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGTERM)

    def end(self, how):
        """Send it a signal, and wait until it has ended: its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(600)
        self.process.stdout.close()
        self.log.close()
        return code


@contextlib.contextmanager
def inside(folder, rule=None, **settings):
    """The demonstrator in threads of this process: its server, with `address`."""
    from webapp.serve import demonstrator
    from webapp.settings import Settings

    with demonstrator(Settings(folder=Path(folder) / "jobs", port=0, **settings), rule) as server:
        threading.Thread(target=server.run, daemon=True).start()
        yield server


def model(folder):
    """A small model of an instrument in a new `folder`, which separates in no time: its path."""
    return tiny.model(Path(folder))


def ask(address, path, method="GET", body=None, **headers):
    """(status, headers, body) of a request; errors are answers too."""
    request = urllib.request.Request(address + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def form(*parts):
    """(body, content type) of a form; a part is (name, text) or (name, bytes, file name)."""
    boundary = "tests-boundary-7d1c"
    lines = []
    for name, value, *file in parts:
        more = f'; filename="{file[0]}"' if file else ""
        lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode())
        lines.append((value.encode() if isinstance(value, str) else value) + b"\r\n")
    lines.append(f"--{boundary}--\r\n".encode())
    return b"".join(lines), f"multipart/form-data; boundary={boundary}"


def post(address, *parts, **headers):
    """Ask for a separation: (status, what the JSON says)."""
    body, kind = form(*parts)
    status, _, content = ask(address, "/api/jobs", "POST", body, **{"Content-Type": kind}, **headers)
    return status, json.loads(content)


def job(address, id):
    """What the server says of a job."""
    return json.loads(ask(address, f"/api/jobs/{id}")[2])


def until(address, id, states=("done", "failed", "cancelled", "interrupted"), seconds=600):
    """The job as soon as it is in one of `states`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = job(address, id)
        if found["state"] in states:
            return found
        time.sleep(0.1)
    raise AssertionError(f"still {found}")
