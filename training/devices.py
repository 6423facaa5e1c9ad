"""The devices for training: one device, or, with TensorFlow, several GPUs or machines (tf.distribute)."""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.batches import Batches


def worker() -> int:
    """The number of this machine in TF_CONFIG; 0 is the chief, which writes files. Raises ValueError if invalid."""
    try:
        return int(json.loads(os.environ.get("TF_CONFIG") or "{}").get("task", {}).get("index", 0))
    except (ValueError, AttributeError, TypeError):
        raise ValueError('TF_CONFIG: must be JSON with "cluster" and "task", see docs/training.md') from None


class Devices:
    """One device. `replicas`: the number of devices that share a batch; `chief`: whether this process writes files."""

    replicas, chief = 1, True
    compiled: str | bool = "auto"  # Keras's jit_compile

    def scope(self) -> contextlib.AbstractContextManager:
        """The context for building networks and optimizers."""
        return contextlib.nullcontext()

    def share(self, size: int) -> slice:
        """The windows that this process makes for a batch of `size`. Raises ValueError if they cannot be divided."""
        if size % self.replicas:
            raise ValueError(f"batch_size: {size} windows cannot be divided among {self.replicas} devices")
        return slice(None)

    def feed(self, batches: "Batches") -> Iterator[Any]:
        """Yield batches in the form that `train_on_batch` takes, prepared in advance."""
        from training.batches import ahead

        return ahead(batches)

    def agree(self, variables: Iterable[Any]) -> None:
        """Synchronise variables that are not trained (running means) between all processes."""

    def together(self, *wishes: bool) -> tuple[bool, ...]:
        """For each of `wishes`, whether it is true in any process."""
        return wishes

    def alike(self, *numbers: float) -> bool:
        """Whether every process has the same `numbers`."""
        return True
