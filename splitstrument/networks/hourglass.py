"""Stacked Hourglass with one module, as in the 2021 thesis (section 5; Park et al. 2018).

Five convolutions lead into one recursive module. It halves frequency and time `depth` times, doubles them again, and
has a skip convolution at every level. Two more convolutions and a linear 1x1 convolution give the mask, which is
clipped to 0..1 when used. The DC row is cropped and restored as zeros. Every convolution has a bias and a ReLU, then
batch normalisation and dropout. Each window is first divided by its maximum, as in the thesis, so its level does not
matter.

Layers are made and named in the order in which Keras 2.4 made them for the thesis, so its published weights can be
loaded by name. `normalise: false` leaves out the batch normalisation, as in the thesis's first runs.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The settings of a Stacked Hourglass. The defaults are the thesis's final network."""

    fft_length: int = Field(default=1536, ge=16)
    frames: int = Field(default=64, ge=2)
    channels: int = Field(default=1, ge=1, le=8)
    depth: int = Field(default=6, ge=1, le=10)
    filters: int = Field(default=192, ge=1)
    initial_filters: int = Field(default=128, ge=2)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    normalise: bool = True

    def __post_init__(self) -> None:
        step = 2**self.depth
        for name, value in (("fft_length / 2", self.fft_length // 2), ("frames", self.frames)):
            if value % step:
                raise ValueError(f"{name} is {value} and must be a multiple of 2 ** depth = {step}")


class _Layers:
    """Makes layers with the names that Keras 2.4 gave by counting: conv2d, conv2d_1, ..."""

    def __init__(self, dropout: float, normalise: bool) -> None:
        self.counts: dict[str, int] = {}
        self.dropout, self.normalise = dropout, normalise

    def __call__(self, kind: Any, base: str, *arguments: Any, **options: Any) -> Any:
        count = self.counts.get(base, 0)
        self.counts[base] = count + 1
        return kind(*arguments, name=f"{base}_{count}" if count else base, **options)

    def convolution(self, x: Any, filters: int, size: int, normalise: bool = True) -> Any:
        """Convolution with ReLU, batch normalisation (if `normalise`) and dropout."""
        from keras import layers

        x = self(layers.Conv2D, "conv2d", filters, size, padding="same", activation="relu")(x)
        if normalise and self.normalise:
            x = self(layers.BatchNormalization, "batch_normalization")(x)
        return self(layers.Dropout, "dropout", self.dropout)(x)

    def module(self, x: Any, depth: int, filters: int) -> Any:
        """One level of the hourglass: the sum of a skip connection and of pooling, the next level and upsampling."""
        from keras import layers

        skip = self.convolution(x, filters, 3)
        x = self(layers.MaxPooling2D, "max_pooling2d", 2)(x)
        x = self.convolution(x, filters, 3)
        x = self.module(x, depth - 1, filters) if depth > 1 else self.convolution(x, filters, 3)
        x = self.convolution(x, filters, 3)
        x = self(layers.UpSampling2D, "up_sampling2d", 2)(x)
        return self(layers.Add, "add")([skip, x])


def form(settings: Settings) -> Form:
    """All bins of the STFT, `frames` at a time."""
    bins = settings.fft_length // 2 + 1
    return Form("spectrum", settings.fft_length, bins, settings.frames, settings.channels)


def build(settings: Settings, sources: Sequence[str]) -> "keras.Model":
    """The network: magnitudes (batch, bins, frames, channels) -> masks with an axis of sources, not yet clipped."""
    import keras
    from keras import layers, ops

    shape = (settings.fft_length // 2 + 1, settings.frames, settings.channels)
    outputs = settings.channels * len(sources)
    make = _Layers(settings.dropout, settings.normalise)
    entrance = keras.Input(shape, name="mixture")
    x = entrance / ops.maximum(ops.max(entrance, (1, 2, 3), keepdims=True), 1e-8)
    x = layers.Cropping2D(((1, 0), (0, 0)), name="cropping2d")(x)
    x = make.convolution(x, settings.initial_filters // 2, 7)
    for _ in range(3):
        x = make.convolution(x, settings.initial_filters, 3)
    x = make.convolution(x, 2 * settings.initial_filters, 3)
    x = make.module(x, settings.depth, settings.filters)
    x = make.convolution(x, 2 * settings.initial_filters, 3)
    x = make.convolution(x, 2 * settings.initial_filters, 1, normalise=False)
    x = make(layers.Conv2D, "conv2d", outputs, 1, padding="same")(x)
    x = layers.ZeroPadding2D(((1, 0), (0, 0)), name="zero_padding2d")(x)
    masks = layers.Reshape((*shape, len(sources)), name="masks")(x)
    return keras.Model({"mixture": entrance}, masks, name="hourglass")
