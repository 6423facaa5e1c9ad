"""Enhanced U-Net: residual blocks, instance normalisation and an attention gate (slides of Banerjee and Bodhak 2025).

Three residual blocks lead down, each followed by 2x2 max pooling; three times upsampling and a 3x3 convolution lead
back up, where the output of the block on the same level is added. The skip of the lowest level first passes an additive
attention gate (Oktay et al. 2018, equations 1 and 2). A 1x1 convolution and a sigmoid give one mask per source.

The slides give the widths, the blocks, and 8,967,941 trainable parameters, but not every layer. This network agrees
with all that they say, and has exactly that count for four sources. The rest is our choice:

- The input is the logarithm of the magnitudes, as in the slides, here relative to the window's maximum and down to
  -80 dB, so the level of a song does not matter.
- The STFT, which the slides do not give, has 2048 samples. The slides' 4 s are 3.97 s here, since the number of frames
  is halved three times. For the same reason the DC row is left out; it gets the mask of the row above.
- LeakyReLU also follows the first convolution of the bottleneck and those on the way up.
- Songs are separated in windows that overlap by a sixteenth, or by half (`thorough`), where the slides have a quarter.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form

if TYPE_CHECKING:
    import keras

DEPTH = 3
SLOPE = 0.01  # of LeakyReLU, the default of PyTorch
EPSILON = 1e-5  # of the normalisations, likewise
FLOOR = 1e-4  # of magnitudes relative to the largest one: -80 dB


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The settings of the network. The defaults are those of the slides; `filters` are those of the first level."""

    fft_length: int = Field(default=2048, ge=16, multiple_of=2 ** (DEPTH + 1))
    frames: int = Field(default=168, ge=2**DEPTH, multiple_of=2**DEPTH)
    channels: int = Field(default=1, ge=1, le=8)
    filters: int = Field(default=64, ge=1)


def form(settings: Settings) -> Form:
    """All bins of the STFT, `frames` at a time."""
    bins = settings.fft_length // 2 + 1
    return Form("spectrum", settings.fft_length, bins, settings.frames, settings.channels)


def build(settings: Settings, sources: Sequence[str]) -> "keras.Model":
    """The network: magnitudes (batch, bins, frames, channels) -> masks of 0..1 with an axis of sources."""
    import keras
    from keras import layers, ops

    shape = (settings.fft_length // 2, settings.frames, settings.channels)
    entrance = keras.Input((shape[0] + 1, *shape[1:]), name="mixture")
    loudest = ops.maximum(ops.max(entrance, (1, 2, 3), keepdims=True), 1e-6)
    x = ops.log(ops.maximum(entrance[:, 1:] / loudest, FLOOR))
    widths = [settings.filters * 2**level for level in range(DEPTH)]
    skips = []
    for width in widths:
        skips.append(_residual(x, width))
        x = layers.MaxPooling2D(2)(skips[-1])
    width = settings.filters * 2**DEPTH
    x = _residual(_active(_normalised_convolution(x, width)), width)
    for level in reversed(range(DEPTH)):
        x = layers.UpSampling2D(2)(x)
        x = _active(layers.Conv2D(widths[level], 3, padding="same")(x))
        skip = skips[level]
        x = layers.Add()([x, _attended(skip, x) if level == DEPTH - 1 else skip])
    x = layers.Conv2D(settings.channels * len(sources), 1, activation="sigmoid")(x)
    masks = ops.reshape(x, (-1, *shape, len(sources)))
    return keras.Model({"mixture": entrance}, ops.concatenate([masks[:, :1], masks], 1), name="enhanced_unet")


def _active(x: "keras.KerasTensor") -> "keras.KerasTensor":
    """LeakyReLU; if it is Keras's layer, TensorFlow merges it with a sum before it and then takes a slope of 0.2."""
    from keras import ops

    return ops.maximum(x, SLOPE * x)


def _normalised_convolution(x: "keras.KerasTensor", filters: int) -> "keras.KerasTensor":
    """A 3x3 convolution, then each filter's output with mean 0 and variance 1 over the window, scaled and shifted."""
    from keras import layers

    x = layers.Conv2D(filters, 3, padding="same")(x)
    return layers.GroupNormalization(filters, epsilon=EPSILON)(x)


def _residual(x: "keras.KerasTensor", filters: int) -> "keras.KerasTensor":
    """Two normalised convolutions plus a 1x1 projection of x."""
    from keras import layers

    inner = _normalised_convolution(_active(_normalised_convolution(x, filters)), filters)
    return _active(layers.Add()([inner, layers.Conv2D(filters, 1)(x)]))


def _attended(skip: "keras.KerasTensor", gate: "keras.KerasTensor") -> "keras.KerasTensor":
    """`skip` times a weight of 0..1 for each bin and frame, which depends on `skip` and on `gate`, from below it."""
    from keras import layers

    inner = max(skip.shape[-1] // 2, 1)
    x = layers.ReLU()(layers.Add()([layers.Conv2D(inner, 1)(gate), layers.Conv2D(inner, 1)(skip)]))
    return layers.Multiply()([skip, layers.Conv2D(1, 1, activation="sigmoid")(x)])
