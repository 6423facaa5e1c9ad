"""A network for tests with what others may have: a recurrent layer, attention and transposed convolutions."""

from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form


@dataclass(frozen=True, config=STRICT)
class Settings:
    fft_length: int = 64
    frames: int = 16
    channels: int = 2
    units: int = 8


def form(settings):
    return Form("spectrum", settings.fft_length, settings.fft_length // 2 + 1, settings.frames, settings.channels)


def build(settings, sources):
    import keras
    from keras import layers, ops

    bins = settings.fft_length // 2 + 1
    entrance = keras.Input((bins, settings.frames, settings.channels), name="mixture")
    x = layers.Permute((2, 1, 3))(entrance)
    x = layers.Reshape((settings.frames, bins * settings.channels))(x)
    x = layers.Bidirectional(layers.LSTM(settings.units, return_sequences=True))(x)
    x = x + layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.LayerNormalization()(x)
    x = layers.Conv1D(2 * settings.units, 3, strides=2, padding="same", activation="gelu")(x)
    x = layers.GroupNormalization(2)(x)
    x = layers.Conv1DTranspose(settings.units, 4, strides=2, padding="same")(x)
    x = layers.Dense(bins * settings.channels * len(sources), activation="sigmoid")(x)
    x = layers.Reshape((settings.frames, bins, settings.channels, len(sources)))(x)
    masks = ops.transpose(x, (0, 2, 1, 3, 4))
    return keras.Model({"mixture": entrance}, masks, name="tiny_recurrent")
