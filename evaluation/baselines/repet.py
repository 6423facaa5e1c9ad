"""REPET-SIM: the singer or soloist is what does not come again elsewhere in the song.

Rafii and Pardo, "Music/voice separation using the similarity matrix", ISMIR 2012. For every frame the most similar
ones of the song are looked up, at least a second apart; the median of their magnitudes is the background that
repeats, and what exceeds it the foreground. Bass, drums and MUSDB's "other" are taken to be background, divided by
`bands`; every other instrument is taken to be foreground, within its band.
"""

from collections.abc import Sequence

import numpy as np

from evaluation.baselines import bands

BACKGROUND = {"bass", "drums", "other"}
SIMILAR = 41  # frames; the 100 of the authors' code take longer and hardly change a median
HEARD = 5000  # Hz up to which frames are compared: most of the energy, and the same at every sample rate
APART = 1.0  # seconds
BLOCK = 512  # frames that are compared with all others at once


def masks(
    magnitude: np.ndarray, frequencies: np.ndarray, frame_rate: float, parts: Sequence[str]
) -> dict[str, np.ndarray]:
    """{part: mask}, see `evaluation.baselines`."""
    from librosa.decompose import nn_filter
    from librosa.util import softmask

    similar = _similar_frames(magnitude[:, frequencies < HEARD], frame_rate)
    background = nn_filter(magnitude, rec=similar, aggregate=_median, axis=0)
    np.minimum(background, magnitude, out=background)  # what repeats is never more than what is there
    foreground = softmask(magnitude - background, background, power=2)
    instruments = bands.instruments_of(parts)
    behind = bands.shares(frequencies, [part for part in instruments if part in BACKGROUND])
    before = bands.shares(frequencies, [part for part in instruments if part not in BACKGROUND])
    by_part = {part: (1 - foreground) * share for part, share in behind.items()}
    by_part |= {part: foreground * share for part, share in before.items()}
    return bands.with_rest({part: by_part[part] for part in instruments}, parts)


def _median(frames, axis):
    """The lower median, in a third of the time of NumPy's, which looks for NaN and takes means."""
    middle = (frames.shape[axis] - 1) // 2
    return np.partition(frames, middle, axis).take(middle, axis)


def _similar_frames(magnitude, frame_rate):
    """Sparse (frames, frames): column j has ones at the frames most similar to frame j, itself among them.

    The similarity is the cosine of the angle between magnitudes. A frame counts if none within a second of it is more
    similar to frame j. Frames are compared in blocks, since the whole matrix of a long song takes gigabytes.
    """
    from scipy.ndimage import maximum_filter1d
    from scipy.sparse import csc_matrix

    directions = magnitude / np.maximum(np.linalg.norm(magnitude, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    count = len(magnitude)
    reach = 2 * round(APART * frame_rate) + 1
    rows, ends = [], [0]
    for start in range(0, count, BLOCK):
        similarity = directions[start : start + BLOCK] @ directions.T
        similarity[similarity < maximum_filter1d(similarity, reach, axis=1, mode="nearest")] = 0
        nearest = np.argpartition(similarity, -min(SIMILAR, count), axis=1)[:, -min(SIMILAR, count) :]
        found = np.take_along_axis(similarity, nearest, axis=1) > 0
        rows.append(nearest[found])
        ends.extend(ends[-1] + np.cumsum(found.sum(1)))
    rows = np.concatenate(rows)
    return csc_matrix((np.ones(len(rows), np.float32), rows, ends), (count, count))
