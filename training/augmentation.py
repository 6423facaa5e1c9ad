"""Random augmentation of the parts of a training window, drawn from the window's own generator.

New mixtures teach a network more than repetitions of the same ones (Uhlich et al. 2017 for gain, swapped channels and
instruments from different tracks; Defossez et al. 2019 for pitch and tempo; Ko et al. 2015 for both at once, by
resampling).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from training.config import Augmentation
    from training.sampler import Place, Sampler


def augmented(sampler: "Sampler", place: "Place", random: np.random.Generator) -> np.ndarray:
    """The augmented parts of the window at `place`, float32 (parts, length, channels).

    The last part is everything except the sources, or the last source of a run of the whole song. With
    `other_track`, every part except the first comes from a random track of its own.
    """
    chances, count = sampler.augmentation, sampler.parts
    stretch = _stretch(random, chances)
    elsewhere = _happens(random, chances.other_track)
    places = [place, *(sampler.elsewhere(place, random) if elsewhere else place for _ in range(count - 1))]
    parts = [_cut(sampler, own, number, stretch) for number, own in enumerate(places)]
    for number, chance in enumerate([*[chances.second_instrument] * (count - 1), chances.second_rest]):
        if _happens(random, chance):
            other = sampler.elsewhere(place, random)
            parts[number] = parts[number] + _gain(random, 8) * _cut(sampler, other, number, stretch)
    for number in range(count - 1):
        if _happens(random, chances.silence):
            parts[number] = np.zeros_like(parts[number])
    for number, audio in enumerate(parts):
        audio = audio * _gain(random, chances.gain)
        if _happens(random, chances.polarity):
            audio = -audio
        if _happens(random, chances.swap):
            audio = audio[:, ::-1]
        if _happens(random, chances.filtering):
            audio = filtered(audio, random.normal(0, 3, 6))
        parts[number] = audio
    if _happens(random, chances.mono):
        parts = [np.repeat(audio.mean(1, keepdims=True), audio.shape[1], 1) for audio in parts]
    return np.stack(parts).astype(np.float32)


def _happens(random: np.random.Generator, chance: float) -> bool:
    # Draw nothing if the chance is 0, so that disabled steps do not change the other random choices.
    return chance > 0 and random.random() < chance


def _gain(random: np.random.Generator, spread: float) -> np.float32:
    return np.float32(10 ** (random.uniform(-spread, spread) / 20)) if spread else np.float32(1)


def _stretch(random: np.random.Generator, chances: "Augmentation") -> tuple[float, float] | None:
    """(pitch factor, tempo factor), or None."""
    if _happens(random, chances.resampled):
        faster = 2 ** (random.uniform(-chances.pitch, chances.pitch) / 12)
        return faster, faster
    if not _happens(random, chances.stretched):
        return None
    semitones = random.uniform(-chances.pitch, chances.pitch)
    return 2 ** (semitones / 12), 1 + random.uniform(-chances.tempo, chances.tempo)


def _cut(sampler: "Sampler", place: "Place", part: int, stretch: tuple[float, float] | None) -> np.ndarray:
    if stretch is None or not place.track.parts[part]:
        return sampler.cut(place, part, sampler.length)
    _, tempo = stretch
    audio = sampler.cut(place, part, int(np.ceil(sampler.length * tempo)))
    return stretched(audio, *stretch, sampler.length)


def filtered(audio: np.ndarray, decibels: Sequence[float] | np.ndarray) -> np.ndarray:
    """Filter `audio` (samples, channels) without delay, with a smooth gain through the points `decibels`.

    Six points are at 0, 1/31, 3/31, 7/31, 15/31 and 1 of the Nyquist frequency, about an octave apart.
    """
    from scipy import fft

    length = fft.next_fast_len(len(audio), real=True)
    spectrum = fft.rfft(np.ascontiguousarray(audio.T, np.float32), length)
    octaves = np.log2(1 + 31 * np.linspace(0, 1, spectrum.shape[1])) / 5
    gains = 10 ** (np.interp(octaves, np.linspace(0, 1, len(decibels)), decibels) / 20)
    return fft.irfft(spectrum * gains.astype(np.float32), length)[:, : len(audio)].T


def stretched(audio: np.ndarray, pitch: float, tempo: float, length: int) -> np.ndarray:
    """Multiply the frequencies of `audio` (samples, channels) by `pitch` and its speed by `tempo`: `length` samples.

    A phase vocoder changes the length by the factor pitch / tempo, unless that is 1. Then resampling changes pitch and
    length by the factor `pitch`.
    """
    import soxr

    if pitch != tempo:
        import librosa

        audio = librosa.effects.time_stretch(np.ascontiguousarray(audio.T), rate=tempo / pitch, n_fft=1024).T
    played = soxr.resample(audio, pitch, 1.0, "HQ")
    return np.pad(played[:length], ((0, max(0, length - len(played))), (0, 0))).astype(np.float32)
