"""Open-Unmix, a BLSTM for each source (Stöter, Uhlich, Liutkus and Mitsufuji 2019; Uhlich et al. 2017).

The lower bins of a frame, shifted and scaled, are encoded by a dense layer with batch normalisation and tanh. Three
bidirectional LSTM layers follow, past which the code is also led. Two dense layers with batch normalisation, a scale
and an offset for each bin and a ReLU give the source's mask for all bins, also for those that the network does not
see. Masks may be above one, and those of several sources do not add up to one: the multichannel Wiener filter
(splitstrument.wiener) makes estimates of them that do.

The original takes a whole song at once. Here a network takes `frames` of it, and the windows overlap. Like Spleeter,
the network gets the magnitudes of the STFT unscaled, so it is sensitive to the level of a song.
"""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form

if TYPE_CHECKING:
    import keras

EPSILON = 1e-5  # of the normalisations
MOMENTUM = 0.9  # of their moving statistics
DROPOUT = 0.4  # between LSTM layers


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The settings of the networks. The defaults are those of umx and umxhq, which see 16 kHz of 44.1 kHz.

    `frames`: 256 are 5.9 s; the original learns from excerpts of 6 s, and its Wiener filter takes 300 frames. `seen`:
    the number of bins that the network sees, the lowest ones. `hidden`: the size of the code; a direction of the
    LSTM layers has half of it. `unidirectional`: the layers only look back, with the whole size. `wiener`: iterations
    of the multichannel Wiener filter; with 0, masks are limited to one and multiplied with the song.
    """

    fft_length: int = Field(default=4096, ge=64, multiple_of=4)
    frames: int = Field(default=256, ge=2)
    seen: int = Field(default=1487, ge=1)
    channels: int = Field(default=2, ge=1, le=8)
    hidden: int = Field(default=512, ge=2, multiple_of=2)
    layers: int = Field(default=3, ge=1)
    unidirectional: bool = False
    wiener: int = Field(default=1, ge=0, le=20)

    def __post_init__(self) -> None:
        if self.seen > self.bins:
            raise ValueError(f"seen is {self.seen}; an STFT of {self.fft_length} has {self.bins} bins")

    @property
    def bins(self) -> int:
        """The number of bins of the STFT; all of them have a mask."""
        return self.fft_length // 2 + 1


def form(settings: Settings) -> Form:
    """All bins of the STFT, `frames` at a time."""
    sizes = (settings.fft_length, settings.bins, settings.frames, settings.channels)
    return Form("spectrum", *sizes, to_nyquist=True, wiener=settings.wiener)


def build(settings: Settings, sources: Sequence[str]) -> "keras.Model":
    """The network: magnitudes (batch, bins, frames, channels) -> masks with an axis of sources."""
    import keras
    from keras import ops

    entrance = keras.Input((settings.bins, settings.frames, settings.channels), name="mixture")
    x = ops.transpose(entrance, (0, 2, 3, 1))  # a frame's channels one after the other, as in the original
    masks = [_mask(settings, x, f"blstm{number}") for number in range(len(sources))]
    return keras.Model({"mixture": entrance}, ops.transpose(ops.stack(masks, -1), (0, 3, 1, 2, 4)), name="open_unmix")


def _mask(settings: Settings, x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    """One source's mask (batch, frames, channels, bins). Its layers' names begin with `name`."""
    from keras import layers, ops

    frames, channels, hidden = settings.frames, settings.channels, settings.hidden
    scaling = _scaling()

    def dense(x: "keras.KerasTensor", units: int, place: str) -> "keras.KerasTensor":
        x = layers.Dense(units, use_bias=False, name=f"{name}_{place}")(x)
        normalisation = layers.BatchNormalization(
            momentum=MOMENTUM, epsilon=EPSILON, name=f"{name}_{place}_normalisation"
        )
        return normalisation(x)

    x = scaling(offset_first=True, name=f"{name}_input")(x[..., : settings.seen])
    x = dense(layers.Reshape((frames, channels * settings.seen))(x), hidden, "encoder")
    x = code = ops.tanh(x)
    for level in range(settings.layers):
        x = layers.Dropout(DROPOUT)(x) if level else x
        if settings.unidirectional:
            x = layers.LSTM(hidden, return_sequences=True, name=f"{name}_lstm{level}")(x)
        else:
            layer = layers.LSTM(hidden // 2, return_sequences=True)
            x = layers.Bidirectional(layer, name=f"{name}_lstm{level}")(x)
    x = ops.relu(dense(layers.Concatenate()([code, x]), hidden, "middle"))
    x = layers.Reshape((frames, channels, settings.bins))(dense(x, channels * settings.bins, "decoder"))
    return ops.relu(scaling(offset_first=False, name=f"{name}_output")(x))


@functools.cache
def _scaling() -> "type[keras.layers.Layer]":
    """A layer class with a learned scale and offset for each bin."""
    from keras import layers

    class Scaling(layers.Layer):
        """(x + offset) * scale, or x * scale + offset; the offsets begin with 0 and 1, as in the original."""

        def __init__(self, offset_first: bool, **options: Any) -> None:
            super().__init__(**options)
            self.offset_first = offset_first

        def build(self, shape: tuple[int, ...]) -> None:
            self.scale = self.add_weight((shape[-1],), "ones", name="scale")
            start = "zeros" if self.offset_first else "ones"
            self.offset = self.add_weight((shape[-1],), start, name="offset")

        def call(self, x: Any) -> Any:
            return (x + self.offset) * self.scale if self.offset_first else x * self.scale + self.offset

    return Scaling
