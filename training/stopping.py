"""Ctrl-C, SIGTERM and closing the terminal let a run stop after the current step; a second time, immediately."""

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
            os.write(2, b"\nsplitstrument: stopping after this step and saving; repeat to stop immediately\n")

    @contextlib.contextmanager
    def listening(self) -> "Iterator[Stopping]":
        """Handle the signals in this context. Raises nothing, since code that runs here might swallow an exception."""
        before = {number: signal.signal(number, self._ask) for number in stop_signals()}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
