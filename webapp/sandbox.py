"""Work on uploaded files in separate processes. If one hangs, dies or wants too much, it is ended and we go on."""

import contextlib
import json
import logging
import multiprocessing
import os
import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import TYPE_CHECKING, Any

from webapp.pages.refused import FULL, Refused, is_full

if TYPE_CHECKING:
    from webapp.settings import Settings

log = logging.getLogger("splitstrument")
_LONGEST = 1 << 16  # bytes of a message
_PATIENCE = 5.0  # seconds


class Stopped(Exception):
    """The work was stopped on request."""


@dataclass(frozen=True)
class Limits:
    """The limits of a process: `memory` beyond what it starts with and the largest `file`, in bytes; `seconds`."""

    memory: int
    seconds: float
    file: int

    @classmethod
    def of(cls, settings: "Settings", seconds: float, file: int = 2**33) -> "Limits":
        """The limits in the demonstrator's Settings, for work that may take `seconds`."""
        return cls(settings.decoder_megabytes * 2**20, seconds, file)


def context() -> ForkServerContext:
    """Processes that are forked from one that has the decoders loaded, so that each begins in milliseconds."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["webapp.decoding"])
    return processes


def run(
    function: Callable[..., Any],
    arguments: tuple,
    limits: Limits,
    tell: Callable[[float], object] = lambda share: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Any:
    """Run `function(*arguments, tell)` in its own process within `limits`, and return its result (plain values).

    `tell(share)` hears of its progress, 0 to 1. Raises Refused with what it refused, or where it died, hung or wanted
    more than it may have; Stopped when `stopped()` turns true, after the process has ended.
    """
    ours, theirs = context().Pipe(duplex=False)
    process = context().Process(target=_child, args=(theirs, function, arguments, limits), daemon=True)
    process.start()
    theirs.close()
    until = time.monotonic() + limits.seconds + _PATIENCE  # it ends itself before
    try:
        while True:
            if stopped():
                raise Stopped
            if time.monotonic() > until:
                raise Refused(415, "This could not be read within the time limit.")
            if not ours.poll(0.1):
                continue
            # JSON, not pickles: what the process has become must not reach into this one.
            message = json.loads(ours.recv_bytes(_LONGEST))
            if "share" in message:
                tell(float(message["share"]))
            elif "refused" in message:
                raise Refused(*message["refused"])
            else:
                return message["result"]
    except (EOFError, OSError):
        process.join(5)
        slow = process.exitcode == -signal.SIGALRM
        log.warning("%s ended with %s", function.__name__, process.exitcode)
        reason = "took too long" if slow else "made the program that reads it fail"
        raise Refused(415, f"This could not be read: it {reason}.") from None
    except (ValueError, KeyError, TypeError):
        raise Refused(415, "This could not be read.") from None
    finally:
        process.kill()
        process.join()
        ours.close()


def _child(connection: Connection, function: Callable[..., Any], arguments: tuple, limits: Limits) -> None:
    """The main function of the process: set the limits, work, send the result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the parent, which ends this one
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends it even inside a library
    signal.setitimer(signal.ITIMER_REAL, limits.seconds)
    os.nice(10)  # the server's answers come first
    begun_with = _memory()
    for kind, most in (
        (resource.RLIMIT_AS, begun_with + limits.memory),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))

    def send(**message: Any) -> None:
        connection.send_bytes(json.dumps(message).encode())

    told = 0.0

    def tell(share: float) -> None:
        nonlocal told
        if time.monotonic() - told > 0.1:
            told = time.monotonic()
            send(share=share)

    try:
        send(result=function(*arguments, tell))
    except Refused as refused:
        send(refused=[refused.status, refused.message])
    except MemoryError:
        send(refused=[413, "This needs more memory to read than there is for it."])
    except OSError as error:
        log.exception("%s", function.__name__)
        if is_full(error):
            send(refused=[507, FULL])
        else:
            send(refused=[500, f"This could not be kept: {(error.strerror or 'disk error').lower()}."])
    except Exception:
        traceback.print_exc()
        send(refused=[415, "This could not be read."])


def _memory() -> int:
    """The bytes of this process's address space."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def no_more_files(but: int) -> Iterator[None]:
    """Within this context the process can open only `but` more files or sockets, so that a playlist leads nowhere."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [os.dup(0) for _ in range(but)]
    for each in free:
        os.close(each)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(free) + 1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
