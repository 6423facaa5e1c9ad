"""The STFT of splitstrument.spectrogram and its inverse in Keras operations, so that losses can use waveforms.

Audio is (batch, samples, channels). Spectra are (batch, bins, frames, channels), with separate real and imaginary
parts, as in networks and losses. Frames are joined from slices of their four hops, which every backend compiles and
differentiates quickly, unlike gathering or convolution.
"""

from typing import Any

import numpy as np

OVERLAP = 4  # windows that overlap at each sample


def _hann(window: int) -> Any:
    from keras import ops

    return ops.convert_to_tensor(np.sin(np.pi * np.arange(window) / window) ** 2, "float32")


def stft(audio: Any, window: int) -> tuple[Any, Any]:
    """(real, imaginary) of all complete periodic Hann windows, a quarter of a window apart; no padding."""
    from keras import ops

    hop, (samples, channels) = window // OVERLAP, audio.shape[1:]
    frames = (samples - window) // hop + 1
    hops = ops.reshape(audio[:, : (frames + OVERLAP - 1) * hop], (-1, frames + OVERLAP - 1, hop, channels))
    hops = ops.transpose(hops, (0, 3, 1, 2))
    windows = ops.concatenate([hops[:, :, quarter : quarter + frames] for quarter in range(OVERLAP)], -1)
    return tuple(ops.transpose(part, (0, 3, 2, 1)) for part in ops.rfft(windows * _hann(window)))


def istft(real: Any, imaginary: Any, window: int) -> Any:
    """The audio of these spectra: windowed overlap-add / 1.5, (frames - 1) * hop + window samples.

    The first and last three hops fade, since fewer than four windows overlap there, so signals to compare must both
    pass through this function. If the spectra have only the lower bins, the others are 0.
    """
    from keras import ops

    missing = window // 2 + 1 - real.shape[1]
    if missing:
        real, imaginary = (ops.pad(part, ((0, 0), (0, missing), (0, 0), (0, 0))) for part in (real, imaginary))

    hop, (frames, channels) = window // OVERLAP, real.shape[2:]
    windows = ops.irfft(tuple(ops.transpose(part, (0, 3, 2, 1)) for part in (real, imaginary)), window)
    quarters = ops.reshape(windows * (_hann(window) / 1.5), (-1, channels, frames, OVERLAP, hop))
    # Quarter q of frame j belongs to hop j + q.
    hops = sum(
        ops.pad(quarters[:, :, :, quarter], ((0, 0), (0, 0), (quarter, OVERLAP - 1 - quarter), (0, 0)))
        for quarter in range(OVERLAP)
    )
    return ops.transpose(ops.reshape(hops, (-1, channels, (frames + OVERLAP - 1) * hop)), (0, 2, 1))
