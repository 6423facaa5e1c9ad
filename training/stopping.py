"""Ctrl-C and SIGTERM ask a run to stop after its step; a second time they stop it at once."""

import contextlib
import signal


class Stopping:
    """Whether a signal has asked to stop."""

    def __init__(self):
        self.asked = False

    def _ask(self, *_):
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    @contextlib.contextmanager
    def listening(self):
        """Take the two signals over meanwhile."""
        before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
