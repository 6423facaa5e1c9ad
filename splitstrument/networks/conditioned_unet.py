"""Conditioned U-Net: takes out of a mixture what sounds like an example.

After the poster "The extraction of musical instruments from bachata songs using semantic segmentation for audio source
separation" (Illes): a U-Net five levels deep with square kernels gets the spectrogram of the mixture and that of the
wanted instrument playing something else, and returns the instrument's spectrogram. The poster does not say how the
network takes in the example. Here a second encoder of the same size reads it, and its features, averaged over time and
frequency, scale and shift those of the mixture at every level (FiLM, Perez et al. 2018, as in the conditioned U-Net of
Meseguer-Brocal and Peeters 2019). So it does not matter when or at which pitch the example plays.

The output is a mask of 0..1 for the mixture's magnitudes. Magnitudes are compressed and divided by their mean, so the
levels of song and example do not matter.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form
from splitstrument.layers.compression import compressed
from splitstrument.layers.conditioning import conditioned

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The settings of the network. The number of filters doubles at each level, up to `most_filters`.

    `kernel`: the size of all convolutions in both directions. `example_frames`: the length of the example.
    """

    fft_length: int = Field(default=2048, ge=16, multiple_of=4)
    frames: int = Field(default=128, ge=2)
    example_frames: int = Field(default=128, ge=2)
    channels: int = Field(default=1, ge=1, le=8)
    depth: int = Field(default=5, ge=1, le=10)
    filters: int = Field(default=16, ge=1)
    most_filters: int = Field(default=256, ge=1)
    kernel: int = Field(default=3, ge=1, le=31)
    dropout: float = Field(default=0.0, ge=0, lt=1)

    def __post_init__(self) -> None:
        step = 2**self.depth
        sizes = (
            ("fft_length / 2", self.fft_length // 2),
            ("frames", self.frames),
            ("example_frames", self.example_frames),
        )
        for name, value in sizes:
            if value % step:
                raise ValueError(f"{name} is {value} and must be a multiple of 2 ** depth = {step}")


def form(settings: Settings) -> Form:
    """All bins of the STFT, `frames` of the mixture and `example_frames` of the example at a time."""
    bins = settings.fft_length // 2 + 1
    window, channels = settings.fft_length, settings.channels
    return Form("spectrum", window, bins, settings.frames, channels, example=settings.example_frames)


def build(settings: Settings, sources: Sequence[str]) -> "keras.Model":
    """The network: magnitudes of mixture and example, (batch, bins, frames, channels) each -> masks for each source."""
    import keras
    from keras import layers, ops

    bins, channels = settings.fft_length // 2, settings.channels
    mixture = keras.Input((bins + 1, settings.frames, channels), name="mixture")
    example = keras.Input((bins + 1, settings.example_frames, channels), name="example")
    widths = [min(settings.filters * 2**level, settings.most_filters) for level in range(settings.depth)]

    wanted = []
    x = compressed(example)
    for width in widths:
        x = layers.MaxPooling2D(2)(_convolved(x, width, settings))
        wanted.append(layers.GlobalAveragePooling2D()(x))
    # Every level is told what the whole encoder of the example knows.
    knowledge = layers.Dense(2 * widths[-1], activation="relu")(layers.Concatenate()(wanted))

    x, skips = compressed(mixture), []
    for width in widths:
        x = _convolved(x, width, settings, knowledge)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = _convolved(x, widths[-1], settings, knowledge)
    x = layers.Dropout(settings.dropout)(x)
    for width in reversed(widths):
        x = layers.Conv2DTranspose(width, 2, 2)(x)
        x = layers.Concatenate()([x, skips.pop()])
        x = _convolved(x, width, settings, knowledge)
    x = layers.Conv2D(channels * len(sources), 1, activation="sigmoid")(x)
    masks = ops.reshape(x, (-1, bins, settings.frames, channels, len(sources)))
    # The DC row, which cannot be halved with the others, gets the mask of the row above.
    masks = ops.concatenate([masks[:, :1], masks], 1)
    return keras.Model({"mixture": mixture, "example": example}, masks, name="conditioned_unet")


def _convolved(x: Any, width: int, settings: Settings, knowledge: Any = None) -> Any:
    """Convolution, normalisation and ReLU; what is known of the example conditions the features before it."""
    from keras import layers

    x = layers.BatchNormalization()(layers.Conv2D(width, settings.kernel, padding="same", use_bias=False)(x))
    return layers.ReLU()(x if knowledge is None else conditioned(x, knowledge))
