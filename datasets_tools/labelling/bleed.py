"""Estimate from the audio alone how much of another instrument can be heard in a stem.

The model for each frequency bin over ten seconds is: stem = own sound + h * other. `other` is the sum of the stems of
another group, and the complex number h describes its path into the stem (level, delay, filter, room). The plain
regression, <stem other*> / <other other*>, fails for music: instruments that play the same notes at the same time are
coherent while a note lasts, and it finds -8 to -34 dB between stems that contain nothing of each other. Instead:

- h is taken where the quotients stem / other of all moments cluster: most sounds are silent most of the time in most
  bins, and at those moments the quotient equals h. This is the minimum of sum log(|stem - h other|^2 + k |other|^2),
  found by regressions with weights of 1 / (|stem - h other|^2 + k |other|^2) while k falls from 1 to 1e-4. Bleed in
  the opposite direction has little effect: at moments when only the other plays, h = 0 fits.
- h is estimated twice, from the even and from the odd seconds. Chance coincidences have a different phase in each: the
  median of Re(h_even h_odd*) over 128 neighbouring bins (690 Hz) is |h|^2, and close to zero without bleed.
- The sum of |h|^2 times the other's power, divided by the other's power, is the window's share. The median of all
  windows is the level, unless it is less than 2.5 standard errors above zero.

Each group is compared separately, since usually only one of them bleeds: a regression on the sum of all groups finds
7 dB too little, or nothing. Frames of 0.19 s are long enough for the delays and most of the echoes of a room. Channels
are averaged.

Accuracy, measured over 40 s. In 72 pairs of independent stems from songs of `splitstrument band`, bleed of -10 dB is
always found, within 1 dB. Bleed of -20 dB is found in 97 %, mostly within 0.3 dB and always within 3 dB, even if it is
delayed by 5 ms or dull; if half of it is a room's diffuse echo, the level is 2 to 4 dB too low. Bleed of -30 dB is
found in 82 %, within 4 dB. In eight recordings of heavy metal, guitars against everything else, -20 dB is always
found, within 0.5 dB, and -30 dB in 96 %. The hardest case is everything else against guitars that never pause: -20 dB
is found in 74 %, within 4 dB, and -30 dB in 13 %. In 262 pairs without bleed nothing is found. Bleed of -20 dB in the
opposite direction is mistaken for bleed in 24 % of the pairs, mostly at -42 dB.
"""

from dataclasses import dataclass
from statistics import median

import numpy as np

WINDOW = 10  # seconds
_SHORTEST = 4.0  # seconds; bleed of -20 dB is then found within 2 dB, and in 10 s within 0.4 dB
_FRAME = 0.19  # seconds
_BINS = 128
_SURE = 2.5  # standard errors above zero
# dBFS; at or below the first (the thesis's silence) the other is silent, at or below the second (16-bit rounding) the
# stem is silent.
_OTHER_SILENT, _STEM_SILENT = -50.0, -90.0
# Bleed in a stem is at most twice as loud as in its own stem; a larger h means that the stem bleeds into the other.
_MOST = 2.0
_STEPS = (1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4)


@dataclass(frozen=True)
class Bleed:
    """The bleed of another group over time: for each WINDOW the `bleed_share`, (share, standard error) or None."""

    shares: tuple[tuple[float, float] | None, ...]

    @property
    def level(self) -> float | None:
        """The level of the other in the stem, in dB relative to its own stem; median over time; None if not found."""
        known = [share for share in self.shares if share is not None]
        if not known:
            return None
        share = median(share for share, _ in known)
        # The standard error of a median is 1.25 times that of a mean, and windows with large errors hardly affect it.
        error = 1.25 * median(error for _, error in known) / np.sqrt(len(known))
        return _decibels(share) if share > _SURE * error else None

    @property
    def peak(self) -> tuple[float, float] | None:
        """(level in dB, start in seconds) of the window with the most certain bleed; None if `level` is None."""
        if self.level is None:
            return None
        shares = [share or (0.0, np.inf) for share in self.shares]
        window = int(np.argmax([share - _SURE * error for share, error in shares]))
        return _decibels(shares[window][0]), float(WINDOW * window)


def bleed_share(stem: np.ndarray, other: np.ndarray, sample_rate: int) -> tuple[float, float] | None:
    """The share of `other` in `stem` and its standard error in one window, as energies relative to the other's energy.

    Both are float32 (frames,) at `sample_rate` in Hz, full scale 1; the comparison ends with the shorter one. None if
    one is silent or shorter than four seconds. Without bleed, the share is positive or negative with equal chance.
    """
    frames = min(len(stem), len(other))
    if frames < _SHORTEST * sample_rate:
        return None
    stem, other = stem[:frames], other[:frames]
    if _power(other) <= _OTHER_SILENT or _power(stem) <= _STEM_SILENT:
        return None
    size = 2 ** round(np.log2(_FRAME * sample_rate))
    heard, source = _spectra(stem, size), _spectra(other, size)
    odd = (np.arange(len(source)) * (size // 2) // sample_rate) % 2 == 1
    # Real part: the phase of a true h is the same in both halves.
    product = (_through(heard[odd], source[odd]) * _through(heard[~odd], source[~odd]).conj()).real
    power = np.square(np.abs(source)).sum(axis=0)
    bands = len(power) // _BINS
    product, power = (bins[: bands * _BINS].reshape(bands, _BINS) for bins in (product, power))
    shares, powers = np.median(product, axis=1), power.sum(axis=1) / power.sum()
    # Chance products follow roughly the Laplace distribution, exp(-|x| / b) / 2b. Its median absolute deviation is
    # b log 2, and the standard error of the median of n values is b / sqrt(n). Half of the 128 bins are independent.
    errors = np.median(np.abs(product - shares[:, None]), axis=1) / np.log(2) / np.sqrt(_BINS / 2)
    return float(shares @ powers), float(np.linalg.norm(errors * powers))


def _decibels(share: float) -> float:
    return float(10 * np.log10(max(share, 1e-30)))


def _power(sound: np.ndarray) -> float:
    return _decibels(np.square(sound).mean())


def _spectra(sound: np.ndarray, size: int) -> np.ndarray:
    """Spectra of half-overlapping Hann windows, complex64 (windows, size / 2 + 1)."""
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(sound, size)[:: size // 2]
    return np.fft.rfft(windows * window, axis=1).astype(np.complex64)


def _through(heard: np.ndarray, source: np.ndarray) -> np.ndarray:
    """h of each bin: how much of `source` is in `heard`, (windows, bins) each; 0 if it is implausibly large."""
    product, power = heard * source.conj(), np.square(np.abs(source))
    h = np.zeros(source.shape[1], np.complex64)
    for step in _STEPS:
        weights = 1 / (np.square(np.abs(heard - h * source)) + step * power + 1e-10)
        h = (weights * product).sum(axis=0) / ((weights * power).sum(axis=0) + 1e-20)
    return np.where(np.abs(h) > _MOST, 0, h)
