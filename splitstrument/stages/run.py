"""What every stage shares: many items on all cores, progress, stopping, and a summary at the end.

A stage gives `run` a function of one item. It returns an Outcome, or raises Skip where there is nothing to do for this
item, or one of ERRORS where it cannot be done; the others go on either way.
"""

import argparse
import contextlib
import contextvars
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from splitstrument.files.atomic import remove_unfinished
from splitstrument.files.audio import AudioError
from splitstrument.stages.console import error_line, progress, some
from splitstrument.stages.locking import locked
from splitstrument.stages.workers import BACKENDS, at_work, dead_workers, ignoring_sigint, processes, work_for


class Named(Protocol):
    """What a stage works on: anything with a name, by which it is told of."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...


Item = TypeVar("Item", bound=Named)
Folder = TypeVar("Folder", bound=str | os.PathLike[str])
STATES = ("done", "already there", "skipped", "failed")


class StageError(ValueError):
    """A stage that cannot begin: one line that says why and what to do."""


class Skip(Exception):
    """An item that a stage leaves out, with the reason."""


ERRORS = (AudioError, OSError, ValueError, MemoryError)


@dataclass(frozen=True)
class Outcome:
    """What became of one item: a state of STATES, the reason where skipped or failed, remarks, and any result."""

    name: str
    state: str = "done"
    reason: str = ""
    notes: tuple[str, ...] = ()
    result: Any = None


def add_options(parser: argparse.ArgumentParser, jobs: int = -1) -> None:
    """The options --jobs, `jobs` unless given, and --backend of a stage's parser. 0: 1 here, all of a cluster."""
    default = "one for each core" if jobs == -1 else jobs or "1; all of a cluster's"
    parser.add_argument(
        "--jobs", type=_jobs, default=jobs, help=f"processes at once; -1: one for each core (default: {default})"
    )
    parser.add_argument(
        "--backend",
        choices=BACKENDS,
        default="loky",
        help="joblib's backend: loky, unless given, is this machine; dask uses the cluster that "
        "DASK_SCHEDULER_ADDRESS names; ray the one of RAY_ADDRESS",
    )


def _jobs(text: str) -> int:
    if (jobs := int(text)) == 0 or jobs < -1:
        raise argparse.ArgumentTypeError("must be 1 or more, or -1")
    return jobs


@contextlib.contextmanager
def output_folder(path: Folder) -> Iterator[Folder]:
    """Make the folder `path` and keep it for this process; StageError where it cannot be, or another works in it.

    What a process that was stopped left half made, at most two folders down, is removed, before and after, where it is
    certain that no other process is there.
    """
    with contextlib.ExitStack() as stack:
        try:
            os.makedirs(path, exist_ok=True)
            alone = stack.enter_context(locked(path))
        except BlockingIOError as error:
            raise StageError(f"{error}; wait for it, or use another --output") from None
        except OSError as error:
            raise StageError(f"{path}: cannot be written: {error_line(error)}") from None
        if alone:
            remove_unfinished(path, 2)
            stack.callback(remove_unfinished, path, 2)
        yield path


def check_apart(output: str | os.PathLike[str], source: str | os.PathLike[str]) -> None:
    """Raise StageError where one of the two folders lies inside the other: what is written would be read."""
    inside, around = Path(output).resolve(), Path(source).resolve()
    if inside.is_relative_to(around) or around.is_relative_to(inside):
        raise StageError(f"{output} and {source}: one lies inside the other; use another --output")


def attempt(function: Callable[[Item], Outcome], item: Item) -> Outcome:
    """`function(item)`, an Outcome whatever happens short of the process's end."""
    try:
        return function(item)
    except Skip as reason:
        return Outcome(item.name, "skipped", str(reason))
    except ERRORS as error:
        return Outcome(item.name, "failed", error_line(error))


def run(
    function: Callable[[Item], Outcome],
    items: Iterable[Item],
    options: argparse.Namespace,
    unit: str = "track",
    size: Callable[[Item], float] | None = None,
) -> list[Outcome]:
    """The Outcome of every item, in their order. Each item has a `name`; `options` are those of `add_options`.

    A process that dies (decoding a broken file, or out of memory) fails its own item only. Progress counts items, or
    their `size`s, such as the seconds of songs, in `unit`s; with one job, `function` may tell of it by `advance`.
    """
    items, folder = list(items), os.getcwd()
    sizes = [1 if size is None else size(item) for item in items]
    if options.backend == "loky" and options.jobs == 1:  # joblib would do the same, after a tenth of a second
        with _progress(sum(sizes), unit) as finish:
            alone = []
            for item, length in zip(items, sizes, strict=True):
                alone.append(attempt(function, item))
                finish(length)
            return alone
    from joblib import Parallel, delayed, parallel_config

    outcomes = {}
    results = "list" if options.backend == "ray" else "generator_unordered"  # Ray's backend gives all at the end

    def numbered(number):
        return delayed(_numbered)(function, items[number], number, os.getpid(), folder)

    with _progress(sum(sizes), unit) as finish, at_work(options.backend, options.jobs):
        while left := [number for number in range(len(items)) if number not in outcomes]:
            try:
                with ignoring_sigint():
                    arriving = Parallel(return_as=results)(map(numbered, left))
                for number, outcome in arriving:
                    outcomes[number] = outcome
                    finish(sizes[number])
            except dead_workers():
                # The culprit is one of those that were at work: each of them alone, in a process of its own.
                suspects = [number for number in left if number not in outcomes][: 4 * processes(options.jobs)]
                with parallel_config(backend="loky", n_jobs=2):
                    for number in suspects:
                        try:
                            outcomes[number] = next(Parallel(return_as="generator")([numbered(number)]))[1]
                        except dead_workers():
                            reason = "the process that worked on it died (a broken file, or out of memory)"
                            outcomes[number] = Outcome(items[number].name, "failed", reason)
                        finish(sizes[number])
    return [outcomes[number] for number in range(len(items))]


_advance: contextvars.ContextVar[Callable[[float], None] | None] = contextvars.ContextVar("advance", default=None)


def advance(amount: float) -> None:
    """Tell of progress within an item, in the unit of `run`; heard where there is but one job."""
    if told := _advance.get():
        told(amount)


@contextlib.contextmanager
def _progress(total: float, unit: str) -> Iterator[Callable[[float], None]]:
    """A bar; yields what is told the size of an item that is finished, of which a part may have been told before."""
    before = 0.0
    with progress(total, unit) as bar:

        def tell(amount: float) -> None:
            nonlocal before
            before += amount
            bar.update(amount)

        def finish(size: float) -> None:
            nonlocal before
            bar.update(size - before)
            before = 0.0

        token = _advance.set(tell)
        try:
            yield finish
        finally:
            _advance.reset(token)


def _numbered(
    function: Callable[[Item], Outcome], item: Item, number: int, parent: int, folder: str
) -> tuple[int, Outcome]:
    work_for(parent, folder)
    return number, attempt(function, item)


def summarise(outcomes: Sequence[Outcome], what: str = "tracks") -> int:
    """Print what became of all items; the exit code: 1 if any failed."""
    counts = {state: sum(outcome.state == state for outcome in outcomes) for state in STATES}
    for outcome in outcomes:
        for note in outcome.notes:
            print(f"note: {outcome.name}: {note}")
    skipped = defaultdict(list)
    for outcome in outcomes:
        if outcome.state == "skipped":
            skipped[outcome.reason].append(outcome.name)
    for reason, names in skipped.items():
        print(f"skipped: {reason}: {some(names)}")
    for outcome in outcomes:
        if outcome.state == "failed":
            print(f"failed: {outcome.name}: {outcome.reason}")
    print(f"{what}: " + ", ".join(f"{count} {state}" for state, count in counts.items()))
    return 1 if counts["failed"] else 0
