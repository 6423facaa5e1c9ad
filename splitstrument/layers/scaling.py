"""Layers that scale or shift features by learned numbers."""

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@functools.cache
def layer_scale() -> "type[keras.layers.Layer]":
    """The class of a layer with one learned scale for each channel, the last axis (Touvron et al. 2021, equation 4)."""
    from keras import initializers, layers

    class LayerScale(layers.Layer):
        """x * scale. `start`: the scale at first; with a small one, a residual branch does little then."""

        def __init__(self, start: float, **options: Any) -> None:
            super().__init__(**options)
            self.start = start

        def build(self, shape: tuple[int, ...]) -> None:
            self.scale = self.add_weight((shape[-1],), initializers.Constant(self.start), name="scale")

        def call(self, x: Any) -> Any:
            return x * self.scale

    return LayerScale


@functools.cache
def frequency_embedding() -> "type[keras.layers.Layer]":
    """The class of a layer that adds a learned vector to each bin of (batch, bins, frames, channels)."""
    from keras import layers, ops, random

    class FrequencyEmbedding(layers.Layer):
        """x + factor * vectors. The vectors begin as a random walk over the bins, so that neighbours are alike.

        They are stored divided by `boost` (the original's way to let them learn faster), which `factor` makes up for.
        """

        def __init__(self, factor: float, boost: float, **options: Any) -> None:
            super().__init__(**options)
            self.factor, self.boost = factor, boost

        def build(self, shape: tuple[int, ...]) -> None:
            self.vectors = self.add_weight((shape[1], shape[-1]), self._walk, name="vectors")

        def call(self, x: Any) -> Any:
            return x + self.factor * self.vectors[:, None]

        def _walk(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
            steps = ops.arange(1, shape[0] + 1, dtype=dtype)[:, None]
            return ops.cumsum(random.normal(shape, dtype=dtype), 0) / (self.boost * ops.sqrt(steps))

    return FrequencyEmbedding
