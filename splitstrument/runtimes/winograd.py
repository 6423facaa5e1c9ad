"""3x3 convolutions with half the multiplications: Winograd's F(4, 3) along time (Lavin and Gray 2016).

Computed directly, four neighbouring outputs of a filter with three taps need 12 multiplications. Here six inputs are
transformed by B', multiplied by the three taps transformed by G, and transformed back by A'. This needs only 6:
y = A' [(G g) * (B' d)]. Along the other axis, each of the six products is an ordinary convolution with three taps,
which the backend computes at full speed. Results differ from direct convolution only by rounding, about 1e-6 of their
size.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

B = ((4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0))
B += ((0, -2, -1, 2, 1, 0), (0, 2, -1, -2, 1, 0), (0, 4, 0, -5, 0, 1))
G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
A = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


WIDE = 128  # the least number of input channels for which the transforms cost less than they save


def is_wide(network: "keras.Model") -> bool:
    """Whether nine tenths of the network's weights are in 3x3 convolutions that `quicken` makes faster."""
    wide = sum(math.prod(layer.kernel.shape) for layer in network.layers if _fits(layer))
    return wide > 0.9 * network.count_params()


def quicken(network: "keras.Model") -> None:
    """Give the network's wide 3x3 convolutions this form, for inference with its current weights."""
    for layer in network.layers:
        if _fits(layer):
            layer.convolution_op = _convolution(np.asarray(layer.kernel))


def _fits(layer: Any) -> bool:
    from keras import layers

    plain = isinstance(layer, layers.Conv2D) and layer.kernel_size == (3, 3) and layer.strides == (1, 1)
    return plain and layer.padding == "same" and layer.kernel.shape[2] >= WIDE


def _convolution(kernel: np.ndarray) -> Callable[[Any, Any], Any]:
    """The operation for a layer with this (3, 3, in, out) kernel: (batch, bins, frames, in) -> (..., out)."""
    from keras import ops

    taps = np.einsum("kt,btio->kbio", G, kernel)[:, :, None].astype(np.float32)

    def convolution(inputs, _):
        frames = inputs.shape[2]
        tiles = -(-frames // 4)
        padded = ops.pad(inputs, ((0, 0), (0, 0), (1, 4 * tiles - frames + 1), (0, 0)))
        inside = [padded[:, :, first : first + 4 * tiles - 3 : 4] for first in range(6)]
        products = [ops.conv(_sum(row, inside), tap, padding="same") for row, tap in zip(B, taps, strict=True)]
        outside = ops.stack([_sum(row, products) for row in A], axis=3)
        shape = (-1, inputs.shape[1], 4 * tiles, taps.shape[-1])
        return ops.reshape(outside, shape)[:, :, :frames]

    return convolution


def _sum(coefficients: Sequence[int], terms: Sequence[Any]) -> Any:
    weighted = [c * term if c != 1 else term for c, term in zip(coefficients, terms, strict=True) if c]
    total = weighted[0]
    for term in weighted[1:]:
        total = total + term
    return total
