"""Harmonic-percussive separation: percussive sound goes to the drums, steady sound to the others by their bands.

Fitzgerald, "Harmonic/percussive separation using median filtering", DAFx 2010: a median over time keeps steady
partials, a median over frequency keeps strokes, and both share each bin in proportion to their squares. The lengths of
the medians are set in seconds and Hz, as by Driedger, Mueller and Disch, "Extending harmonic-percussive separation of
audio signals", ISMIR 2014, so that the sample rate does not matter. The drums get everything percussive. The harmonic
part goes to the other instruments by `bands`, in equal shares where those overlap.
"""

from collections.abc import Sequence

import numpy as np

from evaluation.baselines import bands

SECONDS, HERTZ = 0.4, 185  # 17 frames and 17 bins of the grid


def masks(
    magnitude: np.ndarray, frequencies: np.ndarray, frame_rate: float, parts: Sequence[str]
) -> dict[str, np.ndarray]:
    """{part: mask}, see `evaluation.baselines`."""
    from librosa.decompose import hpss

    bin_width = frequencies[1] - frequencies[0]
    lengths = _odd(SECONDS * frame_rate), _odd(HERTZ / bin_width)
    harmonic, percussive = (mask.T for mask in hpss(magnitude.T, kernel_size=lengths, mask=True))
    instruments = bands.instruments_of(parts)
    pitched = bands.shares(frequencies, [instrument for instrument in instruments if instrument != "drums"])
    by_part = {part: percussive if part == "drums" else harmonic * pitched[part] for part in instruments}
    return bands.with_rest(by_part, parts)


def _odd(length):
    """The nearest odd number, so that a median has a middle."""
    return 2 * int(length / 2) + 1
