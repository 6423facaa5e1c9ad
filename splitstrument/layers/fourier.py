"""The STFT and its inverse inside a network, with complex numbers as channels (Choi et al. 2020).

The window is Hann's, the hop a quarter of it. N samples have exactly N / hop frames, rounded up, as the strides of the
waveform's convolutions would give: frame t is centred on sample (t + 1/2) * hop. The ends are padded with their mirror
image. In the inverse the first and the last 1.5 hops fade, since fewer than four frames overlap there. The highest of
the bins, at half the sample rate, is left out. The transform is scaled to be unitary but for the overlap, by
1 / sqrt(window).
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

OVERLAP = 1.5  # the sum of four shifted squares of Hann windows


def frames_of(length: int, window: int) -> int:
    """The number of frames of `length` samples."""
    return -(-length // (window // 4))


def spectrum(waves: "keras.KerasTensor", window: int) -> "keras.KerasTensor":
    """(batch, samples, channels) -> (batch, window / 2 bins, frames, 2 * channels).

    The channels are the real part of the first, its imaginary part, the real part of the second, and so on. There must
    be more than 2.5 * hop samples, for the mirror images.
    """
    from keras import ops

    length, channels, hop = waves.shape[1], waves.shape[2], window // 4
    frames = frames_of(length, window)
    x = ops.transpose(ops.cast(waves, "float32"), (0, 2, 1))
    edge = hop // 2 * 3
    x = ops.pad(x, ((0, 0), (0, 0), (edge, edge + frames * hop - length)), mode="reflect")
    hops = ops.reshape(x, (-1, channels, frames + 3, hop))
    x = ops.concatenate([hops[:, :, shift : shift + frames] for shift in range(4)], -1)
    parts = ops.stack(ops.rfft(x * _window(window)), -1)[..., : window // 2, :]  # (batch, channel, frame, bin, part)
    parts = ops.transpose(parts, (0, 3, 2, 1, 4))
    return ops.reshape(parts, (-1, window // 2, frames, 2 * channels))


def waves(spectra: "keras.KerasTensor", length: int) -> "keras.KerasTensor":
    """The inverse: (batch, bins, frames, 2 * channels) -> (batch, length, channels)."""
    from keras import ops

    _, bins, frames, channels = spectra.shape
    window, hop, channels = 2 * bins, bins // 2, channels // 2
    x = ops.reshape(ops.cast(spectra, "float32"), (-1, bins, frames, channels, 2))
    x = ops.pad(ops.transpose(x, (0, 3, 2, 1, 4)), ((0, 0), (0, 0), (0, 0), (0, 1), (0, 0)))
    x = ops.irfft((x[..., 0], x[..., 1])) * (_window(window) * np.float32(window / OVERLAP))
    x = ops.reshape(x, (-1, channels, frames, 4, hop))
    shifted = [ops.pad(x[..., part, :], ((0, 0), (0, 0), (part, 3 - part), (0, 0))) for part in range(4)]
    x = ops.reshape(shifted[0] + shifted[1] + shifted[2] + shifted[3], (-1, channels, (frames + 3) * hop))
    edge = hop // 2 * 3
    return ops.transpose(x[..., edge : edge + length], (0, 2, 1))


def _window(size: int) -> np.ndarray:
    """Hann's window, periodic, with the transform's scale."""
    return (np.sin(np.pi * np.arange(size) / size) ** 2 / np.sqrt(size)).astype(np.float32)
