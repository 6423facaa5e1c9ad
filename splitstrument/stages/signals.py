"""Stopping long work: SIGTERM and SIGHUP, which a closed terminal sends, do what Ctrl-C does."""

import contextlib
import signal
import threading
from collections.abc import Iterator


def stop_signals() -> tuple[signal.Signals, ...]:
    """The signals that stop a command; SIGHUP is none of them where `nohup` has it ignored."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return (signal.SIGINT, signal.SIGTERM, *(() if ignored else (signal.SIGHUP,)))


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """They raise KeyboardInterrupt, as Ctrl-C does: files that are not complete are removed on the way out."""
    if threading.current_thread() is not threading.main_thread():  # only there can a signal be handled
        yield
        return

    def stop(number, _):
        if number == signal.SIGHUP:  # it comes from the terminal and from the shell, and must not stop the tidying up
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in stop_signals() if number != signal.SIGINT}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
