"""Compute single notes of plucked strings, pianos, electric pianos and organs."""

from typing import Any

import numpy as np


def hertz_of(pitch: Any) -> Any:
    """The frequency in Hz of a MIDI pitch (a number or an array); 69 is 440 Hz."""
    return 440 * 2 ** ((pitch - 69) / 12)


def pluck(
    hertz: float,
    seconds: float,
    sample_rate: int,
    rng: np.random.Generator,
    pick: float = 0.13,
    pickup: float = 0.25,
    bright: float = 4000.0,
    sustain: float = 6.0,
    treble: float = 1.0,
) -> np.ndarray:
    """A plucked string, (frames,), with RMS near 1 at the start (Karplus and Strong 1983; Jaffe and Smith 1983).

    `pick` and `pickup` are positions as fractions of the string. `bright` is the frequency in Hz at which the pluck is
    down to 1/e. `sustain` and `treble` are the seconds in which the fundamental and 3 kHz fall by 60 dB.
    """
    # The loop's period is `delay`, plus 1 in the damping filter and `lag` in the third-order Lagrange interpolator.
    delay = int(sample_rate / hertz) - 2
    lag = sample_rate / hertz - 1 - delay
    fraction = [np.prod([(lag - m) / (k - m) for m in range(4) if m != k]) for k in range(4)]
    # A decay of 60 dB in T seconds is a gain of 10^(-3 / (f T)) per period. The filter (a, 1 - 2a, a) has the gain
    # 1 - 2a (1 - cos w), which at 3 kHz must equal the ratio of the two gains.
    ratio = 10 ** (-3 / hertz * (1 / treble - 1 / sustain))
    a = min((1 - ratio) / (2 - 2 * np.cos(2 * np.pi * min(3000 / sample_rate, 0.25))), 0.25)
    loop = 10 ** (-3 / (hertz * sustain)) * np.convolve([a, 1 - 2 * a, a], fraction)
    # The velocity of an ideal pluck has harmonics sin(pi n pick) / n; a pickup scales each by sin(pi n pickup).
    length = round(sample_rate / hertz)
    n = np.arange(1, (length + 1) // 2)
    shape = np.sin(np.pi * n * pick) * np.sin(np.pi * n * pickup) / n * np.exp(-n * hertz / bright)
    shape = shape * rng.normal(1, 0.15, len(n)) * np.exp(1j * rng.normal(0, 0.5, len(n)))
    wave = np.fft.irfft(np.concatenate([[0], shape]), length)
    past, frames = delay + len(loop), round(seconds * sample_rate)
    string = np.concatenate([np.resize(wave / np.std(wave), past), np.zeros(frames + delay)])
    # Samples only depend on samples at least one delay earlier, so whole blocks are filtered at once.
    for start in range(past, past + frames, delay):
        string[start : start + delay] = np.convolve(string[start - past + 1 : start], loop, "valid")
    return string[past : past + frames]


def key(
    hertz: float,
    seconds: float,
    sample_rate: int,
    velocity: float,
    stiffness: float,
    bright: float,
    sustain: float,
    damping: float,
) -> np.ndarray:
    """A note of a piano, electric piano or organ, (frames,), with parameters from band.KEYBOARDS."""
    # A stiff string has partials n f sqrt(1 + B n^2) (Fletcher 1964) and is struck at 1/8 of its length. Two strings
    # with slightly different pitch and decay beat, which gives the decay a second, slower stage.
    n, (tune, gain, hold) = np.arange(1, 25), np.array([[1, 1.0005], [1, 0.4], [1, 3]])[:, :, None]
    partial = (tune * hertz * n * np.sqrt(1 + stiffness * (hertz / 262) * n**2)).ravel()
    amplitude = (gain * np.sin(np.pi * n / 8) / n * np.exp(-n * hertz / (bright * velocity))).ravel()
    decay = (hold * sustain * (262 / hertz) ** 0.6 / (1 + damping * n)).ravel()
    amplitude[partial > 0.45 * sample_rate] = 0
    pole = (-1 / decay + 2j * np.pi * partial) / sample_rate
    # exp(p (256 i + j)) = exp(256 p i) exp(p j): the sum over the partials becomes one matrix product.
    time = np.arange(round(seconds * sample_rate))
    note = np.exp(pole * time[::256, None]) @ (amplitude[:, None] * np.exp(pole[:, None] * np.arange(256)))
    return velocity * note.imag.ravel()[: len(time)] * np.minimum(time / (0.004 * sample_rate), 1)
