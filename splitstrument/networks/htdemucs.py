"""Hybrid Transformer Demucs: waveform and spectrogram, with a transformer across both (Rouard et al. 2023).

Two U-Nets (Defossez 2021, section 3), one over the samples and one over the bins of the spectrogram, whose complex
numbers are channels. A level of an encoder divides the samples, or the bins, by 4: a convolution, a GELU, residual
branches along time, and a 1x1 convolution with a gate. A level of a decoder adds the skip connection, and does the same
in reverse order. Between encoders and decoders, layers of a transformer attend to their own branch and to the other
(Rouard, Massa and Defossez 2023, section 2.2). The spectrogram branch's output is the complex spectrum of each source;
its inverse STFT and the waveform branch's output add up to the source's wave.

The defaults are those of the published htdemucs, with 41,984,456 parameters for four sources. Each branch is given its
input with mean 0 and standard deviation 1, and its output is scaled back, so the level of a song does not matter.
Layers have the names that their weights have in the authors' files.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form
from splitstrument.layers.exact import EPSILON, gated, gelu, normalised_as_one, scaled

if TYPE_CHECKING:
    import keras

KERNEL, STRIDE = 8, 4  # of the convolutions between levels; at each end they see (8 - 4) / 2 samples more
START = 1e-3  # of the scales of residual branches
Branch = tuple["keras.KerasTensor", ...]  # (its input with mean 0 and deviation 1, the deviation, the mean)


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The settings of the network.

    `length`: the samples of a window, 7.8 s at 44.1 kHz. `filters`: of the first level; each further one has `growth`
    times as many. `depth`: levels. `context`: neighbours on each side that the decoders' gated convolutions see.
    `residual_depth`: dilated convolutions in a level's residual branch, which has 1 / `compression` of its channels.
    `decoder_residuals`: the decoders have residual branches too. `frequency_embedding`: the weight of the vector that
    tells the bins apart; 0: none. `embedding_boost`: see splitstrument.layers.scaling. `bottom`: the transformer's
    size; 0: that of the last level. `layers`: of the transformer, for each branch. `heads`: of its attention.
    `expansion`: of its hidden layers. `dropout`: in the transformer. `bag`: for a bag of several such networks, how
    much each counts for each source; the sources are weighted means. Empty: a single network.
    """

    length: int = Field(default=343980, ge=2)
    channels: int = Field(default=2, ge=1, le=8)
    fft_length: int = Field(default=4096, ge=64, multiple_of=8)
    filters: int = Field(default=48, ge=1)
    growth: int = Field(default=2, ge=1)
    depth: int = Field(default=4, ge=1, le=6)
    context: int = Field(default=1, ge=0)
    residual_depth: int = Field(default=2, ge=0, le=8)
    compression: int = Field(default=8, ge=1)
    decoder_residuals: bool = True
    frequency_embedding: float = Field(default=0.2, ge=0)
    embedding_boost: float = Field(default=10.0, gt=0)
    bottom: int = Field(default=512, ge=0)
    layers: int = Field(default=5, ge=0)
    heads: int = Field(default=8, ge=1)
    expansion: float = Field(default=4.0, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    bag: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        bins, step = self.fft_length // 2, STRIDE**self.depth
        if bins % step or bins <= 2 * step:
            raise ValueError(
                f"fft_length is {self.fft_length} and must be a multiple of 2 * {STRIDE} ** depth = {2 * step}, "
                "and three times it at least"
            )
        if self.length <= 5 * self.fft_length // 8:
            raise ValueError(f"length is {self.length} and must be more than 5 / 8 of fft_length")
        if self.filters < self.compression:
            raise ValueError(f"compression is {self.compression}, more than the {self.filters} filters")
        if self.layers and (self.size % self.heads or self.size % 4):
            raise ValueError(f"the transformer's size is {self.size} and must be a multiple of 4 and of heads")
        totals = [sum(weights) for weights in zip(*self.bag, strict=False)]
        uneven = len({len(weights) for weights in self.bag}) > 1
        if self.bag and (uneven or min(totals, default=0) <= 0 or min(map(min, self.bag)) < 0):
            raise ValueError("bag must have a list for each network with a weight for each source, not all of them 0")

    @property
    def size(self) -> int:
        """The transformer's size."""
        return self.bottom or self.filters * self.growth ** (self.depth - 1)


def form(settings: Settings) -> Form:
    """Windows of `length` samples, of which neighbours share a quarter, as in the original."""
    return Form("waveform", 0, 0, settings.length, settings.channels, overlap=settings.length // 4)


def build(settings: Settings, sources: Sequence[str]) -> "keras.Model":
    """The network: waves (batch, samples, channels) -> waves with an axis of sources.

    Raises ValueError if a bag has weights for another number of sources.
    """
    import keras

    from splitstrument.layers import fourier

    if settings.bag and len(settings.bag[0]) != len(sources):
        raise ValueError(f"bag has weights for {len(settings.bag[0])} sources, and the sources are {len(sources)}")
    entrance = keras.Input((settings.length, settings.channels), name="mixture")
    branches = _standardised(fourier.spectrum(entrance, settings.fft_length)), _standardised(entrance)
    if not settings.bag:
        return keras.Model({"mixture": entrance}, _waves(settings, *branches, len(sources)), name="htdemucs")
    shares = np.asarray(settings.bag, np.float32) / np.sum(settings.bag, 0)
    members = [_waves(settings, *branches, len(sources), f"{place}.") for place in range(len(shares))]
    mean = sum(member * share for member, share in zip(members, shares, strict=True))
    return keras.Model({"mixture": entrance}, mean, name="htdemucs")


def _waves(settings: Settings, spectrum: Branch, samples: Branch, count: int, name: str = "") -> "keras.KerasTensor":
    """(batch, samples, channels, sources) of one network, whose layers' names begin with `name`."""
    from keras import ops

    from splitstrument.layers import fourier
    from splitstrument.layers.scaling import frequency_embedding

    (x, scale, mean), (wave, wave_scale, wave_mean) = spectrum, samples
    length, channels = settings.length, settings.channels
    filters = [settings.filters * settings.growth**level for level in range(settings.depth)]
    skips, lengths = [], []
    for level, size in enumerate(filters):
        lengths.append(wave.shape[1])
        wave = _encoded(settings, wave, size, f"{name}tencoder.{level}")
        x = _encoded(settings, x, size, f"{name}encoder.{level}")
        if level == 0 and settings.frequency_embedding:
            factor = settings.frequency_embedding * settings.embedding_boost
            x = frequency_embedding()(factor, settings.embedding_boost, name=f"{name}freq_emb.embedding")(x)
        skips.append((x, wave))
    x, wave = _crossed(settings, x, wave, name)
    for place, level in enumerate(reversed(range(settings.depth))):
        sizes = (filters[level - 1],) * 2 if level else (2 * channels * count, channels * count)
        skip, wave_skip = skips[level]
        x = _decoded(settings, ops.add(x, skip), sizes[0], f"{name}decoder.{place}")
        wave = _decoded(settings, ops.add(wave, wave_skip), sizes[1], f"{name}tdecoder.{place}")[:, : lengths[level]]
        if level:
            x, wave = gelu(x), gelu(wave)
    # The means come first: Keras takes a second term of shape (batch, 1, 1) for a bias where it has as many channels.
    x = fourier.waves(mean + ops.cast(x, "float32") * scale, length)
    x = x + (wave_mean + ops.cast(wave, "float32") * wave_scale)
    return ops.transpose(ops.reshape(x, (-1, length, count, channels)), (0, 1, 3, 2))


def _standardised(x: "keras.KerasTensor") -> Branch:
    """(x with mean 0 and deviation 1, the deviation, the mean); the deviation is that of a sample, over n - 1."""
    from keras import ops

    axes = tuple(range(1, len(x.shape)))
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    mean = ops.mean(x, axes, keepdims=True)
    deviation = ops.sqrt(ops.sum(ops.square(x - mean), axes, keepdims=True) / (count - 1))
    return (x - mean) / (deviation + EPSILON), deviation, mean


def _encoded(settings: Settings, x: "keras.KerasTensor", filters: int, name: str) -> "keras.KerasTensor":
    """A level of an encoder: of (batch, samples, channels), or of (batch, bins, frames, channels)."""
    from keras import layers

    edge = (KERNEL - STRIDE) // 2
    if len(x.shape) == 3:
        x = layers.ZeroPadding1D((edge, edge + -x.shape[1] % STRIDE))(x)
        x = layers.Conv1D(filters, KERNEL, STRIDE, name=f"{name}.conv")(x)
    else:
        x = layers.ZeroPadding2D(((edge, edge), (0, 0)))(x)
        x = layers.Conv2D(filters, (KERNEL, 1), (STRIDE, 1), name=f"{name}.conv")(x)
    x = _residual(settings, gelu(x), f"{name}.dconv")
    return gated(layers.Dense(2 * filters, name=f"{name}.rewrite")(x))


def _decoded(settings: Settings, x: "keras.KerasTensor", filters: int, name: str) -> "keras.KerasTensor":
    """A level of a decoder, without its GELU: four times as many samples or bins."""
    from keras import layers

    flat, width = len(x.shape) == 3, 1 + 2 * settings.context
    convolution = layers.Conv1D if flat else layers.Conv2D
    x = gated(convolution(2 * x.shape[-1], width, padding="same", name=f"{name}.rewrite")(x))
    if settings.decoder_residuals:
        x = _residual(settings, x, f"{name}.dconv")
    if flat:
        return layers.Conv1DTranspose(filters, KERNEL, STRIDE, padding="same", name=f"{name}.conv_tr")(x)
    kernel, stride = (KERNEL, 1), (STRIDE, 1)
    return layers.Conv2DTranspose(filters, kernel, stride, padding="same", name=f"{name}.conv_tr")(x)


def _residual(settings: Settings, x: "keras.KerasTensor", name: str) -> "keras.KerasTensor":
    """Residual branches along time, each bin by itself: two convolutions, the first dilated, and a gate."""
    from keras import layers, ops

    shape, filters = x.shape, x.shape[-1]
    if len(shape) == 4:
        x = ops.reshape(x, (-1, *shape[2:]))
    for number in range(settings.residual_depth):
        place = f"{name}.layers.{number}"
        hidden = int(filters / settings.compression)
        y = layers.Conv1D(hidden, 3, padding="same", dilation_rate=2**number, name=f"{place}.0")(x)
        y = gelu(normalised_as_one(y, f"{place}.1"))
        y = layers.Dense(2 * filters, name=f"{place}.3")(y)
        y = gated(normalised_as_one(y, f"{place}.4"))
        x = ops.add(x, scaled(y, START, f"{place}.6"))
    return ops.reshape(x, (-1, *shape[1:])) if len(shape) == 4 else x


def _crossed(
    settings: Settings, x: "keras.KerasTensor", wave: "keras.KerasTensor", name: str
) -> "tuple[keras.KerasTensor, keras.KerasTensor]":
    """The transformer across both branches, with dense layers to and from its size."""
    from keras import layers

    from splitstrument.layers.cross_transformer import cross_transformer

    filters = x.shape[-1]
    if settings.bottom:
        x = layers.Dense(settings.size, name=f"{name}channel_upsampler")(x)
        wave = layers.Dense(settings.size, name=f"{name}channel_upsampler_t")(wave)
    if settings.layers:
        options = (settings.layers, settings.heads, settings.expansion, settings.dropout)
        x, wave = cross_transformer(x, wave, *options, name=f"{name}crosstransformer")
    if settings.bottom:
        x = layers.Dense(filters, name=f"{name}channel_downsampler")(x)
        wave = layers.Dense(filters, name=f"{name}channel_downsampler_t")(wave)
    return x, wave
