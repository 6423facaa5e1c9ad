"""On what a run trains: one device, or with TensorFlow several GPUs or several machines (tf.distribute)."""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.batches import Batches


def worker() -> int:
    """Which of several machines this is, by TF_CONFIG: 0 is the chief, which writes files. ValueError if unclear."""
    try:
        return int(json.loads(os.environ.get("TF_CONFIG") or "{}").get("task", {}).get("index", 0))
    except (ValueError, AttributeError, TypeError):
        raise ValueError('TF_CONFIG: must be JSON with "cluster" and "task", see docs/training.md') from None


class Devices:
    """One device: `replicas` that each take a share of every batch, `chief` whether this process writes files."""

    replicas, chief = 1, True
    compiled: str | bool = "auto"  # Keras's jit_compile

    def scope(self) -> contextlib.AbstractContextManager:
        """The context in which networks and optimizers are made."""
        return contextlib.nullcontext()

    def share(self, size: int) -> slice:
        """Which windows of a batch of `size` this process makes. Raises ValueError where they cannot be shared out."""
        if size % self.replicas:
            raise ValueError(f"a batch of {size} windows cannot be shared by {self.replicas} devices: batch_size")
        return slice(None)

    def feed(self, batches: "Batches") -> Iterator[Any]:
        """Batches made ahead, each as `train_on_batch` takes it."""
        from training.batches import ahead

        return ahead(batches)

    def agree(self, variables: Iterable[Any]) -> None:
        """Give variables that are not trained (running means) the same values everywhere."""

    def together(self, *wishes: bool) -> tuple[bool, ...]:
        """For each of `wishes` (bool) whether any process has it."""
        return wishes

    def alike(self, *numbers: float) -> bool:
        """Whether every process has the same `numbers`."""
        return True
