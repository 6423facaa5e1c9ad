"""Stopping long work: SIGTERM does what Ctrl-C does."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def stopped_by_signals():
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
