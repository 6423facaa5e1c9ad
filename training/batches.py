"""A sampler's batches as a Keras dataset, and made ahead of time by threads.

Under TensorFlow the same batches come through tf.data, see `training.tensorflow_backend`.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

import keras

THREADS, AHEAD = 2, 4


class Batches(keras.utils.PyDataset):
    """The batches of one epoch of `sampler` from step `first` up to `last`, (windows, 2, length, channels) each.

    `wanted`: the places in each batch that this process makes, where several share the work. What stops a batch from
    being made is kept in `failure`, since tf.data tells only that something went wrong.
    """

    def __init__(self, sampler, epoch, first, last, wanted=slice(None)):
        super().__init__()
        self.sampler, self.epoch, self.first, self.last, self.wanted = sampler, epoch, first, last, wanted
        self.failure = None

    def __len__(self):
        return self.last - self.first

    def __getitem__(self, index):
        try:
            return self.sampler.batch(self.epoch, self.first + index, self.wanted)
        except Exception as error:
            self.failure = error
            raise


def ahead(batches):
    """The batches in order, some made ahead by threads (reading and transforming lets other threads work)."""
    waiting = deque()
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
