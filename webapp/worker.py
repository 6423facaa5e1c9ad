"""The worker: takes one job after the other and does it, each step in a process that cannot harm the server."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from splitstrument import youtube
from splitstrument.song_files import MIXTURE
from webapp import decoding, jobs, sandbox
from webapp.jobs import Job, Jobs
from webapp.model_process import ModelProcess, Result
from webapp.pages.refused import FULL, Refused, is_full
from webapp.sandbox import Limits, Stopped
from webapp.settings import Settings
from webapp.uploads import EXAMPLE, SONG

log = logging.getLogger("splitstrument")
_EXPIRING = 20.0  # seconds between looks at what has expired


class Worker(threading.Thread):
    """Does the jobs of `store` as `settings` say, with the models of these `folders`, {name: folder}, until `end`."""

    def __init__(
        self, store: Jobs, settings: Settings, folders: Mapping[str, str], rule: youtube.Rule = youtube.YOUTUBE
    ) -> None:
        super().__init__(daemon=True, name="worker")
        self._store, self._settings, self._folders, self._rule = store, settings, folders, rule
        self._work, self._ending = threading.Event(), False
        self._models: ModelProcess

    def wake(self) -> None:
        """There is something to do."""
        self._work.set()

    def end(self) -> None:
        """Stop, also in the middle of a job."""
        self._ending = True
        self._work.set()
        self.join(30)

    def run(self) -> None:
        self._models = ModelProcess(self._folders, self._settings.device)
        while not self._ending:
            try:
                job = self._store.take()
                if job:
                    self._do(job)
                    continue
            except Exception:  # as of a full disk, on which there may be room again
                log.exception("worker")
            self._work.wait(1.0)
            self._work.clear()
        self._models.end()

    def _do(self, job: Job) -> None:
        store, began = self._store, time.monotonic()
        try:
            result = self._result(job)
            size = sum(path.stat().st_size for path in store.folder_of(job).iterdir())
            store.end(job.id, jobs.DONE, parts=result.parts, formats=result.formats, size=size, share=1.0, stage="")
            log.info("job %s: done in %.1f s", job.id, time.monotonic() - began)
        except Stopped:
            pass  # by who cancelled it; or the server ends, and marks the job when it begins again
        except Refused as refused:
            log.info("job %s: %s", job.id, refused.message)
            store.end(job.id, jobs.FAILED, message=refused.message)
        except Exception as error:
            log.exception("job %s", job.id)
            message = FULL if is_full(error) else "Something went wrong here. Please try again."
            store.end(job.id, jobs.FAILED, message=message)
        finally:
            store.end(job.id, jobs.CANCELLED, only=(jobs.CANCELLED,))  # what was written after that goes too

    def _result(self, job: Job) -> Result:
        """Fetch, decode and separate."""
        settings, store = self._settings, self._store
        for name in job.models:
            if name not in self._folders:  # it waited while the server was started with others
                raise Refused(400, f"The model {name} is no longer here. Please choose another one.")
        folder = store.folder_of(job)
        most = settings.minutes * 60

        def stopped() -> bool:
            now = store.find(job.id)
            return self._ending or now is None or now.state != jobs.RUNNING

        def stage(name: str, start: float, stop: float) -> Callable[[float], object]:
            store.change(job.id, stage=name, share=start)
            return lambda share: store.change(job.id, share=start + (stop - start) * min(1.0, share))

        start = 0.0
        if job.link:
            start = 0.3
            folder.mkdir(exist_ok=True)
            limits = Limits.of(settings, settings.youtube_seconds)
            tell = stage("fetching", 0.0, start)
            fetched = folder / "fetched"
            fetched.mkdir(exist_ok=True)
            arguments = (job.link, str(fetched), settings.megabytes * 10**6, most, self._rule)
            name, title = sandbox.run(_fetched, arguments, limits, tell, stopped)
            (fetched / name).rename(folder / SONG)
            fetched.rmdir()
            store.change(job.id, title=title or job.title)
        tell = stage("reading", start, start + 0.1)
        limits = Limits.of(settings, settings.decoder_seconds)
        arguments = (str(folder / SONG), str(folder / f"{MIXTURE}.wav"), most)
        sound = sandbox.run(decoding.decode, arguments, limits, tell, stopped)
        (folder / SONG).unlink()
        store.change(job.id, seconds=sound["seconds"], message=sound["warning"] or "")
        stage("loading", start + 0.1, 1.0)
        example = folder / EXAMPLE
        wanted = example if example.exists() else None
        result = self._models.run(job.models, folder, wanted, self._separating(job, start + 0.1), stopped)
        example.unlink(missing_ok=True)
        return result

    def _separating(self, job: Job, start: float) -> Callable[[float], None]:
        """A function that is told how much is separated, and records how long the rest will take."""
        began = None  # when it was first told, by when a model that had to be loaded is there, and of what share

        def tell(share: float) -> None:
            nonlocal began
            now = time.monotonic()
            began = began or (now, share)
            left = (now - began[0]) * (1 - share) / max(1e-6, share - began[1])
            self._store.change(job.id, stage="separating", share=start + (1 - start) * min(1.0, share), left=left)

        return tell


def _fetched(
    link: str, folder: str, most_bytes: int, most_seconds: float, rule: youtube.Rule, tell: Callable[[float], object]
) -> list[str]:
    """Runs in its own process. Returns [name of the file in `folder`, title]."""
    try:
        path, title = youtube.fetch(link, folder, most_bytes, most_seconds, tell, rule)
    except youtube.LinkError as error:
        raise Refused(error.status, error.message) from error
    return [path.name, title]


class Janitor(threading.Thread):
    """Removes results when their time is over."""

    def __init__(self, store: Jobs) -> None:
        super().__init__(daemon=True, name="janitor")
        self._store, self._ending = store, threading.Event()

    def run(self) -> None:
        while not self._ending.wait(_EXPIRING):
            try:
                self._store.expire()
            except Exception:
                log.exception("expiring")

    def end(self) -> None:
        """Stop."""
        self._ending.set()
        self.join(30)
