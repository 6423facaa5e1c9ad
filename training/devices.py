"""On what a run trains: one device, or with TensorFlow several GPUs or several machines (tf.distribute)."""

import contextlib
import json
import os


def worker():
    """Which of several machines this is, by TF_CONFIG: 0 is the chief, which writes files. ValueError if unclear."""
    try:
        return int(json.loads(os.environ.get("TF_CONFIG") or "{}").get("task", {}).get("index", 0))
    except (ValueError, AttributeError, TypeError):
        raise ValueError('TF_CONFIG: must be JSON with "cluster" and "task", see docs/training.md') from None


class Devices:
    """One device: `replicas` that each take a share of every batch, `chief` whether this process writes files."""

    replicas, chief = 1, True
    compiled = "auto"  # Keras's jit_compile

    def scope(self):
        """The context in which networks and optimizers are made."""
        return contextlib.nullcontext()

    def share(self, size):
        """Which windows of a batch of `size` this process makes. Raises ValueError where they cannot be shared out."""
        if size % self.replicas:
            raise ValueError(f"a batch of {size} windows cannot be shared by {self.replicas} devices: batch_size")
        return slice(None)

    def feed(self, batches):
        """Batches made ahead, each as `train_on_batch` takes it."""
        from training.batches import ahead

        return ahead(batches)

    def agree(self, variables):
        """Give variables that are not trained (running means) the same values everywhere."""

    def together(self, *wishes):
        """For each of `wishes` (bool) whether any process has it."""
        return wishes

    def alike(self, *numbers):
        """Whether every process has the same `numbers`."""
        return True
