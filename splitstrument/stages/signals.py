"""Stopping long work: SIGTERM does what Ctrl-C does."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, as Ctrl-C does: files that are not complete are removed on the way out."""
    if threading.current_thread() is not threading.main_thread():  # only there can a signal be handled
        yield
        return

    def stop(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
