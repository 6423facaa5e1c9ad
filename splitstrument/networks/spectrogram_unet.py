"""Spectrogram-channels U-Net: one U-Net whose output channels are the sources, of any depth (Oh, Kim and Yun 2018).

Strided convolutions halve frequency and time `depth` times, transposed convolutions double them again, and the output
of each level is concatenated with what comes up from below (Jansson et al. 2017). With `depth` as the only difference,
this is the network for the question of how shallow a U-Net can be.

What differs from the paper: its channels are the magnitudes of the sources, here they are the sources' shares of the
mixture's magnitude, as masks of 0..1. So no source gets louder than the mixture, silence stays silent, and a song is
masked in the STFT of its own sample rate. Magnitudes are compressed and divided by their mean, so the level of a song
does not matter. The loss is chosen by the run; the paper weights the sources by their volume. The paper has windows of
2 s at 44.1 kHz, with an STFT of 2048 samples and a hop of 512, as here by default.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form
from splitstrument.layers.compression import compressed

if TYPE_CHECKING:
    import keras

SLOPE = 0.2  # of LeakyReLU, as in Jansson et al.


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The settings of the network. The number of filters doubles at each level, up to `most_filters`.

    `kernel`: the size of all convolutions in both directions. `dropout`: in the three lowest levels on the way up.
    """

    fft_length: int = Field(default=2048, ge=16, multiple_of=4)
    frames: int = Field(default=128, ge=2)
    channels: int = Field(default=1, ge=1, le=8)
    depth: int = Field(default=6, ge=1, le=10)
    filters: int = Field(default=16, ge=1)
    most_filters: int = Field(default=512, ge=1)
    kernel: int = Field(default=5, ge=2, le=31)
    dropout: float = Field(default=0.0, ge=0, lt=1)

    def __post_init__(self) -> None:
        step = 2**self.depth
        for name, value in (("fft_length / 2", self.fft_length // 2), ("frames", self.frames)):
            if value % step:
                raise ValueError(f"{name} is {value} and must be a multiple of 2 ** depth = {step}")


def form(settings: Settings) -> Form:
    """All bins of the STFT, `frames` at a time."""
    bins = settings.fft_length // 2 + 1
    return Form("spectrum", settings.fft_length, bins, settings.frames, settings.channels)


def build(settings: Settings, sources: Sequence[str]) -> "keras.Model":
    """The network: magnitudes (batch, bins, frames, channels) -> masks of 0..1 with an axis of sources."""
    import keras
    from keras import layers, ops

    shape = (settings.fft_length // 2, settings.frames, settings.channels)
    size, outputs = settings.kernel, settings.channels * len(sources)
    entrance = keras.Input((shape[0] + 1, *shape[1:]), name="mixture")
    x = compressed(entrance)
    widths = [min(settings.filters * 2**level, settings.most_filters) for level in range(settings.depth)]
    skips = []
    for width in widths:
        x = layers.Conv2D(width, size, 2, padding="same", use_bias=False)(x)
        x = layers.LeakyReLU(negative_slope=SLOPE)(layers.BatchNormalization()(x))
        skips.append(x)
    skips.pop()
    for number, width in enumerate(reversed(widths[:-1])):
        x = layers.Conv2DTranspose(width, size, 2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        if number < 3:
            x = layers.Dropout(settings.dropout)(x)
        x = layers.Concatenate()([x, skips.pop()])
    x = layers.Conv2DTranspose(outputs, size, 2, padding="same", activation="sigmoid")(x)
    masks = ops.reshape(x, (-1, *shape, len(sources)))
    # The DC row, which cannot be halved with the others, gets the mask of the row above.
    return keras.Model({"mixture": entrance}, ops.concatenate([masks[:, :1], masks], 1), name="spectrogram_unet")
