"""What is computed in float32 even in a network of bfloat16: functions of single numbers, and normalisations.

Processors with units for matrices of bfloat16 have none for the rest: there erfc and sigmoid take four times as long.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

EPSILON = 1e-5  # of the normalisations


def gelu(x: "keras.KerasTensor") -> "keras.KerasTensor":
    """The Gaussian error linear unit, without its approximation (Hendrycks and Gimpel 2016)."""
    from keras import ops

    return ops.gelu(ops.cast(x, "float32"), approximate=False)


def gated(x: "keras.KerasTensor") -> "keras.KerasTensor":
    """The first half of the channels, times the sigmoid of the second (GLU, Dauphin et al. 2017)."""
    from keras import ops

    return ops.glu(ops.cast(x, "float32"))


def normalised(x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    """`x` normalised over its last axis by a layer of this name, with a learned scale and shift."""
    from keras import layers

    return layers.LayerNormalization(epsilon=EPSILON, dtype="float32", name=name)(x)


def normalised_as_one(x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    """`x` normalised over all axes but the batch by a layer of this name, with a scale and a shift for each channel."""
    from keras import layers

    return layers.GroupNormalization(1, epsilon=EPSILON, dtype="float32", name=name)(x)


def scaled(x: "keras.KerasTensor", start: float, name: str) -> "keras.KerasTensor":
    """`x` times a learned number for each channel, at first `start`, by a layer of this name."""
    from splitstrument.layers.scaling import layer_scale

    return layer_scale()(start, dtype="float32", name=name)(x)
