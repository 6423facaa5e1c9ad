"""The jobs: which songs wait, run, are done or removed. They are kept in SQLite, with a folder of files for each."""

import json
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from webapp.pages.refused import Refused

WAITING, RUNNING, DONE = "waiting", "running", "done"
FAILED, CANCELLED, INTERRUPTED = "failed", "cancelled", "interrupted"
EXPIRED, DELETED = "expired", "deleted"
GOING = (WAITING, RUNNING)
OVER = (DONE, FAILED, CANCELLED, INTERRUPTED)  # which expire
GONE = (EXPIRED, DELETED)
_REMEMBERED = 30 * 86400  # seconds for which it is known that a result has been there


@dataclass(frozen=True)
class Job:
    """A song to separate. Times are seconds since 1970; `share` is how much is done, 0 to 1."""

    id: str
    models: tuple[str, ...]
    title: str
    address: str  # of who asked for it
    owner: str = ""  # the browser that asked for it, which may delete it; "" for anybody who knows the id
    link: str = ""  # a video's; "" for an uploaded file
    parts: tuple[str, ...] = ()  # that add up to the song
    state: str = WAITING
    stage: str = ""
    share: float = 0.0
    left: float = 0.0  # seconds, of a job that is being separated
    message: str = ""
    seconds: float = 0.0
    formats: tuple[str, ...] = ()  # of the files
    size: int = 0  # bytes
    created: float = 0.0
    started: float = 0.0
    finished: float = 0.0
    expires: float = 0.0


_NAMES = [each.name for each in fields(Job)]
_LISTS = [each.name for each in fields(Job) if each.type == tuple[str, ...]]  # which are kept as JSON
_TYPES: dict[Any, str] = {str: "TEXT", float: "REAL", int: "INTEGER", tuple[str, ...]: "TEXT"}
# Earlier databases have jobs of one model, which takes out one instrument.
_MIGRATION = """
BEGIN;
ALTER TABLE jobs RENAME COLUMN model TO models;
ALTER TABLE jobs RENAME COLUMN instrument TO parts;
UPDATE jobs SET models = json_array(models), parts = json_array(parts, 'rest'),
    formats = CASE formats WHEN '' THEN '[]' ELSE '["' || replace(formats, ' ', '","') || '"]' END;
COMMIT;
"""


class Jobs:
    """All jobs below `folder`. Methods can be called from any thread; their changes are on disk when they return."""

    def __init__(self, folder: str | Path, hours_kept: float, gigabytes_kept: float) -> None:
        self.folder = Path(folder)
        self._kept, self._most = hours_kept * 3600, gigabytes_kept * 1e9
        self._lock = threading.RLock()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(self.folder / "jobs.sqlite", check_same_thread=False, isolation_level=None)
        self._do("PRAGMA journal_mode=WAL")
        self._do("PRAGMA synchronous=NORMAL")  # what is said survives this process's death, and no disk is waited for
        self._migrate()
        columns = ", ".join(f"{each.name} {_TYPES[each.type]} NOT NULL" for each in fields(Job))
        self._do(f"CREATE TABLE IF NOT EXISTS jobs (number INTEGER PRIMARY KEY AUTOINCREMENT, {columns}, UNIQUE(id))")
        self._do("CREATE INDEX IF NOT EXISTS states ON jobs (state)")

    def _migrate(self) -> None:
        """Convert the database of an earlier version, completely or not at all."""
        if self._do("SELECT 1 FROM pragma_table_info('jobs') WHERE name = 'instrument'"):
            self._database.executescript(_MIGRATION)

    def _do(self, statement: str, *values: Any) -> list[tuple]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()

    def _jobs(self, condition: str, *values: Any) -> list[Job]:
        rows = self._do(f"SELECT {', '.join(_NAMES)} FROM jobs {condition}", *values)
        return [Job(**{name: _plain(name, value) for name, value in zip(_NAMES, row, strict=True)}) for row in rows]

    def folder_of(self, job: Job) -> Path:
        """The folder with the files of `job`. Its name is the id, which we made."""
        return self.folder / job.id

    def check_room(self, address: str, most: int, most_each: int) -> None:
        """Raise Refused if `address` has `most_each` songs waiting or running (429), or all have `most` (503)."""
        with self._lock:
            busy = self._jobs(f"WHERE state IN {_marks(GOING)}", *GOING)
        if sum(job.address == address for job in busy) >= most_each:
            raise Refused(429, f"You have {most_each} songs waiting already. Wait until one is done, or cancel one.")
        if len(busy) >= most:
            raise Refused(503, "Too many songs are waiting. Try again later.")

    def add(self, job: Job, most: int, most_each: int) -> Job:
        """Put `job` at the end of the queue. Raises Refused as check_room does, and then does not add it."""
        with self._lock:
            self.check_room(job.address, most, most_each)
            job = replace(job, created=time.time())
            values = (_kept(getattr(job, name)) for name in _NAMES)
            self._do(f"INSERT INTO jobs ({', '.join(_NAMES)}) VALUES {_marks(_NAMES)}", *values)
        return job

    def find(self, id: str) -> Job | None:
        """The job with this id, or None."""
        jobs = self._jobs("WHERE id = ?", id)
        return jobs[0] if jobs else None

    def of_owner(self, owner: str) -> list[Job]:
        """The jobs of a browser that are still here, the newest first."""
        if not owner:
            return []
        condition = f"WHERE owner = ? AND state NOT IN {_marks(GONE)} ORDER BY number DESC LIMIT 100"
        return self._jobs(condition, owner, *GONE)

    def place(self, job: Job) -> int:
        """How many songs come before a waiting `job`, including those that run."""
        condition = "state = ? OR (state = ? AND number < (SELECT number FROM jobs WHERE id = ?))"
        return self._do(f"SELECT count(*) FROM jobs WHERE {condition}", RUNNING, WAITING, job.id)[0][0]

    def take(self) -> Job | None:
        """Start the job that has waited longest and return it; None if none waits."""
        with self._lock:
            waiting = self._jobs("WHERE state = ? ORDER BY number LIMIT 1", WAITING)
            return self.change(waiting[0].id, state=RUNNING, started=time.time()) if waiting else None

    def change(self, id: str, only: Sequence[str] = GOING, **values: Any) -> Job | None:
        """Change fields of a job if its state is still one of `only`. Returns the job as it is then, or None."""
        sets = ", ".join(f"{name} = ?" for name in values)
        with self._lock:
            kept = map(_kept, values.values())
            self._do(f"UPDATE jobs SET {sets} WHERE id = ? AND state IN {_marks(only)}", *kept, id, *only)
            return self.find(id)

    def end(self, id: str, state: str, only: Sequence[str] = GOING, **values: Any) -> Job | None:
        """End a job in this `state`, which is kept until it expires. Its files are removed unless it is done."""
        now = time.time()
        job = self.change(id, only, state=state, finished=now, expires=now + self._kept, **values)
        if job and job.state == state and state != DONE:
            shutil.rmtree(self.folder_of(job), ignore_errors=True)
        return job

    def grow(self, id: str, size: int) -> None:
        """Record that a result takes `size` more bytes."""
        self._do("UPDATE jobs SET size = size + ? WHERE id = ?", size, id)

    def interrupted(self) -> None:
        """Mark what ran when the server ended, and remove files of no job. Call it once, before anything runs."""
        for job in self._jobs("WHERE state = ?", RUNNING):
            self.end(job.id, INTERRUPTED, message="The server was stopped while it worked on this. Please ask again.")
        kept = {job.id for job in self._jobs("WHERE state IN (?, ?)", WAITING, DONE)}
        for path in self.folder.iterdir():
            # Only what we made: the folder may be one that has more in it.
            if re.fullmatch("[0-9a-f]{32}", path.name) and path.is_dir() and path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def expire(self) -> None:
        """Remove expired results, and the oldest ones (never the newest) if all together take too much room."""
        now = time.time()
        for job in self._jobs(f"WHERE state IN {_marks(OVER)} AND expires <= ?", *OVER, now):
            self._let_go(job, now)
        results = self._jobs("WHERE state = ? ORDER BY finished DESC", DONE)
        total = 0
        for number, job in enumerate(results):
            total += job.size
            if number and total > self._most:
                self._let_go(job, now)
        self._do(f"DELETE FROM jobs WHERE state IN {_marks(GONE)} AND expires < ?", *GONE, now - _REMEMBERED)

    def _let_go(self, job: Job, now: float) -> None:
        self.change(job.id, (job.state,), state=EXPIRED, expires=now)
        shutil.rmtree(self.folder_of(job), ignore_errors=True)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()


def _kept(value: Any) -> Any:
    """A value as it is stored in the database."""
    return json.dumps(value) if isinstance(value, tuple) else value


def _plain(name: str, value: Any) -> Any:
    """A value of the field `name` as a Job has it."""
    return tuple(json.loads(value)) if name in _LISTS else value


def _marks(values: Sequence[Any]) -> str:
    """The placeholders of `values` in a statement: (?, ?, ?)."""
    return f"({', '.join('?' for _ in values)})"
