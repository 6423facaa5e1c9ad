"""A network of waveforms, as small as it can be."""

from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form


@dataclass(frozen=True, config=STRICT)
class Settings:
    length: int = 2000
    channels: int = 2
    filters: int = 4


def form(settings):
    return Form("waveform", 0, 0, settings.length, settings.channels)


def build(settings, sources):
    import keras
    from keras import layers

    entrance = keras.Input((settings.length, settings.channels), name="mixture")
    x = layers.Conv1D(settings.filters, 9, padding="same", activation="tanh")(entrance)
    x = layers.Conv1D(settings.channels * len(sources), 9, padding="same")(x)
    return keras.Model({"mixture": entrance}, layers.Reshape((settings.length, settings.channels, len(sources)))(x))
