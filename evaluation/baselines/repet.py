"""REPET-SIM: sound that does not repeat elsewhere in the song goes to the singer or soloist.

Rafii and Pardo, "Music/voice separation using the similarity matrix", ISMIR 2012. For every frame, the most similar
frames of the song are found, at least a second apart. The median of their magnitudes is the repeating background, and
the excess is the foreground. Bass, drums and MUSDB's "other" are assumed to be background, divided by `bands`. Every
other instrument is assumed to be foreground, within its band.
"""

from collections.abc import Sequence

import numpy as np

from evaluation.baselines import bands

BACKGROUND = {"bass", "drums", "other"}
SIMILAR = 41  # frames; 100, as in the authors' code, take longer and hardly change a median
HEARD = 5000  # Hz; frames are compared up to here: most of the energy, and the same at every sample rate
APART = 1.0  # seconds
BLOCK = 512  # frames to compare with all others at once


def masks(
    magnitude: np.ndarray, frequencies: np.ndarray, frame_rate: float, parts: Sequence[str]
) -> dict[str, np.ndarray]:
    """{part: mask}, see `evaluation.baselines`."""
    from librosa.decompose import nn_filter
    from librosa.util import softmask

    similar = _similar_frames(magnitude[:, frequencies < HEARD], frame_rate)
    background = nn_filter(magnitude, rec=similar, aggregate=_median, axis=0)
    np.minimum(background, magnitude, out=background)  # the background is never more than the mixture
    foreground = softmask(magnitude - background, background, power=2)
    instruments = bands.instruments_of(parts)
    behind = bands.shares(frequencies, [part for part in instruments if part in BACKGROUND])
    before = bands.shares(frequencies, [part for part in instruments if part not in BACKGROUND])
    by_part = {part: (1 - foreground) * share for part, share in behind.items()}
    by_part |= {part: foreground * share for part, share in before.items()}
    return bands.with_rest({part: by_part[part] for part in instruments}, parts)


def _median(frames, axis):
    """The lower median, in a third of the time of NumPy's median, which checks for NaN and averages."""
    middle = (frames.shape[axis] - 1) // 2
    return np.partition(frames, middle, axis).take(middle, axis)


def _similar_frames(magnitude, frame_rate):
    """A sparse matrix (frames, frames): column j has ones at the frames most similar to frame j, including j.

    The similarity is the cosine of the angle between magnitudes. A frame counts if no frame within a second of it is
    more similar to frame j. Frames are compared in blocks, since the full matrix of a long song takes gigabytes.
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
