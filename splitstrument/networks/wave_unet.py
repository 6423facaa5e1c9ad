"""Wave-U-Net: a U-Net of one-dimensional convolutions on the waveform (Stoller, Ewert and Dixon 2018).

On the way down, each level is a convolution with LeakyReLU, of which every second sample goes on; level i has i times
as many filters as the first. On the way up, linear interpolation doubles the number of samples, the output of the same
level is concatenated, and a convolution follows. The last convolution, of width 1, sees the mixture too; tanh gives the
waves. With `difference`, it gives all sources but the last, which is the mixture minus the others (section 3.2.1).

Without `context`, convolutions pad with zeros at every level, and each wave is as long as the input. With `context`
(section 3.2.2), they do not pad, and the network needs more samples than it gives: 147,443 for 16,389 with 12 levels.
There the paper cuts the input from the song with its surroundings. Here a window has as many samples as the waves, so
the surroundings are zeros, which the network adds itself; that is exact at the start and end of a song only. Elsewhere
neighbouring windows overlap and cross-fade. Learned upsampling (section 3.2.3) is left out.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT
from splitstrument.form import Form

if TYPE_CHECKING:
    import keras

SLOPE = 0.2  # of LeakyReLU, the default of the paper's TensorFlow


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The settings of the network. The defaults are those of the paper's first model, M1.

    `length`: the samples of a window. `filters`: those of the first level. `down_kernel`, `up_kernel`: the widths of
    the convolutions on the way down and up, which are odd.
    """

    length: int = Field(default=16384, ge=2)
    channels: int = Field(default=1, ge=1, le=8)
    levels: int = Field(default=12, ge=1, le=16)
    filters: int = Field(default=24, ge=1)
    down_kernel: int = Field(default=15, ge=1)
    up_kernel: int = Field(default=5, ge=1)
    context: bool = False
    difference: bool = False

    def __post_init__(self) -> None:
        if not self.context and self.length % 2**self.levels:
            raise ValueError(f"length is {self.length} and must be a multiple of 2 ** levels = {2**self.levels}")
        for name, width in (("down_kernel", self.down_kernel), ("up_kernel", self.up_kernel)):
            if width % 2 == 0:
                raise ValueError(f"{name} is {width} and must be odd")


def form(settings: Settings) -> Form:
    """Windows of `length` samples."""
    return Form("waveform", 0, 0, settings.length, settings.channels)


def sizes(settings: Settings) -> tuple[int, int]:
    """(samples that go in, samples that come out) with context, at least `length` of them.

    With n samples at the lowest level, 2n - 1 - (up_kernel - 1) come out of the level above it, and so on. On the way
    down, each level takes 2n - 1 + (down_kernel - 1) for the n that it passes on.
    """
    lowest = settings.up_kernel
    while True:
        given = lowest
        for _ in range(settings.levels):
            given = 2 * given - settings.up_kernel
        if given >= settings.length:
            break
        lowest += 1
    taken = lowest + settings.down_kernel - 1
    for _ in range(settings.levels):
        taken = 2 * taken + settings.down_kernel - 2
    return taken, given


def build(settings: Settings, sources: Sequence[str]) -> "keras.Model":
    """The network: waves (batch, samples, channels) -> waves with an axis of sources.

    Raises ValueError if `difference` has only one source to divide the mixture into.
    """
    import keras
    from keras import layers, ops

    if settings.difference and len(sources) < 2:
        raise ValueError("difference: needs two sources or more, the last of which is the mixture minus the others")
    padding = "valid" if settings.context else "same"

    def convolution(x: "keras.KerasTensor", filters: int, width: int) -> "keras.KerasTensor":
        return layers.LeakyReLU(negative_slope=SLOPE)(layers.Conv1D(filters, width, padding=padding)(x))

    entrance = keras.Input((settings.length, settings.channels), name="mixture")
    mixture = _surrounded(entrance, settings) if settings.context else entrance
    x, skips = mixture, []
    for level in range(1, settings.levels + 1):
        x = convolution(x, settings.filters * level, settings.down_kernel)
        skips.append(x)
        x = x[:, ::2]
    x = convolution(x, settings.filters * (settings.levels + 1), settings.down_kernel)
    for level in reversed(range(1, settings.levels + 1)):
        x = doubled(x, ends=settings.context)
        x = layers.Concatenate()([_middle(skips[level - 1], x.shape[1]), x])
        x = convolution(x, settings.filters * level, settings.up_kernel)
    x = layers.Concatenate()([_middle(mixture, x.shape[1]), x])
    count = len(sources) - settings.difference
    x = layers.Conv1D(settings.channels * count, 1, activation="tanh")(_middle(x, settings.length))
    waves = ops.reshape(x, (-1, settings.length, settings.channels, count))
    if settings.difference:
        rest = ops.expand_dims(entrance, -1) - ops.sum(waves, -1, keepdims=True)
        waves = ops.concatenate([waves, rest], -1)
    return keras.Model({"mixture": entrance}, waves, name="wave_unet")


def doubled(x: "keras.KerasTensor", ends: bool) -> "keras.KerasTensor":
    """Waves (batch, n, filters) with the means of neighbours between them.

    With `ends`, 2n - 1 samples: the last one is the last of x. Otherwise 2n: the last of x comes twice.
    """
    from keras import ops

    between = (x[:, :-1] + x[:, 1:]) / 2
    last = x[:, -1:]
    pairs = ops.stack([x, ops.concatenate([between, last], 1)], 2)
    pairs = ops.reshape(pairs, (-1, 2 * x.shape[1], x.shape[2]))
    return pairs[:, :-1] if ends else pairs


def _surrounded(x: "keras.KerasTensor", settings: Settings) -> "keras.KerasTensor":
    """x with the zeros around it that make the middle of what comes out be x's own samples."""
    from keras import ops

    taken, given = sizes(settings)
    before = (taken - given) // 2 + (given - settings.length) // 2
    return ops.pad(x, ((0, 0), (before, taken - settings.length - before), (0, 0)))


def _middle(x: "keras.KerasTensor", length: int) -> "keras.KerasTensor":
    """The middle `length` samples of x."""
    spare = x.shape[1] - length
    return x[:, spare // 2 : spare // 2 + length] if spare else x
