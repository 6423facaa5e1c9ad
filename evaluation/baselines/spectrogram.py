"""Spectrogram masking: an instrument is the bins of its band that stand out of the band's level in that frame.

Stage 2, 'spectrogram masking', of the slides "Music Segmentation Using Deep Learning" (Banerjee and Bodhak, 2025).
They do not give their threshold; here a bin stands out if it is 6 dB over the median of the frame's bins in the band,
which does not depend on the song's level or sample rate. What stands out in overlapping bands is shared equally.
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
