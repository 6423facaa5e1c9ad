"""Conv-TasNet: masks for a learned transform of the waveform (Luo and Mesgarani 2019).

An encoder, a convolution of `kernel` samples with a hop of half of it, turns the mixture into frames of `filters`
features. Blocks of dilated convolutions over time compute a mask of 0..1 for each source and feature. A transposed
convolution, the decoder, turns the masked features of a source into its wave. Encoder and decoder are linear.

The blocks (section II-C): a 1x1 convolution to `hidden` channels, a depthwise convolution, whose dilation doubles with
every block from 1 to 2 ** (`blocks` - 1), `repeats` times over, both with PReLU and global layer normalisation; then
two 1x1 convolutions, of which one is added to the block's input and the other to the sum that becomes the masks.

The defaults are those of the paper's best non-causal network: N = 512, L = 16, B = Sc = 128, H = 512, P = 3, X = 8,
R = 3. With two sources it has 4,984,881 parameters; the paper says 5.1 million. The last block's convolution for a next
block, with 65,664 more, has no use and is left out. The paper separates speech at 8 kHz in one channel; here all
channels of a mixture are encoded and decoded together, and share the masks.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form

if TYPE_CHECKING:
    import keras

EPSILON = 1e-8  # of the normalisations


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The settings of the network; in parentheses the paper's letters.

    `length`: the samples of a window. `filters` (N): features of a frame. `kernel` (L): samples of a frame.
    `bottleneck` (B, Sc): channels between the blocks. `hidden` (H): channels in a block. `width` (P): of its depthwise
    convolution. `blocks` (X): in a repeat. `repeats` (R).
    """

    length: int = Field(default=32768, ge=2)
    channels: int = Field(default=1, ge=1, le=8)
    filters: int = Field(default=512, ge=1)
    kernel: int = Field(default=16, ge=2, multiple_of=2)
    bottleneck: int = Field(default=128, ge=1)
    hidden: int = Field(default=512, ge=1)
    width: int = Field(default=3, ge=1)
    blocks: int = Field(default=8, ge=1, le=16)
    repeats: int = Field(default=3, ge=1)

    def __post_init__(self) -> None:
        hop = self.kernel // 2
        if self.length % hop or self.length < self.kernel:
            raise ValueError(f"length is {self.length} and must be a multiple of kernel / 2 = {hop}, and two at least")


def form(settings: Settings) -> Form:
    """Windows of `length` samples."""
    return Form("waveform", 0, 0, settings.length, settings.channels)


def build(settings: Settings, sources: Sequence[str]) -> "keras.Model":
    """The network: waves (batch, samples, channels) -> waves with an axis of sources."""
    import keras
    from keras import initializers, layers, ops

    count, hop = len(sources), settings.kernel // 2
    # Two kernels with the same random numbers: with masks of a half, the decoder gives back roughly the mixture. So
    # each source begins with the right level and polarity; SI-SDR, the paper's loss, sees neither of them.
    alike = initializers.RandomNormal(stddev=settings.filters**-0.5)
    entrance = keras.Input((settings.length, settings.channels), name="mixture")
    encoder = layers.Conv1D(
        settings.filters, settings.kernel, hop, use_bias=False, kernel_initializer=alike, name="encoder"
    )
    features = encoder(entrance)
    x = layers.Conv1D(settings.bottleneck, 1)(_normalised(features))
    skips = []
    dilations = [2**block for block in range(settings.blocks)] * settings.repeats
    for number, dilation in enumerate(dilations, 1):
        inner = _normalised(_active(layers.Conv1D(settings.hidden, 1)(x)))
        inner = layers.DepthwiseConv1D(settings.width, padding="same", dilation_rate=dilation)(inner)
        inner = _normalised(_active(inner))
        skips.append(layers.Conv1D(settings.bottleneck, 1)(inner))
        if number < len(dilations):
            x = layers.Add()([x, layers.Conv1D(settings.bottleneck, 1)(inner)])
    x = _active(layers.Add()(skips) if len(skips) > 1 else skips[0])
    masks = layers.Conv1D(count * settings.filters, 1, activation="sigmoid")(x)
    masks = ops.reshape(masks, (-1, features.shape[1], count, settings.filters))
    masked = ops.transpose(masks * ops.expand_dims(features, 2), (0, 2, 1, 3))
    masked = ops.reshape(masked, (-1, features.shape[1], settings.filters))
    decoder = layers.Conv1DTranspose(
        settings.channels, settings.kernel, hop, use_bias=False, kernel_initializer=alike, name="decoder"
    )
    waves = ops.reshape(decoder(masked), (-1, count, settings.length, settings.channels))
    return keras.Model({"mixture": entrance}, ops.transpose(waves, (0, 2, 3, 1)), name="conv_tasnet")


def _active(x: "keras.KerasTensor") -> "keras.KerasTensor":
    """PReLU with one slope for all channels, at first 0.25."""
    from keras import initializers, layers

    return layers.PReLU(alpha_initializer=initializers.Constant(0.25), shared_axes=[1, 2])(x)


def _normalised(x: "keras.KerasTensor") -> "keras.KerasTensor":
    """Global layer normalisation (equations 5 to 7): over time and channels, with a scale and offset per channel."""
    from keras import layers

    return layers.GroupNormalization(1, epsilon=EPSILON)(x)
