"""Stopping long work: SIGTERM, and SIGHUP, which a closed terminal sends, act like Ctrl-C."""

import contextlib
import signal
import threading
from collections.abc import Iterator


def stop_signals() -> tuple[signal.Signals, ...]:
    """The signals that stop a command, without SIGHUP if `nohup` makes the command ignore it."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return (signal.SIGINT, signal.SIGTERM, *(() if ignored else (signal.SIGHUP,)))


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Make these signals raise KeyboardInterrupt, as Ctrl-C does, so that unfinished files are removed."""
    if threading.current_thread() is not threading.main_thread():  # signals can only be handled there
        yield
        return

    def stop(number, _):
        if number == signal.SIGHUP:  # it comes from both terminal and shell, and must not interrupt the clean-up
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in stop_signals() if number != signal.SIGINT}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
