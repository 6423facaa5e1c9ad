"""The batches of a sampler as a Keras dataset, prepared in advance by threads.

With TensorFlow, the same batches come through tf.data, see `training.tensorflow_backend`.
"""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    import numpy as np

    from training.sampler import Sampler

# The number of threads does not change the batches. With more than a dozen, Python's global lock is the bottleneck.
THREADS = min(max(2, os.cpu_count() or 1), 12)
AHEAD = 2 * THREADS


class Batches(keras.utils.PyDataset):
    """The batches of an epoch of `sampler` from step `first` up to `last`, each (windows, parts, length, channels).

    `wanted`: the windows of each batch that this process makes, if several processes share the work. An exception is
    kept in `failure`, since tf.data only reports that something failed.
    """

    def __init__(self, sampler: "Sampler", epoch: int, first: int, last: int, wanted: slice = slice(None)) -> None:
        super().__init__()
        self.sampler, self.epoch, self.first, self.last, self.wanted = sampler, epoch, first, last, wanted
        self.failure: Exception | None = None

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, index: int) -> "np.ndarray":
        try:
            return self.sampler.batch(self.epoch, self.first + index, self.wanted)
        except Exception as error:
            self.failure = error
            raise


def ahead(batches: Batches) -> "Iterator[np.ndarray]":
    """Yield the batches in order; threads prepare some in advance (reading and transforming release Python's lock)."""
    waiting: deque[Any] = deque()
    with ThreadPoolExecutor(THREADS) as threads:
        try:
            for index in range(len(batches)):
                waiting.append(threads.submit(batches.__getitem__, index))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()
