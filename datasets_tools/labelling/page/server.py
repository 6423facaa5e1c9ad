"""Judge stems by ear: a page on this machine plays one stem after another and writes marks at the press of a key."""

import contextlib
import functools
import secrets
import shutil
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datasets_tools.labelling.page.handlers import make_site
from datasets_tools.labelling.page.judging import Judging
from datasets_tools.labelling.prefetch import Prefetch
from datasets_tools.labelling.sound_cache import SoundCache
from datasets_tools.organize import Organised
from datasets_tools.tracks import SILENT_GROUPS
from splitstrument.stages.locking import locked
from splitstrument.stages.run import Outcome, attempt
from webapp.pages import site

_SCRATCH = "splitstrument-listen-"


@dataclass(frozen=True)
class Listening:
    """How to judge stems: the group for the marks, groups to play with it, parts per stem, and the page's port."""

    group: str
    also: tuple[str, ...] = ()
    splits: int = 5
    cautious: bool = False
    port: int = 0
    browser: bool = True


@dataclass
class Context:
    """What the handlers share."""

    settings: Listening
    judging: Judging
    stems: list  # for each track [(group, file)], the group to judge first
    sounds: SoundCache
    hints: Prefetch
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    # Cookies ignore the port, so two of these pages at once need different names.
    cookie: str = field(default_factory=lambda: f"listen_{secrets.token_hex(4)}")


def listen(
    tracks: Sequence[Organised], settings: Listening, examine: Callable[..., Outcome], known: Iterable[Outcome] = ()
) -> int:
    """Serve the page for judging `tracks` until Ctrl-C. Returns the exit code.

    `examine(track, check=...)` returns an Outcome with the result {(group, file name): hints}; `known`: the Outcomes
    of all tracks, if they are already known. `check` is as in `hints_of`.
    """
    with _scratch() as folder:
        context = make_context(tracks, settings, examine, folder, known)
        server = site.server(make_site(context), "127.0.0.1", settings.port, threads=16, max_request_body_size=10_000)
        address = f"{server.address}/?key={context.key}"
        todo = context.judging.coming("")
        context.sounds.want("", [(number, 0, False) for number in todo[:2]])  # while the browser starts
        print(f"{len(tracks)} tracks with {settings.group}, {len(todo)} of them to judge. Open\n  {address}")
        print("Press Ctrl-C to stop. Every mark is saved immediately.", flush=True)
        if settings.browser:  # in a thread, since a browser in the terminal would block
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        with contextlib.closing(context.sounds), contextlib.closing(context.hints):
            server.run()
        left = context.judging.judged().count(False)
        print(f"tracks: {context.judging.total()} judged now, {left} of {len(tracks)} left")
    return 0


@contextlib.contextmanager
def _scratch() -> Iterator[str]:
    """A folder for sounds, deleted at the end; folders that killed processes left behind are deleted now."""
    for left in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        # A running process keeps its folder locked from the moment it is created.
        with contextlib.suppress(OSError), locked(left):
            if left.stat().st_mtime < time.time() - 60:
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, ignore_cleanup_errors=True) as folder, locked(folder):
        yield folder


def make_context(
    tracks: Sequence[Organised],
    settings: Listening,
    examine: Callable[..., Outcome],
    folder: str | Path,
    known: Iterable[Outcome] = (),
) -> Context:
    """The Context for `tracks`; sounds are stored in `folder`."""
    stems = [_stems(track, (settings.group, *settings.also)) for track in tracks]
    hints = dict(enumerate(known))

    def hear(number, check):
        known = hints.get(number)
        return known if known is not None else attempt(functools.partial(examine, check=check), tracks[number])

    sounds = SoundCache([[file for _, file in of_track] for of_track in stems], folder)
    return Context(settings, Judging(tracks, settings.group), stems, sounds, Prefetch(hear, 1))


def _stems(track: Organised, groups: Sequence[str]) -> list[tuple[str, Path]]:
    """(group, file) of every stem that may be played, those of `groups` first."""
    others = [group for group in track.stems if group not in groups and group not in SILENT_GROUPS]
    return [(group, file) for group in (*groups, *others) for file in track.stems.get(group, ())]
