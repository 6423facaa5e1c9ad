"""A transformer over two sequences, that of a spectrogram and that of a waveform (Rouard, Massa and Defossez 2023).

Layers with self-attention, one for each sequence, alternate with layers in which each sequence attends to the other
(section 2.2, figure 1). Every layer normalises first, scales its two residual branches by learned numbers that begin
small, and ends with a normalisation over all of a sequence. Positions are sinusoids, of one dimension for the waveform
(Vaswani et al. 2017, section 3.5) and of two for the spectrogram, and are added once, at the beginning.
"""

from typing import TYPE_CHECKING

import numpy as np

from splitstrument.layers.exact import gelu, normalised, normalised_as_one, scaled

if TYPE_CHECKING:
    import keras

START = 1e-4  # of the scales of residual branches
PERIOD = 10000.0  # the longest wavelength of the sinusoids, divided by 2 pi
Pair = tuple["keras.KerasTensor", "keras.KerasTensor"]


def cross_transformer(
    x: "keras.KerasTensor",
    other: "keras.KerasTensor",
    count: int,
    heads: int,
    expansion: float,
    dropout: float,
    name: str,
) -> Pair:
    """(batch, bins, frames, size) and (batch, steps, size) -> the same shapes, after `count` layers for each.

    `size` must be a multiple of 4 and of `heads`. `expansion`: the width of the hidden layers in multiples of it.
    `name`: what the layers' names begin with.
    """
    from keras import ops

    _, bins, frames, size = x.shape
    x = ops.reshape(x, (-1, bins * frames, size))
    x = normalised(x, f"{name}.norm_in")
    x = x + _plane(bins, frames, size).reshape(1, -1, size)
    other = normalised(other, f"{name}.norm_in_t")
    other = other + _line(other.shape[1], size)[None]
    for number in range(count):
        options = (heads, expansion, dropout)
        places = (f"{name}.layers.{number}", f"{name}.layers_t.{number}")
        if number % 2:
            x, other = _layer(x, other, *options, places[0]), _layer(other, x, *options, places[1])
        else:
            x, other = _layer(x, None, *options, places[0]), _layer(other, None, *options, places[1])
    return ops.reshape(x, (-1, bins, frames, size)), other


def _layer(
    x: "keras.KerasTensor",
    other: "keras.KerasTensor | None",
    heads: int,
    expansion: float,
    dropout: float,
    name: str,
) -> "keras.KerasTensor":
    """One layer: attention of `x` to itself, or to `other`, then two dense layers."""
    from keras import layers

    from splitstrument.layers.attention import attention

    size = x.shape[-1]
    queries = normalised(x, f"{name}.norm1")
    keys = queries if other is None else normalised(other, f"{name}.norm2")
    place = "self_attn" if other is None else "cross_attn"
    attended = attention()(heads, dropout, name=f"{name}.{place}")(queries, keys)
    x = x + scaled(layers.Dropout(dropout)(attended), START, f"{name}.gamma_1")
    y = normalised(x, f"{name}.norm2" if other is None else f"{name}.norm3")
    y = layers.Dense(int(size * expansion), name=f"{name}.linear1")(y)
    y = layers.Dropout(dropout)(gelu(y))
    y = layers.Dropout(dropout)(layers.Dense(size, name=f"{name}.linear2")(y))
    x = x + scaled(y, START, f"{name}.gamma_2")
    return normalised_as_one(x, f"{name}.norm_out")


def _line(steps: int, size: int) -> np.ndarray:
    """(steps, size): cosines in the first half, sines in the second, wavelengths up to PERIOD itself."""
    half = size // 2
    phases = np.arange(steps)[:, None] / PERIOD ** (np.arange(half) / (half - 1))
    return np.concatenate([np.cos(phases), np.sin(phases)], -1).astype(np.float32)


def _plane(bins: int, frames: int, size: int) -> np.ndarray:
    """(bins, frames, size): the first half says the frame, the second the bin; sines and cosines by turns."""
    half = size // 2
    rates = PERIOD ** -(np.arange(0, half, 2) / half)

    def waves(count: int) -> np.ndarray:
        phases = np.arange(count)[:, None] * rates
        return np.stack([np.sin(phases), np.cos(phases)], -1).reshape(count, half)

    plane = np.empty((bins, frames, size), np.float32)
    plane[..., :half], plane[..., half:] = waves(frames)[None], waves(bins)[:, None]
    return plane
