"""The demonstrator: its pages, and the HTTP API that they and programs use (docs/demonstrator.md)."""

import contextlib
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import web

from splitstrument import youtube
from splitstrument.song_files import MIXTURE
from webapp import archive, encoding, jobs, sandbox, sections
from webapp.asked import requested_job
from webapp.jobs import Job
from webapp.offer import Offer, Offered
from webapp.pages import site
from webapp.pages.refused import Refused
from webapp.pages.site import answer, send_file
from webapp.sandbox import Limits
from webapp.settings import Settings
from webapp.uploads import EXAMPLE_MEGABYTES
from webapp.worker import Worker

URLS = (
    "/", "StartPage",
    "/jobs/([^/]+)", "JobPage",
    "/health", "Health",
    "/api/models", "Models",
    "/api/jobs", "AllJobs",
    "/api/jobs/([^/]+)", "OneJob",
    "/api/jobs/([^/]+)/([^/]+)", "JobFile",
)  # fmt: skip
_STATIC = Path(__file__).parent / "static"
# What changes tempo and pitch is WebAssembly, which only the player's page may compile.
_POLICY = site.HEADERS["Content-Security-Policy"].replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
_OWNER = "splitstrument"  # the cookie by which a browser is known again
_OWNED_SECONDS = 365 * 86400
_PROBES = 8  # processes that look into uploads; each may take as much memory as one that decodes
_ENCODING_SECONDS = 600.0
_ARCHIVES = 64  # that are sent at once: each has all its parts open
_AT_ONCE = 56  # uploads that are looked at; the server has more threads, so that other answers do not wait


class Making:
    """How many files of a kind are made at once, and how many requests wait for one."""

    def __init__(self, at_once: int, waiting: int = 24) -> None:
        self.places, self.slots = threading.BoundedSemaphore(waiting), threading.BoundedSemaphore(at_once)


@dataclass
class Demonstrator:
    """All that the handlers need."""

    settings: Settings
    store: jobs.Jobs
    models: Offer
    workers: list[Worker]
    rule: youtube.Rule = youtube.YOUTUBE
    uploading: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(_AT_ONCE))
    probing: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(_PROBES))
    encoding: Making = field(default_factory=lambda: Making(2))
    analysing: Making = field(default_factory=lambda: Making(1))
    archives: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(_ARCHIVES))


def application(demonstrator: Demonstrator) -> site.Wsgi:
    """The WSGI application of a Demonstrator."""
    return site.application(URLS, globals(), demonstrator, _STATIC)


def _here() -> Demonstrator:
    return web.ctx.context


def _owner() -> str:
    # Not web.cookies(), which takes seconds for some that are made for it.
    cookie = re.search(rf"(?:^|;) *{_OWNER}=([0-9a-f]{{32}}) *(?:;|$)", web.ctx.env.get("HTTP_COOKIE", ""))
    return cookie[1] if cookie else ""


@contextlib.contextmanager
def _one_of(semaphore: threading.Semaphore, message: str) -> Iterator[None]:
    """Hold one place of `semaphore`. Raises Refused (503) with `message` if there is none."""
    if not semaphore.acquire(blocking=False):
        raise Refused(503, message)
    try:
        yield
    finally:
        semaphore.release()


class StartPage:
    """/: choose models and a song."""

    def GET(self) -> str:
        if not _owner():
            secure = "; Secure" if web.ctx.protocol == "https" else ""
            # Without a path, so that it is that of this page as the browser sees it, which a proxy may have changed.
            cookie = f"{_OWNER}={secrets.token_hex(16)}; Max-Age={_OWNED_SECONDS}; HttpOnly; SameSite=Lax{secure}"
            web.header("Set-Cookie", cookie)
        return site.page("start.html")


class JobPage:
    """/jobs/ID: a song while it waits, runs and is done."""

    def GET(self, id: str) -> str:
        _job(id)
        web.header("Content-Security-Policy", _POLICY)
        return site.page("job.html")


class Health:
    """/health: whether the server can do its work."""

    def GET(self) -> str:
        here = _here()
        alive = all(worker.is_alive() for worker in here.workers)
        here.store.find("")  # raises where the database does not answer
        return answer({"status": "ok" if alive else "no worker"}, "200 OK" if alive else "503 Service Unavailable")


class Models:
    """/api/models: the models to choose from, and the limits."""

    def GET(self) -> str:
        here = _here()
        settings, models = here.settings, [_model(name, model) for name, model in here.models.items()]
        limits = {"megabytes": settings.megabytes, "minutes": settings.minutes, "youtube": settings.youtube}
        return answer({"models": models, "limits": limits | {"example_megabytes": EXAMPLE_MEGABYTES}})


def _model(name: str, model: Offered) -> dict[str, Any]:
    takes = {"takes": model.takes, "remainder": model.remainder, "example": model.example}
    return {"name": name, **takes, "about": model.card.about}


class AllJobs:
    """/api/jobs: this browser's jobs; POST asks for a new one."""

    def GET(self) -> str:
        return answer({"jobs": [_shown(job) for job in _here().store.of_owner(_owner())]})

    def POST(self) -> str:
        here = _here()
        here.store.check_room(web.ctx.ip, here.settings.waiting, here.settings.waiting_each)
        id = secrets.token_hex(16)
        folder = here.store.folder / id
        with _one_of(here.uploading, "Too many songs are arriving. Try again in a moment."):
            try:
                folder.mkdir()
                job = requested_job(here.settings, here.models, here.rule, here.probing, folder)
                job = replace(job, owner=_owner(), address=web.ctx.ip)
                job = here.store.add(job, here.settings.waiting, here.settings.waiting_each)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        for worker in here.workers:
            worker.wake()
        web.header("Location", f"jobs/{id}")
        return answer(_shown(job), "202 Accepted")


class OneJob:
    """/api/jobs/ID: a job's state; DELETE cancels it, or removes its result."""

    def GET(self, id: str) -> str:
        return answer(_shown(_job(id)))

    def DELETE(self, id: str) -> str:
        job, store = _job(id), _here().store
        if job.owner and job.owner != _owner():
            raise Refused(403, "Only the browser that asked for this can cancel or remove it.")
        going = job.state in jobs.GOING
        ended = store.end(id, jobs.CANCELLED) if going else store.end(id, jobs.DELETED, only=jobs.OVER)
        return answer({"id": id, "state": ended.state if ended else jobs.DELETED})


class JobFile:
    """/api/jobs/ID/FILE: PART.wav, .flac, .mp3, .png; parts.wav.zip, .flac.zip, .mp3.zip; peaks.json, sections.json."""

    def GET(self, id: str, name: str) -> str | bytes:
        job = _job(id)
        if job.state != jobs.DONE:
            raise Refused(409, "This song is not separated yet.")
        part, _, kind = name.partition(".")
        if part == "parts" and kind.removesuffix(".zip") in job.formats and kind.endswith(".zip"):
            return _all_parts(job, kind.removesuffix(".zip"))
        if name == "sections.json" and sections.available():
            mixture = str(_here().store.folder_of(job) / f"{MIXTURE}.wav")
            return send_file(_made(job, name, lambda to: sections.made(mixture, to), _here().analysing))
        known = part in (MIXTURE, *job.parts) and kind in (*job.formats, "png")
        if not known and name != "peaks.json":
            raise Refused(404, "There is no such file.")
        if kind not in job.formats:
            return send_file(_here().store.folder_of(job) / name)
        return send_file(_encoded(job, part, kind), f"{job.title} - {part}.{kind}")


def _all_parts(job: Job, kind: str) -> bytes:
    """Answer with all parts of `job` as files of this kind in a ZIP."""
    title = archive.file_name(job.title)
    files = {f"{title} - {part}.{kind}": _encoded(job, part, kind) for part in job.parts}
    archives = _here().archives
    if not archives.acquire(blocking=False):
        raise Refused(503, "Too many archives are being fetched. Try again in a moment.")
    try:
        made = archive.Archive(files, archives.release)
    except OSError:
        raise Refused(404, "There is no such file.") from None
    return site.send(made, ".zip", f"{job.title} - parts ({kind.upper()}).zip")


def _encoded(job: Job, part: str, kind: str) -> Path:
    """The file of a part of a result. Other formats than WAV are made on the first request, in some seconds."""
    here = _here()
    source = here.store.folder_of(job) / f"{part}.wav"
    if kind == "wav":
        return source
    limits = Limits.of(here.settings, _ENCODING_SECONDS)

    def encode(to: str) -> int:
        return sandbox.run(encoding.encode, (str(source), to), limits)

    return _made(job, f"{part}.{kind}", encode, here.encoding)


def _made(job: Job, name: str, make: Callable[[str], int], making: Making) -> Path:
    """A file of a result that `make(path)` makes on the first request for it; `make` returns its size in bytes."""
    here = _here()
    path = here.store.folder_of(job) / name
    if path.exists():
        return path
    with _one_of(making.places, "Too many files are being made. Try again in a moment."), making.slots:
        if not path.exists():  # or somebody else had asked for it
            here.store.grow(job.id, make(str(path)))
    return path


def _job(id: str) -> Job:
    """The job with this id. Raises Refused if there never was one (404) or it is gone (410)."""
    job = _here().store.find(id)
    if job is None:
        raise Refused(404, "There is no such job.")
    over = job.expires and job.expires <= time.time()  # whose files go in a moment
    if job.state in jobs.GONE or over:
        raise Refused(410, "This result is no longer here: results are kept for a while and then removed.")
    return job


def _shown(job: Job) -> dict[str, Any]:
    """What people and programs may know about a job."""
    shown: dict[str, Any] = {"id": job.id, "state": job.state, "title": job.title, "seconds": job.seconds}
    shown |= {"models": job.models, "parts": job.parts, "link": job.link or None, "message": job.message or None}
    mine = bool(_owner()) and job.owner == _owner()
    shown |= {"percent": round(100 * job.share, 1), "created": job.created, "mine": mine}
    if job.state == jobs.WAITING:
        shown["before"] = _here().store.place(job)
    if job.state == jobs.RUNNING:
        shown |= {"stage": job.stage, "left": round(job.left, 1) or None}
    if job.state == jobs.DONE:
        took = round(job.finished - job.started, 1)
        shown |= {"formats": job.formats, "expires": job.expires, "took": took, "sections": sections.available()}
    return shown
