"""Frequency thresholding: an instrument is its band of frequencies.

Stage 1, 'frequency thresholding', of the slides "Music Segmentation Using Deep Learning" (Banerjee and Bodhak, 2025).
The slides do not give their bands; these are from `bands`. Where bands overlap, each instrument gets an equal share.
"""

from collections.abc import Sequence

import numpy as np

from evaluation.baselines import bands


def masks(
    magnitude: np.ndarray, frequencies: np.ndarray, frame_rate: float, parts: Sequence[str]
) -> dict[str, np.ndarray]:
    """{part: mask}, see `evaluation.baselines`: the same for every frame."""
    one_frame = bands.with_rest(bands.shares(frequencies, bands.instruments_of(parts)), parts)
    return {part: np.broadcast_to(mask, magnitude.shape) for part, mask in one_frame.items()}
