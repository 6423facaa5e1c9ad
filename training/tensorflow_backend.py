"""TensorFlow only: batches through tf.data, and several GPUs or machines through tf.distribute.

This is the only module of the package that imports TensorFlow. Several machines find each other through the
environment variable TF_CONFIG, see docs/training.md.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow as tf

from training.batches import AHEAD, THREADS, Batches
from training.devices import Devices, worker


class TensorFlowDevices(Devices):
    """All GPUs of this machine and all workers in TF_CONFIG, or else the only device.

    Each worker makes its own share of every batch; gradients are summed over all replicas.
    """

    # On CPUs, TensorFlow's kernels take 0.9 of the time of XLA in float32, and 0.6 in bfloat16.
    compiled: str | bool = False

    def __init__(self, devices: list[str] | None = None) -> None:
        """`devices`: names such as "CPU:0" instead of this machine's GPUs."""
        if os.environ.get("TF_CONFIG"):
            self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
        elif devices or len(tf.config.list_physical_devices("GPU")) > 1:
            self.strategy = tf.distribute.MirroredStrategy(devices)
        else:
            self.strategy = None
            if tf.config.list_physical_devices("GPU"):
                self.compiled = "auto"
            return
        self._mean: Any = None
        self._agreed: Any = None
        self.replicas = self.strategy.num_replicas_in_sync
        resolver = self.strategy.cluster_resolver
        self.workers = max(1, len(resolver.cluster_spec().as_dict().get("worker", ()))) if resolver else 1
        self.worker = worker()
        self.chief = self.worker == 0

    def scope(self) -> contextlib.AbstractContextManager:
        return self.strategy.scope() if self.strategy else super().scope()

    def share(self, size: int) -> slice:
        super().share(size)
        if not self.strategy:
            return slice(None)
        share = size // self.workers
        return slice(self.worker * share, (self.worker + 1) * share)

    def feed(self, batches: Batches) -> Iterator[Any]:
        def made(index: Any) -> Any:
            return tf.ensure_shape(tf.numpy_function(lambda i: batches[int(i)], [index], tf.float32), shape)

        shape = (None, *batches.sampler.shape)
        dataset = tf.data.Dataset.range(len(batches)).map(made, THREADS, deterministic=True).prefetch(AHEAD)
        try:
            for batch in dataset:
                yield self._spread(batch) if self.strategy else batch
        except tf.errors.OpError:
            if batches.failure is None:
                raise
            raise batches.failure from None

    def _spread(self, batch: Any) -> Any:
        """Divide a worker's batch among its replicas."""
        local = self.replicas // self.workers
        share = len(batch) // local

        def part(context: Any) -> Any:
            number = context.replica_id_in_sync_group % local
            return batch[number * share : (number + 1) * share]

        return self.strategy.experimental_distribute_values_from_function(part)

    def agree(self, variables: Iterable[Any]) -> None:
        if not self.strategy:
            return
        if not self._agreed:
            floats = [variable for variable in variables if variable.dtype.startswith("float")]

            @tf.function
            def means() -> list:
                values = self.strategy.run(lambda: tuple(tf.identity(variable.value) for variable in floats))
                return [self.strategy.reduce("MEAN", value, axis=None) for value in values]

            self._agreed = floats, means
        floats, means = self._agreed
        for variable, mean in zip(floats, means(), strict=True):
            variable.assign(mean)

    def together(self, *wishes: bool) -> tuple[bool, ...]:
        if not self.strategy or self.workers == 1:
            return wishes
        return tuple(mean > 0 for mean in self._means(wishes))

    def alike(self, *numbers: float) -> bool:
        if not self.strategy or self.workers == 1:
            return True
        return all(mean == number for mean, number in zip(self._means(numbers), numbers, strict=True))

    def _means(self, numbers: Iterable[float]) -> Any:
        """The mean of each of `numbers` over all workers."""
        if not self._mean:

            @tf.function
            def mean(own: Any) -> Any:
                return self.strategy.reduce("MEAN", self.strategy.run(tf.identity, (own,)), axis=None)

            self._mean = mean
        return self._mean(tf.constant([float(number) for number in numbers], tf.float64)).numpy()
