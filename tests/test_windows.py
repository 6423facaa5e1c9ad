"""Windows over a stream: workers change nothing but the time, however the stream is cut and whoever is first."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from splitstrument.windows import Windows

LENGTH, OVERLAP = 16, 4


def varying(window):
    """What depends on the place in the window, and on the window."""
    return window * np.linspace(0, 1, len(window), dtype=np.float32)[:, None] + window.mean()


def joined(function, stream, size, workers=None, **options):
    windows = Windows(function, LENGTH, OVERLAP, workers, **options)
    pieces = [windows(stream[start : start + size]) for start in range(0, len(stream), size)]
    pieces.append(windows(stream[:0], last=True))
    return np.concatenate([piece for piece in pieces if piece is not None])


@pytest.mark.parametrize("length", [1, 15, 16, 100, 323])
def test_workers_change_nothing(length):
    stream = np.random.default_rng(length).random((length, 3)).astype(np.float32)
    expected = joined(varying, stream, length)
    assert len(expected) == length

    def in_any_order(window):
        time.sleep(0.003 * float(window[0, 0]))
        return varying(window)

    with ThreadPoolExecutor(3) as workers:
        for size in (1, 7, 50, length):
            np.testing.assert_array_equal(joined(in_any_order, stream, size, workers), expected)


@pytest.mark.parametrize("size", [1, 7, 40])
@pytest.mark.parametrize("length", [5, 16, 21, 26, 40])
def test_centred_windows_at_the_end_see_what_came_before(length, size):
    stream = 1 + np.arange(length, dtype=np.float32)[:, None]
    seen = []

    def noted(window):
        seen.append(window[:, 0].copy())
        return window.copy()

    np.testing.assert_allclose(joined(noted, stream, size, centred=True), stream, rtol=1e-6)
    starts = range(0, length, LENGTH - OVERLAP)
    assert len(seen) == len(starts)
    for start, window in zip(starts, seen, strict=True):
        short = max(0, start + LENGTH - length)
        expected = [1 + at if 0 <= at < length else 0 for at in range(start - short // 2, start + LENGTH - short // 2)]
        np.testing.assert_array_equal(window, expected)


def test_no_more_windows_wait_than_workers_need():
    """Memory does not grow where the workers are slow: the stream is held up."""
    waiting, most, lock = 0, 0, threading.Lock()
    begun = Windows._begin

    class Counting(Windows):
        def _begin(self, *window):
            nonlocal waiting, most
            with lock:
                waiting += 1
                most = max(most, waiting)
            return begun(self, *window)

    def slow(window):
        nonlocal waiting
        time.sleep(0.002)
        with lock:
            waiting -= 1
        return window

    with ThreadPoolExecutor(2) as workers:
        windows = Counting(slow, LENGTH, OVERLAP, workers)
        for _ in range(50):
            windows(np.zeros((40, 1), np.float32))
    assert 2 <= most <= 3


def test_what_fails_in_a_worker_fails_for_the_caller():
    def failing(window):
        raise MemoryError("no room")

    with ThreadPoolExecutor(2) as workers, pytest.raises(MemoryError, match="no room"):
        joined(failing, np.zeros((100, 1), np.float32), 10, workers)
