"""A network of spectra that is given an example of what it takes out, as small as it can be."""

from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form


@dataclass(frozen=True, config=STRICT)
class Settings:
    fft_length: int = 256
    frames: int = 16
    channels: int = 2
    example: int = 12


def form(settings):
    bins = settings.fft_length // 2 + 1
    return Form("spectrum", settings.fft_length, bins, settings.frames, settings.channels, example=settings.example)


def build(settings, sources):
    import keras
    from keras import layers, ops

    bins = settings.fft_length // 2 + 1
    mixture = keras.Input((bins, settings.frames, settings.channels), name="mixture")
    example = keras.Input((bins, settings.example, settings.channels), name="example")
    outputs = settings.channels * len(sources)
    like = layers.Dense(outputs)(ops.mean(ops.log(example + 1e-3), (1, 2), keepdims=True))
    x = layers.Conv2D(outputs, 3, padding="same")(ops.log(mixture + 1e-3))
    shape = (bins, settings.frames, settings.channels, len(sources))
    masks = ops.sigmoid(layers.Reshape(shape)(x + like))
    return keras.Model({"mixture": mixture, "example": example}, masks)
