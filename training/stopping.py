"""Ctrl-C, SIGTERM and a closed terminal ask a run to stop after its step; a second time they stop it at once."""

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Any

from splitstrument.stages.signals import stop_signals


class Stopping:
    """Whether a signal has asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def _ask(self, *_: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        with contextlib.suppress(OSError):  # the terminal may be gone
            os.write(2, b"\nsplitstrument: stops after this step and saves; once more stops at once\n")

    @contextlib.contextmanager
    def listening(self) -> "Iterator[Stopping]":
        """Take the signals over meanwhile. Nothing is raised: what is imported meanwhile could swallow it."""
        before = {number: signal.signal(number, self._ask) for number in stop_signals()}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
