"""What all stages share: processing many items on all cores, progress, stopping, and a summary at the end.

A stage passes `run` a function for one item. It returns an Outcome, or raises Skip if there is nothing to do for the
item, or one of ERRORS if the item cannot be processed. The other items continue in both cases.
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
    """What a stage works on: anything with a name for messages."""

    @property
    def name(self) -> str:
        """The name for messages."""
        ...


Item = TypeVar("Item", bound=Named)
Folder = TypeVar("Folder", bound=str | os.PathLike[str])
STATES = ("done", "already there", "skipped", "failed")


class StageError(ValueError):
    """A stage cannot start. The message is one line that says why and what to do."""


class Skip(Exception):
    """A stage skips an item. The message is the reason."""


ERRORS = (AudioError, OSError, ValueError, MemoryError)


@dataclass(frozen=True)
class Outcome:
    """The outcome of one item: a state from STATES, the reason if it was skipped or failed, notes, and any result."""

    name: str
    state: str = "done"
    reason: str = ""
    notes: tuple[str, ...] = ()
    result: Any = None


def add_options(parser: argparse.ArgumentParser, jobs: int = -1) -> None:
    """Add the options --jobs and --backend to a stage's parser.

    `jobs` is the default of --jobs; 0 means one process on this machine and all processes of a cluster.
    """
    default = "one per core" if jobs == -1 else jobs or "1, or all of a cluster"
    parser.add_argument(
        "--jobs", type=_jobs, default=jobs, help=f"number of parallel processes; -1: one per core (default: {default})"
    )
    parser.add_argument(
        "--backend",
        choices=BACKENDS,
        default="loky",
        help="joblib backend: loky and threading run on this machine, dask on the cluster at "
        "DASK_SCHEDULER_ADDRESS, ray on the cluster at RAY_ADDRESS (default: loky)",
    )


def _jobs(text: str) -> int:
    if (jobs := int(text)) == 0 or jobs < -1:
        raise argparse.ArgumentTypeError("must be 1 or more, or -1")
    return jobs


@contextlib.contextmanager
def output_folder(path: Folder) -> Iterator[Folder]:
    """Make the folder `path` and lock it for this process. Raises StageError if that fails or another works in it.

    Before and after, unfinished files of stopped processes are removed, down to two levels below it, if it is certain
    that no other process is there.
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
    """Raise StageError if one of the folders is inside the other, so the output would be read as input."""
    inside, around = Path(output).resolve(), Path(source).resolve()
    if inside.is_relative_to(around) or around.is_relative_to(inside):
        raise StageError(f"{output} and {source}: one is inside the other; use another --output")


def attempt(function: Callable[[Item], Outcome], item: Item) -> Outcome:
    """Call `function(item)`. Always returns an Outcome, unless the process dies."""
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
    """Process all items and return their Outcomes in order. `options` are those of `add_options`.

    If a process dies (from decoding a broken file, or out of memory), only its own item fails. Progress counts items,
    or their `size`s, such as the seconds of songs, in `unit`s. With one job, `function` can report it with `advance`.
    """
    items, folder = list(items), os.getcwd()
    sizes = [1 if size is None else size(item) for item in items]
    if options.backend == "loky" and options.jobs == 1:  # joblib would do the same, but a tenth of a second later
        with _progress(sum(sizes), unit) as finish:
            alone = []
            for item, length in zip(items, sizes, strict=True):
                alone.append(attempt(function, item))
                finish(length)
            return alone
    from joblib import Parallel, delayed, parallel_config

    outcomes = {}
    results = "list" if options.backend == "ray" else "generator_unordered"  # Ray's backend returns all at the end

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
                # One of the items in progress is to blame: run each of them alone, in a separate process.
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
    """Report progress within an item, in the unit of `run`. It only has an effect with one job."""
    if report := _advance.get():
        report(amount)


@contextlib.contextmanager
def _progress(total: float, unit: str) -> Iterator[Callable[[float], None]]:
    """Show a bar. Yields a function for the size of a finished item; `advance` may have reported part of it before."""
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
    """Print the outcomes of all items. Returns the exit code: 1 if any failed."""
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
