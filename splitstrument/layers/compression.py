"""Magnitudes as an input that does not depend on a song's level."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

POWER = 0.3


def compressed(magnitudes: "keras.KerasTensor") -> "keras.KerasTensor":
    """(batch, bins, frames, channels) -> without the lowest bin, which is DC; to the power of 0.3, around 0."""
    from keras import ops

    # The floor is relative to the loudest magnitude.
    loudest = ops.maximum(ops.max(magnitudes, (1, 2, 3), keepdims=True), 1e-6)
    x = ops.power(ops.maximum(magnitudes[:, 1:] / loudest, 1e-8), POWER)
    return x / ops.mean(x, (1, 2, 3), keepdims=True) - 1.0
