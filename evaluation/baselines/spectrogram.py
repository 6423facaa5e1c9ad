"""Spectrogram masking: an instrument gets the bins of its band that stand out from the band's level in that frame.

Stage 2, 'spectrogram masking', of the slides "Music Segmentation Using Deep Learning" (Banerjee and Bodhak, 2025).
The slides do not give their threshold. Here a bin stands out if it is 6 dB above the median of the frame's bins in the
band, which does not depend on the level or sample rate of the song. Overlapping bands share such bins equally.
"""

from collections.abc import Sequence

import numpy as np

from evaluation.baselines import bands

RATIO = 2  # 6 dB


def masks(
    magnitude: np.ndarray, frequencies: np.ndarray, frame_rate: float, parts: Sequence[str]
) -> dict[str, np.ndarray]:
    """{part: mask}, see `evaluation.baselines`."""
    by_part = {}
    for instrument, share in bands.shares(frequencies, bands.instruments_of(parts)).items():
        band = share > 0
        level = np.median(magnitude[:, band], axis=1, keepdims=True) if band.any() else np.float32(0)
        by_part[instrument] = (magnitude > RATIO * level) * share
    return bands.with_rest(by_part, parts)
