"""How much of a track's other stems can be heard in one of them, from the sounds alone.

The model, for each frequency bin over ten seconds: stem = own sound + h * rest, where `rest` is the sum of the stems of
the other groups and h, a complex number, is how it comes through (level, delay, filter, room). The plain regression,
<stem rest*> / <rest rest*>, is of no use in music: instruments that play the same notes at the same time are coherent
for as long as a note lasts, and between stems that have nothing of each other it finds -8 to -34 dB. Instead

- h is where the quotients stem / rest of the moments heap up: most sounds are silent most of the time in most bins, and
  at those moments the quotient is just h. That is the minimum of sum log(|stem - h rest|^2 + k |rest|^2), found by
  weighted regressions with weights of 1 / (that) while k falls from 1 to 1e-4. Where the rest has taken up some of the
  stem, the moments at which only the rest sounds say h = 0: bleed the other way round mostly counts for nothing;
- h is found twice, from the even and from the odd seconds. What coincides by chance does so with another phase in each:
  the median of Re(h_even h_odd*) over 128 neighbouring bins (690 Hz) is |h|^2, and near nothing without bleed;
- the sum of |h|^2 times the rest's power, over the rest's power, is the level; none is told that is not above nothing
  by two standard errors.

Windows of 0.19 s hold the delays and most of the echoes of a room. Of channels the mean is heard.

Measured, medians of four windows. Songs of `splitstrument band`, 24 stems of independent instruments: bleed of -10 to
-30 dB is found within 0.2 dB, also 5 ms late or without its treble; with a room's diffuse echo as loud as the direct
sound 1.4 to 3.5 dB too low; of -40 dB mostly. Eight recordings of heavy metal, the guitars against all else: -10 to -30
dB within 0.7 dB. Hardest is all else against two distorted guitars that never rest: -10 dB comes out up to 4 dB too
low, and half of what bleeds at -20 dB is not found. In clean stems nothing is found in any of these 40. The other way
round, where the rest has bleed of -20 dB from a stem: nothing in most stems of the bands, -36 dB at worst; -29 dB at
worst for the metal guitars, and for the hardest -12 dB.
"""

from dataclasses import dataclass
from statistics import median

import numpy as np

WINDOW = 10  # seconds
FLOOR = -80.0  # dB; less is told as this
_SHORTEST = 4.0  # seconds; bleed of -20 dB is found within 2 dB, and 0.4 dB in 10 s
_FRAME = 0.19  # seconds
_BINS = 128
_SURE = 2.0  # standard errors above nothing
# dBFS: below the first (the thesis's silence) the rest does not sound, below the second (16-bit rounding) the stem.
_REST_SILENT, _STEM_SILENT = -50.0, -90.0
# A stem cannot hear others louder than twice what they are themselves; a larger h is the stem as heard in the rest.
_MOST = 2.0
_STEPS = (1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4)


@dataclass(frozen=True)
class Bleed:
    """The levels of the others in a stem relative to their own in dB, one for each WINDOW; None where one is silent."""

    levels: tuple[float | None, ...]

    @property
    def median(self):
        """The median of the windows that have a level, or None."""
        return median(self._known()) if self._known() else None

    @property
    def most(self):
        """The highest level, or None."""
        return max(self._known(), default=None)

    @property
    def time(self):
        """When the window with the highest level begins, in seconds, or None."""
        return None if self.most is None else float(WINDOW * self.levels.index(self.most))

    def _known(self):
        return [level for level in self.levels if level is not None]


def bleed_level(stem, rest, sample_rate):
    """The level of `rest` in `stem` relative to its own in dB, FLOOR at least, over one window; None if one is silent.

    Both are float32 (frames,) at `sample_rate` in Hz, full scale 1; where one ends, so does the comparison. Under four
    seconds there is too little to compare: None.
    """
    frames = min(len(stem), len(rest))
    if frames < _SHORTEST * sample_rate:
        return None
    stem, rest = stem[:frames], rest[:frames]
    if _decibels(rest) <= _REST_SILENT or _decibels(stem) <= _STEM_SILENT:
        return None
    size = 2 ** round(np.log2(_FRAME * sample_rate))
    heard, source = _spectra(stem, size), _spectra(rest, size)
    odd = (np.arange(len(source)) * (size // 2) // sample_rate) % 2 == 1
    # Real parts: the phase of a true h is the same in both halves.
    product = (_through(heard[odd], source[odd]) * _through(heard[~odd], source[~odd]).conj()).real
    power = np.square(np.abs(source)).sum(axis=0)
    bands = len(power) // _BINS
    product, power = (each[: bands * _BINS].reshape(bands, _BINS) for each in (product, power))
    shares, powers = np.median(product, axis=1), power.sum(axis=1)
    # Products of chance have about Laplace's distribution, exp(-|x| / b) / 2b: their median absolute deviation is
    # b log 2, the standard error of the median of n b / sqrt(n), and of 128 bins half are independent.
    errors = np.median(np.abs(product - shares[:, None]), axis=1) / np.log(2) / np.sqrt(_BINS / 2)
    energy = shares @ powers
    if energy <= _SURE * np.linalg.norm(errors * powers):
        return FLOOR
    return max(FLOOR, float(10 * np.log10(energy / powers.sum())))


def _decibels(sound):
    return 10 * np.log10(np.square(sound).mean() + 1e-30)


def _spectra(sound, size):
    """Spectra of half-overlapping Hann windows, complex64 (windows, size / 2 + 1)."""
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(sound, size)[:: size // 2]
    return np.fft.rfft(windows * window, axis=1).astype(np.complex64)


def _through(heard, source):
    """h of each bin: how `source` comes through in `heard`, (windows, bins) each; 0 where it is beyond reason."""
    product, power = heard * source.conj(), np.square(np.abs(source))
    h = np.zeros(source.shape[1], np.complex64)
    for step in _STEPS:
        weights = 1 / (np.square(np.abs(heard - h * source)) + step * power + 1e-10)
        h = (weights * product).sum(axis=0) / ((weights * power).sum(axis=0) + 1e-20)
    return np.where(np.abs(h) > _MOST, 0, h)
