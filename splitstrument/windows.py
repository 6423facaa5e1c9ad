"""A function of windows laid over a stream: they overlap, and what comes out is cross-faded.

Windows of T frames (or samples) begin every T - V of them. Over the V that two windows share, the earlier one's result
fades out as the later one's fades in, on straight lines that add up to one; so no border can be heard, and a function
that returns the same everywhere gives just that.
"""

from collections.abc import Callable

import numpy as np


def overlap_of(length: int) -> int:
    """How much of a window the next one shares: a sixteenth, 70 ms for the hourglass, costs little time."""
    return max(2, length // 16)


class Windows:
    """`function` maps one window (length, ...), with zeros behind the stream's end, to (length, ...) of any shape.

    It gets windows one at a time: on processors that is the fastest, since more at once no longer fit the caches.
    """

    def __init__(self, function: Callable[[np.ndarray], np.ndarray], length: int, overlap: int) -> None:
        self.function, self.length, self.overlap, self.step = function, length, overlap, length - overlap
        self.rising = ((np.arange(overlap) + 0.5) / max(overlap, 1)).astype(np.float32)
        self.waiting: np.ndarray | None = None
        self.tail: np.ndarray | None = None

    def __call__(self, stream: np.ndarray, last: bool = False) -> np.ndarray | None:
        """What is complete after this piece of the `stream` (time, ...), None if nothing is; `last` completes all."""
        if self.waiting is not None:
            stream = np.concatenate([self.waiting, stream])
        done, pieces = 0, []
        while len(stream) - done >= (1 if last else self.length):
            pieces.append(self._result(stream[done : done + self.length]))
            done += self.step
        complete = min(done, len(stream))
        self.waiting = stream[complete:]
        return np.concatenate(pieces)[:complete] if pieces else None

    def _result(self, window: np.ndarray) -> np.ndarray:
        """The result of a window's first `step`; that of what follows is kept to be faded into the next one."""
        missing = self.length - len(window)
        if missing:
            window = np.pad(window, ((0, missing), *((0, 0),) * (window.ndim - 1)))
        result = self.function(window)
        if self.tail is not None:
            rising = self.rising.reshape(-1, *(1,) * (result.ndim - 1))
            result[: self.overlap] = result[: self.overlap] * rising + self.tail * (1 - rising)
        self.tail = result[self.step :]
        return result[: self.step]
