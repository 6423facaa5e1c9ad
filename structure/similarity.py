"""What sections are found from: a song's harmony and timbre per beat, and how alike any two places of it are."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from structure.bars import means
from structure.features import Features

if TYPE_CHECKING:
    import numpy as np

MOST = 2000  # places; a longer song is described per two beats, or four ..., so that its matrices stay small


@dataclass(frozen=True)
class Places:
    """A song in n places, one per beat in songs of up to MOST beats.

    `times`: where each begins, and the end of the song, (n + 1,) in seconds. `chroma` (n, 24): pitch classes of chords
    and of the bass, each of length 1. `timbre` (n, k): standardised cepstral coefficients. `first` (n,): whether a bar
    begins there. `per_beat`: beats in a place.
    """

    times: "np.ndarray"
    chroma: "np.ndarray"
    timbre: "np.ndarray"
    first: "np.ndarray"
    per_beat: int = 1


def places(features: Features, beats: "np.ndarray", first: "np.ndarray") -> Places:
    """The Places of a song with these `beats` (n, seconds), the `first` of bars among them (n, bool)."""
    import numpy as np

    step = 1
    while len(beats) / step > MOST:
        step *= 2
    start = int(first.argmax()) % step if step > 1 else 0  # so that bars begin where places do
    times, begins = beats[start::step], first[start::step].copy()
    if times[0] > 0.05:
        times, begins = np.insert(times, 0, 0.0), np.insert(begins, 0, False)
    parts = [_unit(np.log1p(100 * means(curve, times, features.seconds))) for curve in (features.chroma, features.bass)]
    timbre = means(features.timbre, times, features.seconds)
    timbre = (timbre - timbre.mean(axis=0)) / (timbre.std(axis=0) + 1e-3)
    edges = np.append(times, max(features.seconds, times[-1] + 0.05))
    return Places(edges, np.concatenate(parts, axis=1) / np.sqrt(2), timbre, begins, step)


def _unit(vectors: "np.ndarray") -> "np.ndarray":
    """Each row without the mean of all rows, with length 1."""
    import numpy as np

    vectors = vectors - vectors.mean(axis=0)
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9))


def smoothed(vectors: "np.ndarray", span: int) -> "np.ndarray":
    """The mean of each row and the next `span` - 1 rows, (n, k)."""
    import numpy as np

    padded = np.concatenate([vectors, np.repeat(vectors[-1:], span - 1, axis=0)])
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, span, axis=0).mean(axis=-1))


def stacked(vectors: "np.ndarray", span: int) -> "np.ndarray":
    """Each row beside the next `span` - 1 rows, (n, span k): places are alike if what follows is alike too."""
    import numpy as np

    padded = np.concatenate([vectors, np.repeat(vectors[-1:], span - 1, axis=0)])
    return np.concatenate([padded[shift : shift + len(vectors)] for shift in range(span)], axis=1)


def self_similarity(vectors: "np.ndarray") -> "np.ndarray":
    """The cosine of any two rows of (n, k): (n, n), float32."""
    import numpy as np

    unit = (vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9)).astype(np.float32)
    return np.asarray(unit @ unit.T)
