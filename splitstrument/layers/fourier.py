"""The STFT and its inverse inside a network, with complex numbers as channels (Choi et al. 2020).

The window is Hann's, the hop a quarter of it. N samples have exactly N / hop frames, rounded up, as the strides of the
waveform's convolutions would give: frame t is centred on sample (t + 1/2) * hop. The ends are padded with their mirror
image. In the inverse the first and the last 1.5 hops fade, since fewer than four frames overlap there. The highest of
the bins, at half the sample rate, is left out. The transform is scaled to be unitary but for the overlap, by
1 / sqrt(window).

The transforms are products with small matrices, as graphs for other programs have no complex numbers: a window of
n = a * b samples takes transforms of a and of b, with factors in between (Cooley and Tukey 1965).
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
    parts = ops.transpose(_forth(x * _window(window)), (0, 4, 2, 1, 3))  # from (batch, channel, frame, part, bin)
    return ops.reshape(parts, (-1, window // 2, frames, 2 * channels))


def waves(spectra: "keras.KerasTensor", length: int) -> "keras.KerasTensor":
    """The inverse: (batch, bins, frames, 2 * channels) -> (batch, length, channels)."""
    from keras import ops

    _, bins, frames, channels = spectra.shape
    window, hop, channels = 2 * bins, bins // 2, channels // 2
    x = ops.reshape(ops.cast(spectra, "float32"), (-1, bins, frames, channels, 2))
    x = _back(ops.transpose(x, (0, 3, 2, 4, 1))) * (_window(window) * np.float32(window / OVERLAP))
    x = ops.reshape(x, (-1, channels, frames, 4, hop))
    shifted = [ops.pad(x[..., part, :], ((0, 0), (0, 0), (part, 3 - part), (0, 0))) for part in range(4)]
    x = ops.reshape(shifted[0] + shifted[1] + shifted[2] + shifted[3], (-1, channels, (frames + 3) * hop))
    edge = hop // 2 * 3
    return ops.transpose(x[..., edge : edge + length], (0, 2, 1))


def _window(size: int) -> np.ndarray:
    """Hann's window, periodic, with the transform's scale."""
    return (np.sin(np.pi * np.arange(size) / size) ** 2 / np.sqrt(size)).astype(np.float32)


def _forth(x: "keras.KerasTensor") -> "keras.KerasTensor":
    """(..., n) real -> (..., 2, n / 2): real and imaginary parts of the bins below n / 2."""
    from keras import ops

    before, size = x.shape[1:-1], x.shape[-1]
    a, b, first, factors, second = _matrices(size)
    x = ops.reshape(x, (-1, *before, a, b))
    parts = [ops.matmul(each, x) for each in first]
    turned = [parts[0] * factors[0] - parts[1] * factors[1], parts[0] * factors[1] + parts[1] * factors[0]]
    x = ops.matmul(ops.concatenate(turned, -1), second)  # (..., a, part and b / 2)
    x = ops.reshape(x, (-1, *before, a, 2, b // 2))
    axes = tuple(range(1 + len(before)))
    x = ops.transpose(x, (*axes, len(axes) + 1, len(axes) + 2, len(axes)))
    return ops.reshape(x, (-1, *before, 2, size // 2))


def _back(x: "keras.KerasTensor") -> "keras.KerasTensor":
    """The inverse: (..., 2, n / 2) -> (..., n). All steps of `_forth`, transposed, in the opposite order."""
    from keras import ops

    before, size = x.shape[1:-2], 2 * x.shape[-1]
    a, b, first, factors, second = _matrices(size)
    twice = np.where(np.arange(size // 2), 2 / size, 1 / size).astype(np.float32)  # bins above are their conjugates
    x = ops.reshape(x * twice, (-1, *before, 2, b // 2, a))
    axes = tuple(range(1 + len(before)))
    x = ops.transpose(x, (*axes, len(axes) + 2, len(axes), len(axes) + 1))
    x = ops.matmul(ops.reshape(x, (-1, *before, a, b)), second.T)
    parts = [x[..., :b], x[..., b:]]
    turned = [parts[0] * factors[0] + parts[1] * factors[1], parts[1] * factors[0] - parts[0] * factors[1]]
    x = ops.matmul(first[0].T, turned[0]) + ops.matmul(first[1].T, turned[1])
    return ops.reshape(x, (-1, *before, size))


def _matrices(size: int) -> tuple[int, int, np.ndarray, np.ndarray, np.ndarray]:
    """(a, b, the transform of a (2, a, a), the factors (2, a, b), that of b (2 b, b)) for a * b = size, b even.

    Sample b * t1 + t2 and bin k1 + a * k2 have t1 and k1 below a. The last matrix leaves out the upper half of k2.
    """
    a = max(each for each in range(1, int(size**0.5) + 1) if size % each == 0 and size // each % 2 == 0)
    b = size // a

    def turns(rows: int, columns: int, period: int) -> np.ndarray:
        angles = -2 * np.pi * (np.outer(np.arange(rows), np.arange(columns)) % period) / period
        return np.stack([np.cos(angles), np.sin(angles)]).astype(np.float32)

    real, imaginary = turns(b, b // 2, b)
    second = np.block([[real, imaginary], [-imaginary, real]])
    return a, b, turns(a, a, a), turns(a, b, size), second
