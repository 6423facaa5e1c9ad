"""Bars: which beats are first in their bar, and how many beats a bar has, by dynamic programming over the beats.

Each beat is described by what changes there: drums and bass in bands of frequency, harmony, bass notes and timbre. A
logistic regression over a beat and its neighbours, fitted to rendered songs (recipes/downbeats.py), says how probable
it is that a bar begins. The best sequence of bars of 3 or 4 beats is then found as in a hidden Markov model: a song may
begin anywhere in a bar (a pick-up), may change its metre, and may, rarely, cut a bar short.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from structure.features import HOP, LONG_HOP, RATE, Features

if TYPE_CHECKING:
    import numpy as np

WEIGHTS = Path(__file__).with_name("downbeats.csv")
CONTEXT = 4  # beats before and after that tell whether a beat is the first
METRES = (3, 4)
COLUMNS = ("low", "mid", "high", "air", "low after", "mid after", "high after", "air after")  # see `describe`
COLUMNS += ("chord", "chords", "bass", "timbre")


@dataclass(frozen=True)
class BarSettings:
    """The costs of what is rare, in nats: another metre from one bar to the next, and a bar that is cut short.

    `trust`: what the log probability of one beat counts, less than 1 since neighbours are judged by the same sound.
    """

    metre: float = 8.0
    cut: float = 10.0
    trust: float = 0.5

    def __post_init__(self) -> None:
        if min(self.metre, self.cut, self.trust) <= 0:
            raise ValueError("metre, cut and trust: must be above 0")


def describe(features: Features, beats: "np.ndarray") -> "np.ndarray":
    """What changes at each of the `beats` (n, times in seconds): an array (n, 12), standardised over the song.

    Four columns are the onsets on the beat, by band; four those half a beat later; the others how much chroma, over
    one beat and over two, bass notes and timbre differ from before.
    """
    import numpy as np

    columns = []
    halves = beats + 0.5 * np.diff(beats, append=2 * beats[-1] - beats[-2])
    for times in (beats, halves):
        frames = np.clip(np.rint(times * RATE / HOP).astype(int), 0, len(features.onsets) - 1)
        near = [features.onsets[np.clip(frames + shift, 0, len(features.onsets) - 1)] for shift in range(-3, 4)]
        columns += list(np.log(np.max(near, axis=0) + 0.02).T)
    chroma, bass, timbre = (
        means(curve, beats, features.seconds) for curve in (features.chroma, features.bass, features.timbre)
    )
    columns += [_turn(chroma, 1), _turn(chroma, 2), _turn(bass, 1)]
    columns.append(np.linalg.norm(np.diff(timbre[:, 1:], axis=0, prepend=timbre[:1, 1:]), axis=1))
    table = np.stack(columns, axis=1)
    return np.asarray((table - table.mean(axis=0)) / (table.std(axis=0) + 1e-6))


def means(curve: "np.ndarray", times: "np.ndarray", seconds: float) -> "np.ndarray":
    """The mean of `curve` (long frames, k) from each of `times` (n, in seconds) to the next, or the end: (n, k)."""
    import numpy as np

    edges = np.append(times, max(seconds, times[-1])) * RATE / LONG_HOP
    first = np.clip(np.rint(edges[:-1]).astype(int), 0, len(curve) - 1)
    last = np.clip(np.rint(edges[1:]).astype(int), first + 1, len(curve))
    sums = np.concatenate([np.zeros((1, curve.shape[1])), np.cumsum(curve, axis=0, dtype=np.float64)])
    return np.asarray((sums[last] - sums[first]) / (last - first)[:, None])


def _turn(vectors: "np.ndarray", span: int) -> "np.ndarray":
    """1 - the cosine between the sums of `span` vectors before and from each place on, (n, k) to (n,)."""
    import numpy as np

    padded = np.concatenate([vectors[:1]] * span + [vectors] + [vectors[-1:]] * (span - 1))
    sums = np.lib.stride_tricks.sliding_window_view(padded, span, axis=0).sum(axis=-1)
    before, after = sums[: len(vectors)], sums[span : span + len(vectors)]
    sizes = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1) + 1e-9
    return np.asarray(1 - (before * after).sum(axis=1) / sizes)


def in_context(table: "np.ndarray") -> "np.ndarray":
    """Each row of (n, k) with CONTEXT rows before and after it, zeros beyond the ends: (n, (2 CONTEXT + 1) k)."""
    import numpy as np

    padded = np.pad(table, ((CONTEXT, CONTEXT), (0, 0)))
    return np.concatenate([padded[shift : shift + len(table)] for shift in range(2 * CONTEXT + 1)], axis=1)


@functools.cache
def _weights() -> "np.ndarray":
    """The weights of the logistic regression; the last one is the constant."""
    import numpy as np

    return np.loadtxt(WEIGHTS, delimiter=",", skiprows=1, usecols=2)


def downbeat_odds(features: Features, beats: "np.ndarray") -> "np.ndarray":
    """The log odds that each of the `beats` (n, seconds) is the first of a bar, (n,)."""
    import numpy as np

    weights = _weights()
    return np.asarray(in_context(describe(features, beats)) @ weights[:-1] + weights[-1])


def positions(odds: "np.ndarray", settings: BarSettings = BarSettings()) -> tuple["np.ndarray", "np.ndarray"]:
    """(place in its bar from 1, beats of that bar) of each beat, from the log odds (n,) that it is the first.

    The Viterbi path through states (metre, place): place + 1 follows, and after the last one a bar of either metre.
    """
    import numpy as np

    states = [(metre, place) for metre in METRES for place in range(metre)]
    change = np.full((len(states), len(states)), np.inf)  # the cost of a state (column) after another (row)
    for row, (metre, place) in enumerate(states):
        for column, (then, next_place) in enumerate(states):
            if next_place == 0:
                cut = 0 if place == metre - 1 else settings.cut
                change[row, column] = cut + (settings.metre if then != metre else 0)
            elif (then, next_place) == (metre, place + 1):
                change[row, column] = 0
    first = np.array([place == 0 for _, place in states])
    # log p = -log(1 + exp(-odds)), log(1 - p) = -log(1 + exp(odds))
    gains = settings.trust * np.where(first, -np.logaddexp(0, -odds)[:, None], -np.logaddexp(0, odds)[:, None])
    worth, causes = gains[0], np.zeros((len(odds), len(states)), int)
    for beat in range(1, len(odds)):
        reached = worth[:, None] - change
        causes[beat] = reached.argmax(axis=0)
        worth = reached.max(axis=0) + gains[beat]
    state, path = int(worth.argmax()), []
    for beat in range(len(odds) - 1, -1, -1):
        path.append(states[state])
        state = int(causes[beat, state])
    metres, places = np.array(path[::-1]).T
    return places + 1, metres
