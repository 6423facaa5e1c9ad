"""Spleeter's U-Nets, one for each source (Hennequin, Khlif, Voituret and Moussallam 2020; Jansson et al. 2017).

Six convolutions of 5x5 with stride 2 lead down, six transposed ones lead back up, and each level's convolution, before
its normalisation, is joined to what comes back from below. A last convolution gives the source's mask. The estimate of
a source is its mask times the mixture; of several sources the masks that are returned are the shares of these estimates
in the sum of their squares, so that they add up to one. Of one source the mask is returned as it is.

Deezer's normalisations hold a mean of 0 and a variance of 1, which no training has updated: they are a learned scale
and offset. `frozen` keeps them that way in training too, without which nothing is learned from Deezer's weights.
Unlike other networks this one knows how loud a song is: magnitudes are those of the STFT, unscaled.
"""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form

if TYPE_CHECKING:
    import keras

DEPTH = 6
SLOPE = 0.2  # of Spleeter's LeakyReLU
EPSILON = 1e-3  # of its normalisations
TINY = 1e-10  # as Spleeter has it: what the sum of squares has at least, shared out equally


@dataclass(frozen=True, config=STRICT)
class Settings:
    """What pins the U-Nets down; the defaults are those of Spleeter's 2stems.

    `activation`: "relu" is LeakyReLU(0.2) down and ReLU up, "elu" (4stems, 5stems) is ELU both ways. `output`:
    "sigmoid", or "softmax" over the sources (5stems). `slope` is that of the last ReLU below 0: it has one channel, and
    where all of it is negative a slope of 0 would end the training. `above`: how masks go on above the bins.
    """

    fft_length: int = Field(default=4096, ge=256, multiple_of=4)
    frames: int = Field(default=512, ge=2**DEPTH, multiple_of=2**DEPTH)
    bins: int = Field(default=1024, ge=2**DEPTH, multiple_of=2**DEPTH)
    channels: int = Field(default=2, ge=1, le=8)
    filters: int = Field(default=16, ge=1)
    activation: Literal["relu", "elu"] = "relu"
    output: Literal["sigmoid", "softmax"] = "sigmoid"
    dropout: float = Field(default=0.5, ge=0, lt=1)
    slope: float = Field(default=0.0, ge=0, lt=1)
    frozen: bool = True
    above: Literal["mean", "zero"] = "mean"

    def __post_init__(self) -> None:
        if self.bins > self.fft_length // 2 + 1:
            raise ValueError(f"bins is {self.bins}; an STFT of {self.fft_length} has {self.fft_length // 2 + 1}")


def form(settings: Settings) -> Form:
    """The lowest `bins` of the STFT, `frames` at once."""
    sizes = (settings.fft_length, settings.bins, settings.frames, settings.channels)
    return Form("spectrum", *sizes, above=settings.above)


def build(settings: Settings, sources: Sequence[str]) -> "keras.Model":
    """The network: magnitudes (batch, bins, frames, channels) -> masks with an axis of sources."""
    import keras
    from keras import layers, ops

    entrance = keras.Input((settings.bins, settings.frames, settings.channels), name="mixture")
    # Spleeter has frames before bins; its kernels are not symmetric.
    x = layers.Permute((2, 1, 3))(entrance)
    last = [_unet(settings, x, f"unet{number}") for number in range(len(sources))]
    masks = ops.transpose(ops.stack(last, axis=-1), (0, 2, 1, 3, 4))
    masks = ops.softmax(masks) if settings.output == "softmax" else ops.sigmoid(masks)
    if len(sources) > 1:
        # What bfloat16 would lose in squares and in their sum is kept.
        squares = (ops.cast(masks, "float32") * ops.expand_dims(ops.cast(entrance, "float32"), -1)) ** 2
        masks = (squares + TINY / len(sources)) / (ops.sum(squares, -1, keepdims=True) + TINY)
    return keras.Model({"mixture": entrance}, masks, name="spleeter")


def _unet(settings: Settings, x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    """One source's mask (batch, frames, bins, channels), before its sigmoid. Its layers' names begin with `name`."""
    from keras import layers

    elu = settings.activation == "elu"

    normalisation = _frozen_normalisation() if settings.frozen else layers.BatchNormalization

    def normalised(x: "keras.KerasTensor", layer: str) -> "keras.KerasTensor":
        return normalisation(epsilon=EPSILON, name=f"{name}_{layer}_normalisation")(x)

    skips = []
    for level in range(DEPTH):
        layer = layers.Conv2D(settings.filters * 2**level, 5, 2, padding="same", name=f"{name}_down{level}")
        skips.append(layer(x))
        if level < DEPTH - 1:
            x = normalised(skips[-1], f"down{level}")
            x = layers.Activation("elu")(x) if elu else layers.LeakyReLU(negative_slope=SLOPE)(x)
    # Spleeter also makes a normalisation of the lowest level, which leads nowhere: the plain convolution goes on.
    x = skips.pop()
    for level in reversed(range(DEPTH)):
        filters = settings.filters * 2 ** (level - 1) if level else 1
        x = layers.Conv2DTranspose(filters, 5, 2, padding="same", name=f"{name}_up{level}")(x)
        slope = 0.0 if level else settings.slope
        x = layers.Activation("elu")(x) if elu else layers.ReLU(negative_slope=slope)(x)
        x = normalised(x, f"up{level}")
        if level >= DEPTH - 3:
            x = layers.Dropout(settings.dropout)(x)
        if level:
            x = layers.Concatenate()([skips.pop(), x])
    return layers.Conv2D(settings.channels, 4, dilation_rate=2, padding="same", name=f"{name}_mask")(x)


@functools.cache
def _frozen_normalisation() -> "type[keras.layers.BatchNormalization]":
    """The class of normalisations that use their moving statistics in training too, and leave them as they are.

    To call a layer with `training=False` is not enough: a model that trains passes its own `training` to every layer.
    """
    from keras import layers

    # Under the same name, so that weights are stored alike.
    class BatchNormalization(layers.BatchNormalization):
        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            return super().call(inputs, training=False, mask=mask)

    return BatchNormalization
