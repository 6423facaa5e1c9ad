"""Spleeter's U-Nets, one for each source (Hennequin, Khlif, Voituret and Moussallam 2020; Jansson et al. 2017).

Six 5x5 convolutions with stride 2 lead down and six transposed convolutions lead back up. The output of each level's
convolution, before its normalisation, is concatenated with what comes up from below. A last convolution gives the
source's mask. The estimate of a source is its mask times the mixture. With several sources, the returned masks are the
squared estimates divided by their sum, so they add up to one. With one source, its mask is returned unchanged.

With `example_frames` the network takes out what sounds like an example: convolutions of their own read it, and what
they know scales and shifts the features of every level (`layers.conditioning`). This is ours, after Meseguer-Brocal and
Peeters (2019), who condition the same U-Net on an instrument's name.

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
from splitstrument.layers.compression import compressed
from splitstrument.layers.conditioning import conditioned

if TYPE_CHECKING:
    import keras

DEPTH = 6  # of Spleeter
SLOPE = 0.2  # of Spleeter's LeakyReLU
KNOWLEDGE, BANDS = 256, 8  # features that are known of an example; bands of frequency that they are made of
EPSILON = 1e-3  # of its normalisations
TINY = 1e-10  # as in Spleeter: added to the sum of squares, in equal shares


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The settings of the U-Nets. The defaults are those of Spleeter's 2stems.

    `activation`: "relu" is LeakyReLU(0.2) on the way down and ReLU on the way up, "elu" (4stems, 5stems) is ELU both
    ways. `output`: "sigmoid", or "softmax" over the sources (5stems). `slope`: the slope of the last ReLU below 0.
    That ReLU has one channel; if all its inputs were negative, a slope of 0 would stop the training. `level`: each
    window is scaled to this root mean square of its magnitudes (0: not scaled, as in Spleeter; music at -17 dBFS has
    about 8 with 4096 samples and 1024 bins). `above`: how masks continue above the bins. `depth`: the number of levels.
    `example_frames`: the length of the example (0: there is none).
    """

    fft_length: int = Field(default=4096, ge=256, multiple_of=4)
    frames: int = Field(default=512, ge=2)
    example_frames: int = Field(default=0, ge=0)
    bins: int = Field(default=1024, ge=2)
    channels: int = Field(default=2, ge=1, le=8)
    depth: int = Field(default=DEPTH, ge=1, le=10)
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
        step = 2**self.depth
        for name, value in (("bins", self.bins), ("frames", self.frames), ("example_frames", self.example_frames)):
            if value % step:
                raise ValueError(f"{name} is {value} and must be a multiple of 2 ** depth = {step}")


def form(settings: Settings) -> Form:
    """The lowest `bins` of the STFT, `frames` at a time."""
    sizes = (settings.fft_length, settings.bins, settings.frames, settings.channels)
    return Form("spectrum", *sizes, example=settings.example_frames, above=settings.above)


def build(settings: Settings, sources: Sequence[str]) -> "keras.Model":
    """The network: magnitudes (batch, bins, frames, channels) -> masks with an axis of sources."""
    import keras
    from keras import ops

    inputs = {
        name: keras.Input((settings.bins, frames, settings.channels), name=name)
        for name, frames in (("mixture", settings.frames), ("example", settings.example_frames))
        if frames
    }
    mixture = _levelled(inputs["mixture"], settings.level) if settings.level else inputs["mixture"]
    # Spleeter has frames before bins; its kernels are not symmetric.
    x = ops.transpose(mixture, (0, 2, 1, 3))
    last = [_UNet(settings, f"unet{number}").mask(x, inputs.get("example")) for number in range(len(sources))]
    masks = ops.transpose(ops.stack(last, axis=-1), (0, 2, 1, 3, 4))
    masks = ops.softmax(masks) if settings.output == "softmax" else ops.sigmoid(masks)
    if len(sources) > 1:
        # In float32, since bfloat16 would lose precision in the squares and in their sum.
        squares = (ops.cast(masks, "float32") * ops.expand_dims(ops.cast(inputs["mixture"], "float32"), -1)) ** 2
        masks = (squares + TINY / len(sources)) / (ops.sum(squares, -1, keepdims=True) + TINY)
    return keras.Model(inputs, masks, name="spleeter")


def _levelled(x: "keras.KerasTensor", level: float) -> "keras.KerasTensor":
    """Magnitudes whose root mean square is `level` in each window; silence stays silent."""
    from keras import ops

    # Scaled by the maximum first, since the squares of very quiet magnitudes would lose precision.
    x = x / (ops.max(x, axis=(1, 2, 3), keepdims=True) + TINY)
    return x * (level / ops.sqrt(ops.mean(x * x, axis=(1, 2, 3), keepdims=True) + TINY))


class _UNet:
    """One source's U-Net. The names of its layers begin with `name`."""

    def __init__(self, settings: Settings, name: str) -> None:
        from keras import layers

        self.settings, self.name = settings, name
        self.elu = settings.activation == "elu"
        self.normalisation = _frozen_normalisation() if settings.frozen else layers.BatchNormalization
        self.knowledge: Any = None

    def mask(self, x: Any, example: Any = None) -> Any:
        """The mask before its sigmoid, for the mixture `x`, both (batch, frames, bins, channels)."""
        from keras import layers

        settings, depth = self.settings, self.settings.depth
        if example is not None:
            self.knowledge = self._read(example)
        *skips, x = self._down(x)
        for level in reversed(range(depth)):
            filters = settings.filters * 2 ** (level - 1) if level else 1
            x = layers.Conv2DTranspose(filters, 5, 2, padding="same", name=f"{self.name}_up{level}")(x)
            slope = 0.0 if level else settings.slope
            x = layers.Activation("elu")(x) if self.elu else layers.ReLU(negative_slope=slope)(x)
            x = self._normalised(x, f"up{level}")
            if level >= depth - 3:
                x = layers.Dropout(settings.dropout)(x)
            if level:
                x = layers.Concatenate()([skips.pop(), x])
        return layers.Conv2D(settings.channels, 4, dilation_rate=2, padding="same", name=f"{self.name}_mask")(x)

    def _down(self, x: Any) -> list:
        """The output of each level's convolution on the way down."""
        from keras import layers

        outputs = []
        for level in range(self.settings.depth):
            filters = self.settings.filters * 2**level
            outputs.append(layers.Conv2D(filters, 5, 2, padding="same", name=f"{self.name}_down{level}")(x))
            # Spleeter normalises the lowest level too, but passes the plain convolution on.
            if level < self.settings.depth - 1:
                x = self._normalised(outputs[-1], f"down{level}")
                x = layers.Activation("elu")(x) if self.elu else layers.LeakyReLU(negative_slope=SLOPE)(x)
        return outputs

    def _normalised(self, x: Any, layer: str) -> Any:
        x = self.normalisation(epsilon=EPSILON, name=f"{self.name}_{layer}_normalisation")(x)
        return x if self.knowledge is None else conditioned(x, self.knowledge, f"{self.name}_{layer}")

    def _read(self, example: Any) -> Any:
        """What is known of an example, (batch, bins, frames, channels): a way down of its own, and its mean in bands.

        Magnitudes are compressed, since overtones that tell instruments apart are far weaker than the fundamentals.
        """
        from keras import layers, ops

        x = ops.transpose(compressed(example), (0, 2, 1, 3))
        for level in range(self.settings.depth):
            filters = self.settings.filters * 2**level
            x = layers.Conv2D(filters, 3, 2, padding="same", use_bias=False, name=f"{self.name}_example{level}")(x)
            x = layers.ReLU()(layers.BatchNormalization(name=f"{self.name}_example{level}_normalisation")(x))
        bands = layers.AveragePooling2D((x.shape[1], max(1, x.shape[2] // BANDS)))(x)
        features = layers.Concatenate()([layers.Flatten()(bands), layers.GlobalMaxPooling2D()(x)])
        return layers.Dense(KNOWLEDGE, activation="relu", name=f"{self.name}_knowledge")(features)


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
