"""Applies a function to overlapping windows of a stream and cross-fades the results.

Windows have T frames (or samples), and a new one begins every T - V. Over the V that two windows share, the result of
the earlier one fades out linearly while that of the later one fades in. The weights add up to one, so no border can be
heard, and a function that returns a constant gives that constant.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future

import numpy as np


def overlap_of(length: int) -> int:
    """How much two neighbouring windows share: a sixteenth (70 ms for the hourglass), which costs little time."""
    return max(2, length // 16)


class Windows:
    """`function` maps one window (length, ...) to (length, ...) of any shape.

    It is called with one window at a time, by all `workers` in parallel or, without them, by the caller. At the end of
    the stream, a window that is too short is padded with zeros behind it; if `centred`, half of the padding is what
    came before it.
    """

    def __init__(
        self,
        function: Callable[[np.ndarray], np.ndarray],
        length: int,
        overlap: int,
        workers: Executor | None = None,
        centred: bool = False,
    ) -> None:
        self.centred = centred
        self.function, self.length, self.overlap, self.step = function, length, overlap, length - overlap
        self.rising = ((np.arange(overlap) + 0.5) / max(overlap, 1)).astype(np.float32)
        self.workers = workers
        self.ahead = getattr(workers, "_max_workers", 0)
        self.results: deque[Future] = deque()  # the results of windows that are not joined yet
        self.waiting: np.ndarray | None = None  # from where the next window begins, or before it, for its context
        self.before = 0  # how much of it is before the next window
        self.tail: np.ndarray | None = None
        self.missing = 0  # length of the stream that has been taken but not returned yet

    def __call__(self, stream: np.ndarray, last: bool = False) -> np.ndarray | None:
        """The results that this piece of the `stream` (time, ...) completes, or None; `last` completes all of them."""
        self.missing += len(stream)
        if self.waiting is not None:
            stream = np.concatenate([self.waiting, stream])
        done = self.before
        pieces: list[np.ndarray] = []
        while len(stream) - done >= (1 if last else self.length):
            self.results.append(self._begin(stream, done))
            done += self.step
            pieces += self._joined(self.ahead)
        self.before = min(self.length // 2, done) if self.centred else 0
        self.waiting = stream[done - self.before :]
        if last:
            pieces += self._joined(0)
        if not pieces:
            return None
        complete = np.concatenate(pieces)[: self.missing]
        self.missing -= len(complete)
        return complete

    def _begin(self, stream: np.ndarray, start: int) -> Future:
        """The result of the window of `stream` that begins at `start`, as a Future."""
        short = max(0, start + self.length - len(stream))
        lead = short // 2 if self.centred else 0
        before = min(lead, start)  # the whole stream may be shorter than a window
        window = stream[start - before : start + self.length]
        if short:
            window = np.pad(window, ((lead - before, short - lead), *((0, 0),) * (window.ndim - 1)))
        own = slice(lead, lead + self.length - short)
        if self.workers:
            return self.workers.submit(lambda: self.function(window)[own])
        result: Future = Future()
        result.set_result(self.function(window)[own])
        return result

    def _joined(self, ahead: int) -> Iterator[np.ndarray]:
        """Yield the first `step` of each result in turn, until at most `ahead` results are left.

        The end of a result is kept, to be cross-faded with the next one.
        """
        while len(self.results) > ahead:
            result = self.results.popleft().result()
            if self.tail is not None:
                shared = min(self.overlap, len(result))
                rising = self.rising[:shared].reshape(-1, *(1,) * (result.ndim - 1))
                result[:shared] = result[:shared] * rising + self.tail[:shared] * (1 - rising)
            self.tail = result[self.step :]
            yield result[: self.step]
