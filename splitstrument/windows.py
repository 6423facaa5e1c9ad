"""A function of windows laid over a stream: they overlap, and what comes out is cross-faded.

Windows of T frames (or samples) begin every T - V of them. Over the V that two windows share, the earlier one's result
fades out as the later one's fades in, on straight lines that add up to one; so no border can be heard, and a function
that returns the same everywhere gives just that.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future

import numpy as np


def overlap_of(length: int) -> int:
    """How much of a window the next one shares: a sixteenth, 70 ms for the hourglass, costs little time."""
    return max(2, length // 16)


class Windows:
    """`function` maps one window (length, ...), with zeros behind the stream's end, to (length, ...) of any shape.

    It gets windows one at a time, from `workers`, as many at once as these are; without them, from the caller.
    """

    def __init__(
        self,
        function: Callable[[np.ndarray], np.ndarray],
        length: int,
        overlap: int,
        workers: Executor | None = None,
    ) -> None:
        self.function, self.length, self.overlap, self.step = function, length, overlap, length - overlap
        self.rising = ((np.arange(overlap) + 0.5) / max(overlap, 1)).astype(np.float32)
        self.workers = workers
        self.ahead = getattr(workers, "_max_workers", 0)
        self.results: deque[Future] = deque()  # of windows that are not yet joined
        self.waiting: np.ndarray | None = None
        self.tail: np.ndarray | None = None
        self.missing = 0  # how much of the stream has been taken and not yet given back

    def __call__(self, stream: np.ndarray, last: bool = False) -> np.ndarray | None:
        """What is complete after this piece of the `stream` (time, ...), None if nothing is; `last` completes all."""
        self.missing += len(stream)
        if self.waiting is not None:
            stream = np.concatenate([self.waiting, stream])
        done = 0
        pieces: list[np.ndarray] = []
        while len(stream) - done >= (1 if last else self.length):
            self.results.append(self._begin(stream[done : done + self.length]))
            done += self.step
            pieces += self._joined(self.ahead)
        self.waiting = stream[done:]
        if last:
            pieces += self._joined(0)
        if not pieces:
            return None
        complete = np.concatenate(pieces)[: self.missing]
        self.missing -= len(complete)
        return complete

    def _begin(self, window: np.ndarray) -> Future:
        """The result of a window, or its promise."""
        short = self.length - len(window)
        if short:
            window = np.pad(window, ((0, short), *((0, 0),) * (window.ndim - 1)))
        if self.workers:
            return self.workers.submit(self.function, window)
        result: Future = Future()
        result.set_result(self.function(window))
        return result

    def _joined(self, ahead: int) -> Iterator[np.ndarray]:
        """The first `step` of each window in turn, until no more than `ahead` of them are left.

        What follows of a window is kept to be faded into the next one.
        """
        while len(self.results) > ahead:
            result = self.results.popleft().result()
            if self.tail is not None:
                rising = self.rising.reshape(-1, *(1,) * (result.ndim - 1))
                result[: self.overlap] = result[: self.overlap] * rising + self.tail * (1 - rising)
            self.tail = result[self.step :]
            yield result[: self.step]
