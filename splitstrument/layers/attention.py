"""Attention with little memory: the scores of some queries at a time (Vaswani et al. 2017, section 3.2)."""

import functools
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

MOST = 1 << 23  # scores at a time, of all heads: 32 MB in float32


@functools.cache
def attention() -> "type[keras.layers.Layer]":
    """The class of a layer in which each step of a sequence attends to all steps of another, or of its own."""
    from keras import layers, ops

    class Attention(layers.Layer):
        """(batch, T, size), (batch, S, size) -> (batch, T, size), with several `heads`.

        Gives what keras.layers.MultiHeadAttention does. The weights are a kernel and a bias for queries, for keys, for
        values and for the output. `dropout`: of the shares that a query gives to the keys, in training.
        """

        def __init__(self, heads: int, dropout: float = 0.0, **options: Any) -> None:
            super().__init__(**options)
            self.heads = heads
            self.dropout = layers.Dropout(dropout)

        def build(self, queries_shape: tuple[int, ...], keys_shape: tuple[int, ...]) -> None:
            size = queries_shape[-1]
            self.maps = []
            for place in ("queries", "keys", "values", "output"):
                kernel = self.add_weight((size, size), "glorot_uniform", name=f"{place}_kernel")
                self.maps.append((kernel, self.add_weight((size,), "zeros", name=f"{place}_bias")))

        def call(self, queries: Any, keys: Any, training: bool | None = None) -> Any:
            steps, size = queries.shape[1:]
            wanted, offered, values = (
                self._split(self._mapped(place, x)) for place, x in enumerate((queries, keys, keys))
            )
            wanted = wanted * math.sqrt(self.heads / size)
            count = -(-steps * keys.shape[1] * self.heads // MOST)
            step = -(-steps // count)
            offered = ops.transpose(offered, (0, 1, 3, 2))
            parts = [
                self._attended(wanted[:, :, start : start + step], offered, values, training)
                for start in range(0, steps, step)
            ]
            x = ops.transpose(ops.concatenate(parts, 2), (0, 2, 1, 3))
            return self._mapped(3, ops.reshape(x, (-1, steps, size)))

        def compute_output_spec(self, queries: Any, keys: Any, training: bool | None = None) -> Any:
            import keras

            return keras.KerasTensor(queries.shape, self.compute_dtype)

        def _mapped(self, place: int, x: Any) -> Any:
            kernel, bias = self.maps[place]
            return ops.matmul(x, kernel) + bias

        def _split(self, x: Any) -> Any:
            """(batch, steps, size) -> (batch, heads, steps, size / heads)."""
            return ops.transpose(ops.reshape(x, (-1, x.shape[1], self.heads, x.shape[2] // self.heads)), (0, 2, 1, 3))

        def _attended(self, queries: Any, keys: Any, values: Any, training: bool | None) -> Any:
            """The means of `values`, weighted by the softmax of the scores."""
            shares = ops.softmax(ops.matmul(queries, keys))
            return ops.matmul(self.dropout(shares, training=training), values)

    return Attention
