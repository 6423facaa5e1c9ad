"""What strangers do to the demonstrator: requests byte by byte, and decoders that die. And a separation in no time."""

import contextlib
import ctypes
import io
import json
import os
import shutil
import signal
import socket
import threading
import time
from urllib.parse import urlsplit


class Quick:
    """Instead of the process that separates: copies as soon as `gate` is open."""

    gate = threading.Event()

    def __init__(self, folders, device):
        self.folders = folders

    def run(self, models, folder, example, tell, stopped):
        from splitstrument.parts import parts_of
        from webapp.model_process import Result
        from webapp.sandbox import Stopped

        while not self.gate.wait(0.01):
            if stopped():
                raise Stopped
        parts = parts_of([self.folders[name] for name in models]).all
        for name in parts:
            shutil.copy(folder / "mixture.wav", folder / f"{name}.wav")
        for name in ("mixture", *parts):
            (folder / f"{name}.png").write_bytes(b"\x89PNG")
        (folder / "peaks.json").write_text("{}")
        return Result(parts, ("wav",))

    def end(self):
        pass


@contextlib.contextmanager
def quickly(folder, model, **settings):
    """The demonstrator in this process with Quick: its server, with `jobs`, the folder of them."""
    from tests import served
    from webapp import worker

    real, worker.ModelProcess = worker.ModelProcess, Quick
    Quick.gate.set()
    settings = {"waiting_each": 50, "models": (str(model),)} | settings
    try:
        with served.inside(folder, **settings) as server:
            server.jobs = folder / "jobs"
            yield server
    finally:
        Quick.gate.set()
        worker.ModelProcess = real


def card(folder, *sources):
    """A model that has a card and no network, for servers that only look at it: its path.

    `sources`: of the whole song where there are several; "guitar" where there are none.
    """
    from splitstrument.models import CARD

    folder.mkdir()
    fields = {"name": folder.name, "sources": sources or ["guitar"], "sample_rate": 22050, "network": "tfc_tdf"}
    fields["whole"] = len(sources) > 1
    (folder / CARD).write_text(json.dumps(fields))  # JSON is YAML too
    return folder


def connect(address, timeout=120):
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname, parts.port), timeout)


def raw(address, data, timeout=120):
    """All that the server says to these bytes, until it closes or is silent for `timeout` seconds."""
    with connect(address, timeout) as connection:
        connection.sendall(data)
        return heard(connection)


def heard(connection):
    said = b""
    with contextlib.suppress(TimeoutError):
        while piece := connection.recv(1 << 16):
            said += piece
    return said


def status(said):
    """The status of the first answer in what the server said."""
    return int(said.split(b" ", 2)[1]) if said.startswith(b"HTTP/1.") else None


def line(server, target, method="GET", more=b""):
    """The status that a request line of any bytes gets."""
    target = target.encode() if isinstance(target, str) else target
    head = method.encode() + b" " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + more + b"\r\n"
    return status(raw(server.address, head))


def refused(server, *parts):
    """(status, message) of a form that the server does not take."""
    from tests import served

    status, answer = served.post(server.address, *parts)
    assert answer["status"] == status, answer
    return status, answer["message"]


def upload(server, data, name="a.mp3"):
    """(status, message) of a file that the server does not take."""
    return refused(server, ("song", data, name))


def finished(server, sound, name="a.wav"):
    """The id of a finished job."""
    from tests import served

    _, job = served.post(server.address, ("song", sound, name))
    assert served.until(server.address, job["id"])["state"] == "done"
    return job["id"]


def short():
    """The bytes of a song."""
    from tests.audio_files import song, write_sound

    file = io.BytesIO()
    write_sound(file, song(0.3), format="WAV", subtype="PCM_16")
    return file.getvalue()


@contextlib.contextmanager
def opened(path):
    """A function that says whether anybody has opened the file (inotify)."""
    library = ctypes.CDLL(None, use_errno=True)
    watch = library.inotify_init1(os.O_NONBLOCK)
    assert watch >= 0
    assert library.inotify_add_watch(watch, os.fsencode(path), 0x20) >= 0  # IN_OPEN

    def opened():
        try:
            return bool(os.read(watch, 4096))
        except BlockingIOError:
            return False

    yield opened
    os.close(watch)


def wait_for(true, seconds=600):
    """Until `true()`; what it then is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.02)
    raise AssertionError("it never came")


def left(server):
    """Names of what lies in the jobs' folder, but for the database."""
    return sorted(path.name for path in server.jobs.iterdir() if not path.name.startswith("jobs.sqlite"))


def segfault(*_):
    os.kill(os.getpid(), signal.SIGSEGV)


def abort(*_):
    os.abort()


def endless_memory(*_):
    kept = []
    while True:
        kept.append(bytearray(1 << 24))


def hang(*_):
    while True:
        pass


def hang_deaf(*_):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    hang()


def fill_disk(path, *_):
    with open(path + ".more", "wb") as file:
        while True:
            file.write(bytes(1 << 20))


def lie(*_):
    return {"seconds": "x" * (1 << 20)}


def open_more(path, tell):
    """What becomes of opening a file, another one and a socket while no more files may be, and one after that."""
    from webapp.sandbox import no_more_files

    kept = []

    def read():
        return os.open(path, os.O_RDONLY)

    def tried(make):
        try:
            kept.append(make())
        except OSError as error:
            return error.errno
        return "opened"

    with no_more_files(but=1):
        found = [tried(read), tried(read), tried(socket.socket)]
    return [*found, tried(read)]
