"""Spleeter's U-Nets, one for each source (Hennequin, Khlif, Voituret and Moussallam 2020; Jansson et al. 2017).

Six 5x5 convolutions with stride 2 lead down and six transposed convolutions lead back up. The output of each level's
convolution, before its normalisation, is concatenated with what comes up from below. A last convolution gives the
source's mask. The estimate of a source is its mask times the mixture. With several sources, the returned masks are the
squared estimates divided by their sum, so they add up to one. With one source, its mask is returned unchanged.

Deezer's normalisations have a mean of 0 and a variance of 1, which training never updated, so they are a learned scale
and offset. `frozen` keeps them that way in training too; otherwise nothing is learned from Deezer's weights. Spleeter
gets magnitudes unscaled, so its masks depend on the level of a song. The option `level` makes them independent of it.
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
TINY = 1e-10  # as in Spleeter: added to the sum of squares, in equal shares


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The settings of the U-Nets. The defaults are those of Spleeter's 2stems.

    `activation`: "relu" is LeakyReLU(0.2) on the way down and ReLU on the way up, "elu" (4stems, 5stems) is ELU both
    ways. `output`: "sigmoid", or "softmax" over the sources (5stems). `slope`: the slope of the last ReLU below 0.
    That ReLU has one channel; if all its inputs were negative, a slope of 0 would stop the training. `level`: each
    window is scaled to this root mean square of its magnitudes (0: not scaled, as in Spleeter; music at -17 dBFS has
    about 8 with 4096 samples and 1024 bins). `above`: how masks continue above the bins.
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
    level: float = Field(default=0.0, ge=0)
    frozen: bool = True
    above: Literal["mean", "zero"] = "mean"

    def __post_init__(self) -> None:
        if self.bins > self.fft_length // 2 + 1:
            raise ValueError(f"bins is {self.bins}; an STFT of {self.fft_length} has {self.fft_length // 2 + 1}")


def form(settings: Settings) -> Form:
    """The lowest `bins` of the STFT, `frames` at a time."""
    sizes = (settings.fft_length, settings.bins, settings.frames, settings.channels)
    return Form("spectrum", *sizes, above=settings.above)


def build(settings: Settings, sources: Sequence[str]) -> "keras.Model":
    """The network: magnitudes (batch, bins, frames, channels) -> masks with an axis of sources."""
    import keras
    from keras import layers, ops

    entrance = keras.Input((settings.bins, settings.frames, settings.channels), name="mixture")
    x = _levelled(entrance, settings.level) if settings.level else entrance
    # Spleeter has frames before bins; its kernels are not symmetric.
    x = layers.Permute((2, 1, 3))(x)
    last = [_unet(settings, x, f"unet{number}") for number in range(len(sources))]
    masks = ops.transpose(ops.stack(last, axis=-1), (0, 2, 1, 3, 4))
    masks = ops.softmax(masks) if settings.output == "softmax" else ops.sigmoid(masks)
    if len(sources) > 1:
        # In float32, since bfloat16 would lose precision in the squares and in their sum.
        squares = (ops.cast(masks, "float32") * ops.expand_dims(ops.cast(entrance, "float32"), -1)) ** 2
        masks = (squares + TINY / len(sources)) / (ops.sum(squares, -1, keepdims=True) + TINY)
    return keras.Model({"mixture": entrance}, masks, name="spleeter")


def _levelled(x: "keras.KerasTensor", level: float) -> "keras.KerasTensor":
    """Magnitudes whose root mean square is `level` in each window; silence stays silent."""
    from keras import ops

    # Scaled by the maximum first, since the squares of very quiet magnitudes would lose precision.
    x = x / (ops.max(x, axis=(1, 2, 3), keepdims=True) + TINY)
    return x * (level / ops.sqrt(ops.mean(x * x, axis=(1, 2, 3), keepdims=True) + TINY))


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
    # Spleeter also normalises the lowest level, but does not use the result: the plain convolution is passed on.
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
    """A normalisation class that uses its moving statistics in training too, and does not change them.

    Calling a layer with `training=False` is not enough: during training a model passes its own `training` to every
    layer.
    """
    from keras import layers

    # The name is the same, so the weights are stored in the same way.
    class BatchNormalization(layers.BatchNormalization):
        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            return super().call(inputs, training=False, mask=mask)

    return BatchNormalization
