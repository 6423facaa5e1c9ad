"""Beats from onsets, by dynamic programming over beat times and tempi, so that the tempo may change.

As in Ellis, "Beat Tracking by Dynamic Programming" (2007), a sequence of beats is worth the onsets it meets. As in
Krebs, Boeck and Widmer, "An Efficient State-Space Model for Joint Tempo and Meter Tracking" (2015), the tempo is part
of the state and changes at beats only, a little more readily than not at all.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from structure.features import HOP, RATE, Features

if TYPE_CHECKING:
    import numpy as np

FAINT = 0.2  # the rise of the log-magnitude that one of 40 frames must exceed; in music it is 0.6 and more
PULSE = 0.22
FEWEST = 6  # beats


class NoBeats(ValueError):
    """A song has no beats that can be found. The message says why, without the song's name."""


@dataclass(frozen=True)
class BeatSettings:
    """How beats are looked for.

    `slowest` and `fastest` in beats per minute. A beat is worth `onset` (the strength there, about 0 to 1, minus
    `threshold`), minus `prior` times the squared octaves between its tempo and `usual`. Where the interval between two
    beats becomes x times as long, `steadiness` |x - 1| is subtracted.
    """

    slowest: float = 50.0
    fastest: float = 215.0
    usual: float = 115.0
    onset: float = 8.0
    threshold: float = 0.35
    prior: float = 3.0
    steadiness: float = 60.0
    weights: tuple[float, float, float, float] = (2.0, 1.0, 1.0, 0.25)  # of the bands of the onsets

    def __post_init__(self) -> None:
        if not 20 <= self.slowest < self.fastest <= 400:
            raise ValueError(f"slowest, fastest: must be from 20 to 400, not {self.slowest} and {self.fastest}")


def strength(features: Features, settings: BeatSettings = BeatSettings()) -> "np.ndarray":
    """How strongly notes begin, at each frame of the onsets: about 0 to 1, whatever the song's level there.

    1 is the level that one of 40 frames within some seconds exceeds.
    """
    import numpy as np
    from scipy.ndimage import gaussian_filter1d

    onsets = features.onsets
    spread = onsets.std(axis=0) + 1e-3
    total = gaussian_filter1d((onsets / spread) @ np.array(settings.weights, np.float32), 1.0)
    return np.clip(total / local_level(total), 0.0, 1.5)


def local_level(curve: "np.ndarray", seconds: float = 8.0) -> "np.ndarray":
    """A slow curve that one of 40 values of `curve` near each frame exceeds, and at least 3 % of its highest value."""
    import numpy as np

    step = max(1, round(seconds / 2 * RATE / HOP))
    starts = np.arange(0, max(1, len(curve) - step), step)
    levels = np.array([np.quantile(curve[start : start + 2 * step], 0.975) for start in starts])
    level = np.interp(np.arange(len(curve)), starts + step, levels)
    return np.maximum(level, 0.03 * curve.max() + 1e-6)


def track(features: Features, settings: BeatSettings = BeatSettings()) -> "np.ndarray":
    """The times of all beats in seconds, ascending.

    Raises NoBeats if nothing begins often enough, or if what begins has no pulse, as noise, speech or a held chord.
    """
    import numpy as np

    if len(features.onsets) < 2 or np.quantile(features.onsets.max(axis=1), 0.975) < FAINT:
        raise NoBeats("has no notes that begin, so it has no beats")
    curve = strength(features, settings)
    if pulse(curve) < PULSE:
        raise NoBeats("has no steady pulse, so its beats cannot be found")
    frames = follow(curve, RATE / HOP, settings)
    if len(frames) < FEWEST:
        raise NoBeats(f"is too short: at least {FEWEST} beats are needed")
    return frames * (HOP / RATE)


def pulse(curve: "np.ndarray", seconds: float = 8.0) -> float:
    """How regular `curve`, the strength of onsets, is: about 0.15 for noise, 0.3 to 1 for music with beats.

    The highest autocorrelation at a lag of 0.28 to 1.3 s, unbiased, in windows of `seconds`; their median.
    """
    import numpy as np

    size, shortest, longest = (round(time * RATE / HOP) for time in (seconds, 0.28, 1.3))
    found = []
    for start in range(0, max(1, len(curve) - size + 1), max(1, size // 2)):
        window = curve[start : start + size] - curve[start : start + size].mean()
        powers = np.abs(np.fft.rfft(window, 2 * len(window))) ** 2
        lags = np.fft.irfft(powers)[: len(window)] / (1 - np.arange(len(window)) / len(window))
        near = lags[shortest:longest]
        found.append(float(near.max() / lags[0]) if len(near) and lags[0] > 1e-6 else 0.0)
    return float(np.median(found))


def follow(curve: "np.ndarray", rate: float, settings: BeatSettings) -> "np.ndarray":
    """The frames of the beats in `curve`, the strength of onsets (see `strength`) at `rate` frames per second.

    With D(t, i) the worth of the best beats that end at frame t after an interval i,

        D(t, i) = worth(t) + prior(i) + max over j of (D(t - i, j) - steadiness |i / j - 1|).
    """
    import numpy as np

    intervals = np.arange(round(60 * rate / settings.fastest), round(60 * rate / settings.slowest) + 1)
    count, frames = len(intervals), len(curve)
    if frames < 2 * intervals[0]:
        return np.zeros(0, int)
    worth = settings.onset * (curve - settings.threshold)
    prior = -settings.prior * np.log2(60 * rate / intervals / settings.usual) ** 2
    change = -settings.steadiness * np.abs(intervals[:, None] / intervals[None, :] - 1)
    longest, columns = int(intervals[-1]), np.arange(count)
    # after[t % size, i]: the worth of what ends with a beat at t, when the next interval is i. 0: nothing before.
    size = longest + 1
    after, cause = np.zeros((size, count)), np.zeros((frames, count), np.uint8)
    ends, tails = np.full(frames, -np.inf), np.zeros(frames, np.uint8)
    for frame in range(frames):
        reached = worth[frame] + prior + after[(frame - intervals) % size, columns]
        tails[frame] = best = reached.argmax()
        ends[frame] = reached[best]
        choices = change + reached
        cause[frame] = choices.argmax(axis=1)
        after[frame % size] = choices[columns, cause[frame]]
    frame = int(frames - longest + ends[frames - longest :].argmax()) if frames > longest else int(ends.argmax())
    state, found = int(tails[frame]), []
    while frame >= 0:
        found.append(frame)
        frame -= int(intervals[state])
        if frame >= 0:
            state = int(cause[frame, state])
    return np.array(found[::-1])
