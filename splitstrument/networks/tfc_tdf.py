"""Compact U-Net of time-frequency convolutions and dense layers over frequency (TFC-TDF; Choi et al. 2020).

Magnitudes are compressed and divided by their mean, so the level does not matter. A patch of a few bins and frames is
one position of the network, which makes it fast. Learned offsets tell each position its frequency. Each level has a
residual block: two 3x3 convolutions, and a bottleneck of dense layers over all frequencies, which sees a note with all
its harmonics at once. A sigmoid gives one mask per channel.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form
from splitstrument.layers.compression import compressed

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The settings of the network: the sizes of the spectrogram, of a patch and of the layers.

    Each level has `growth` more filters than the one above. The number of positions is halved `depth` times in both
    directions.
    """

    fft_length: int = Field(default=2048, ge=64)
    frames: int = Field(default=128, ge=2)
    channels: int = Field(default=2, ge=1, le=8)
    patch_bins: int = Field(default=4, ge=1)
    patch_frames: int = Field(default=2, ge=1)
    depth: int = Field(default=3, ge=1, le=8)
    filters: int = Field(default=32, ge=1)
    growth: int = Field(default=32, ge=0)
    bottleneck: int = Field(default=4, ge=1)

    def __post_init__(self) -> None:
        for name, value, patch in (
            ("fft_length / 2", self.fft_length // 2, self.patch_bins),
            ("frames", self.frames, self.patch_frames),
        ):
            if value % (patch * 2**self.depth):
                raise ValueError(f"{name} is {value} and must be a multiple of {patch} * 2 ** depth")


def _normalised(x: Any) -> Any:
    from keras import layers

    return layers.LeakyReLU(negative_slope=0.1)(layers.BatchNormalization()(x))


def _block(x: Any, filters: int, bottleneck: int) -> Any:
    """Residual block: a projection of x plus two convolutions, then plus dense layers over frequency."""
    from keras import layers

    shortcut = x if x.shape[-1] == filters else layers.Conv2D(filters, 1, use_bias=False)(x)
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(_normalised(x))
    x = layers.Add()([x, shortcut])
    bins = x.shape[2]
    dense = layers.Permute((1, 3, 2))(_normalised(x))
    dense = layers.LeakyReLU(negative_slope=0.1)(layers.Dense(max(bins // bottleneck, 8))(dense))
    dense = layers.Permute((1, 3, 2))(layers.Dense(bins)(dense))
    return layers.Add()([x, dense])


def form(settings: Settings) -> Form:
    """All bins of the STFT, `frames` at a time."""
    bins = settings.fft_length // 2 + 1
    return Form("spectrum", settings.fft_length, bins, settings.frames, settings.channels)


def build(settings: Settings, sources: Sequence[str]) -> "keras.Model":
    """The network: magnitudes (batch, bins, frames, channels) -> masks of 0..1 with an axis of sources."""
    import keras
    from keras import layers, ops

    bins, frames, channels = settings.fft_length // 2, settings.frames, settings.channels
    high, wide = settings.patch_bins, settings.patch_frames
    rows, columns = bins // high, frames // wide
    outputs = channels * len(sources)
    entrance = keras.Input((bins + 1, frames, channels), name="mixture")
    x = compressed(entrance)
    # (bins, frames, channels) -> (columns, rows, channels of a patch)
    x = ops.reshape(x, (-1, rows, high, columns, wide, channels))
    x = ops.transpose(x, (0, 3, 1, 2, 4, 5))
    patches = ops.reshape(x, (-1, columns, rows, high * wide * channels))
    x = layers.Conv2D(settings.filters, 1)(patches)
    # A learned offset for each frequency and filter: a bias over the last two axes.
    x = layers.EinsumDense("btfc,c->btfc", (None, rows, settings.filters), bias_axes="fc")(x)
    widths = [settings.filters + level * settings.growth for level in range(settings.depth + 1)]
    skips = []
    for width, deeper in zip(widths[:-1], widths[1:], strict=True):
        x = _block(x, width, settings.bottleneck)
        skips.append(x)
        x = layers.Conv2D(deeper, 2, 2, use_bias=False)(_normalised(x))
    x = _block(x, widths[-1], settings.bottleneck)
    for width, skip in zip(reversed(widths[:-1]), reversed(skips), strict=True):
        x = layers.Conv2DTranspose(width, 2, 2, use_bias=False)(_normalised(x))
        x = _block(layers.Concatenate()([x, skip]), width, settings.bottleneck)
    x = layers.Concatenate()([_normalised(x), patches])
    x = layers.LeakyReLU(negative_slope=0.1)(layers.Conv2D(2 * settings.filters, 1)(x))
    x = layers.Conv2D(high * wide * outputs, 1)(x)
    x = ops.reshape(x, (-1, columns, rows, high, wide, outputs))
    x = ops.transpose(x, (0, 2, 3, 1, 4, 5))
    x = ops.sigmoid(ops.reshape(x, (-1, bins, frames, channels, len(sources))))
    # The DC row is not part of any patch; it gets the mask of the row above.
    x = ops.concatenate([x[:, :1], x], axis=1)
    return keras.Model({"mixture": entrance}, x, name="tfc_tdf")
