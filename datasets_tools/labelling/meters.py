"""Measure one stem as a stream: silence, clipping, offset, width, loudness, spectrum.

Audio is float32 (frames, channels), full scale 1; levels are in decibels relative to full scale, or in LUFS.
"""

from dataclasses import dataclass

import numpy as np

from datasets_tools.loudness import Loudness

SILENCE = -50.0  # dBFS RMS; a second at or below it is silent (thesis, section 4.3.3)
_RUN = 3  # equal samples in a row, at the peak, that make a clip
# If the sample before a run is less than this below the peak, the run may be the rounded top of a slow wave: if a
# parabola in 16 bit has three equal samples, the next one is at most 4 steps lower. Clipped waves are steeper.
_SLOPE = 8 * 2.0**-15
_EDGE = 25.0  # dB; the minimum drop at the edge of a band-limited sound


@dataclass(frozen=True)
class Measures:
    """What a Meter measured.

    silent_share: the share of silent seconds. clips: the number of runs of 3 or more equal samples at the highest or
    lowest value. peak: the largest magnitude. offset: the largest mean of any channel. side: the level of half the
    difference of two channels relative to half their sum in dB; None unless there are two channels with sound.
    loudness: LUFS, or None. edge: the frequency in Hz above which the spectrum suddenly ends, or None.
    """

    frames: int
    sample_rate: int
    silent_share: float
    clips: int
    peak: float
    offset: float
    side: float | None
    loudness: float | None
    edge: float | None

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate


class Meter:
    """Measure a stream of blocks in bounded memory. All blocks but the last must last a whole number of seconds."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._rate, self._channels = sample_rate, channels
        self._frames = self._silent = 0
        self._sum = np.zeros(channels)
        self._mid = self._side = 0.0
        self._tops, self._bottoms = _Tops(channels), _Tops(channels)
        self._loudness = Loudness(sample_rate, channels)
        self._spectrum = _Spectrum(sample_rate)

    def add(self, block: np.ndarray) -> None:
        """Measure the next `block`, float32 (frames, channels)."""
        self._frames += len(block)
        self._sum += block.sum(axis=0, dtype=np.float64)
        for at in range(0, len(block), self._rate):
            second = block[at : at + self._rate]
            if _energy(second) <= second.size * 10 ** (SILENCE / 10):
                self._silent += len(second)
        if self._channels == 2:
            left, right = block.T
            self._mid += _energy(left + right)
            self._side += _energy(left - right)
        self._tops.add(block)
        self._bottoms.add(-block)
        self._loudness.add(block)
        self._spectrum.add(block)

    def measures(self) -> Measures:
        """The Measures of everything so far, at least one frame."""
        side = None
        if self._mid + self._side > 0:
            side = float(10 * np.log10((self._side + 1e-30) / (self._mid + 1e-30)))
        return Measures(
            self._frames,
            self._rate,
            self._silent / self._frames,
            self._tops.runs + self._bottoms.runs,
            max(self._tops.peak, self._bottoms.peak),
            float(np.abs(self._sum).max() / self._frames),
            side,
            self._loudness.value(),
            self._spectrum.edge(),
        )


def _energy(sound: np.ndarray) -> float:
    return float(np.vdot(sound, sound))


class _Tops:
    """The highest value of a stream, and how often a steep wave stays at it for _RUN samples or longer."""

    def __init__(self, channels: int) -> None:
        self.peak, self.runs = 0.0, 0
        self._tail = np.zeros((_RUN, channels), np.float32)

    def add(self, block: np.ndarray) -> None:
        joined = np.concatenate([self._tail, block])
        self._tail = joined[-_RUN:]
        peak = float(joined.max())
        if peak > self.peak:
            self.peak, self.runs = peak, 0
        if self.peak == 0 or peak < self.peak:
            return
        at = joined == np.float32(peak)
        starts = joined[:-_RUN] < peak - _SLOPE
        for step in range(1, _RUN + 1):
            starts = starts & at[step : len(at) - _RUN + step]
        self.runs += int(starts.sum())


class _Spectrum:
    """The long-term average spectrum, in bands of about 100 Hz."""

    def __init__(self, sample_rate: int) -> None:
        self._size = 2 ** round(np.log2(sample_rate / 20))  # frames of about 50 ms
        self._bin = sample_rate / self._size
        self._power = np.zeros(self._size // 2 + 1)
        # A Kaiser window with beta 14: beyond 100 Hz, the leakage of a tone cannot look like sound below an edge.
        self._window = np.kaiser(self._size, 14)[:, None].astype(np.float32)

    def add(self, block: np.ndarray) -> None:
        for at in range(0, len(block) - self._size + 1, self._size):
            spectrum = np.fft.rfft(block[at : at + self._size] * self._window, axis=0)
            self._power += np.square(np.abs(spectrum)).sum(axis=1)

    def edge(self) -> float | None:
        """The frequency at which the spectrum breaks off, in Hz, or None.

        At an edge, the median of the 500 Hz below is 25 dB above everything from 200 Hz above it. No instrument falls
        off so steeply, but the filters of encoders and resamplers do. The search excludes the range below 3 kHz, where
        single bass notes could look like an edge, and the end of the spectrum, where converters filter.
        """
        width = max(1, round(100 / self._bin))
        bands = self._power[: len(self._power) // width * width].reshape(-1, width).sum(axis=1)
        levels = 10 * np.log10(bands + 1e-30)
        hertz = width * self._bin
        first, last = int(3000 / hertz), int(0.93 * len(self._power) * self._bin / hertz)
        drops = {k: np.median(levels[k - 5 : k]) - levels[k + 2 :].max() for k in range(max(first, 5), last)}
        best = max(drops, key=lambda band: drops[band], default=None)
        return best * hertz if best is not None and drops[best] >= _EDGE else None
