"""A singing voice for one part: glottal pulses with vibrato, filtered by a vocal tract, and breath.

The vocal tract sings vowels or spoken words (`datasets_tools.synthesis.speech`). It does not imitate a person, but it
moves between pitches and sounds as voices do and sampled choirs do not. In the backing of a song, a network must learn
to tell such voices from a guitar.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from datasets_tools.synthesis import speech
from datasets_tools.synthesis.scores import Note, Part
from datasets_tools.synthesis.strings import hertz_of

# The first five resonances in Hz of the vowels a, e, i, o, u of a man's voice, and their levels in dB (Fant 1960;
# Csound's table of formants, which many singing synthesisers use).
VOWELS = np.array(
    [
        [[650, 1080, 2650, 2900, 3250], [0, -6, -7, -8, -22]],
        [[400, 1700, 2600, 3200, 3580], [0, -14, -12, -14, -20]],
        [[290, 1870, 2800, 3250, 3540], [0, -15, -18, -20, -30]],
        [[400, 800, 2600, 2800, 3000], [0, -10, -12, -12, -26]],
        [[350, 600, 2700, 2900, 3300], [0, -20, -17, -14, -26]],
    ]
)
WIDTHS = np.array([80, 90, 120, 130, 140])  # Hz
FRAME = 256  # samples with the same spectral envelope
HARMONICS, HIGHEST = 60, 9000  # Hz


class Vowels:
    """A vocal tract that sings a random vowel for each note."""

    def __init__(self, notes: Iterable[Note], count: int, step: float, random: np.random.Generator) -> None:
        weights = np.zeros((count, len(VOWELS)))
        weights[:, 0] = 1
        for note in notes:
            weights[round(note.start / step) :] = np.eye(len(VOWELS))[random.integers(len(VOWELS))]
        glide = np.exp(-np.arange(0, 0.3, step) / 0.04)
        weights = np.stack([_follow(weight, glide) for weight in weights.T], 1)
        size = random.uniform(1.0, 1.22)  # of the vocal tract: a woman's resonances are higher
        self.centres, self.levels = weights @ VOWELS[:, 0] * size, 10 ** (weights @ VOWELS[:, 1] / 20)
        self.tilt = random.uniform(0.6, 1.3)
        self.voiced = np.full(count, 0.98)

    def gains(self, hertz: np.ndarray) -> np.ndarray:
        """The gain, (count,), of a tone at `hertz`, (count,), in each frame."""
        resonances = self.levels / np.sqrt(1 + ((hertz[:, None] - self.centres) / (WIDTHS / 2)) ** 2)
        return resonances.sum(1) * (hertz / 200) ** -self.tilt


class Words:
    """A vocal tract that sings words, one syllable per note."""

    def __init__(self, notes: Sequence[Note], count: int, step: float, random: np.random.Generator) -> None:
        words = speech.speak(min(len(notes), 60) + 4, random)
        self.places = speech.sung(words, notes, count, step)
        self.envelope = words.envelope - words.envelope.max()
        self.voiced = np.interp(self.places, np.arange(len(words.voiced)), words.voiced)
        self.size = random.uniform(0.92, 1.12)

    def gains(self, hertz: np.ndarray) -> np.ndarray:
        from scipy.ndimage import map_coordinates

        bins = np.minimum(hertz / self.size * speech.SIZE / speech.RATE, speech.SIZE / 2)
        # Above the recorded range, the level falls by 24 dB per octave.
        above = 80 * np.log10(np.maximum(hertz / self.size / (speech.RATE / 2), 1))
        decibels = map_coordinates(self.envelope, [self.places, bins], order=1, mode="nearest") - above
        return 10 ** (decibels / 20)


def sing(
    part: Part, seconds: float, random: np.random.Generator, rate: int, throat: type[Vowels] | type[Words] = Vowels
) -> np.ndarray:
    """Sing the notes of a Part: float32 (seconds * rate, 2). Of simultaneous notes, only the latest is sung.

    `throat`: Vowels, or Words, which raises ValueError if Flite fails.
    """
    frames, step = round(seconds * rate), FRAME / rate
    notes = sorted(part.notes, key=lambda note: note.start)
    count = frames // FRAME + 2
    throat = throat(notes, count, step, random)
    pitch, level = _curves(notes, count, step, random)
    time = np.arange(frames) / FRAME
    depth, speed = random.uniform(0.1, 0.6), random.uniform(4.5, 6.5)
    vibrato = depth * np.sin(2 * np.pi * speed * np.arange(frames) / rate + random.uniform(0, 6))
    hertz = hertz_of(np.interp(time, np.arange(count), pitch) + vibrato)
    phase = (2 * np.pi * np.cumsum(hertz / rate) % (2 * np.pi)).astype(np.float32)
    slow, sound = hertz_of(pitch), np.zeros(frames, np.float32)
    for harmonic in range(1, int(min(HARMONICS, HIGHEST / slow.min())) + 1):
        gain = throat.gains(harmonic * slow) * throat.voiced * (harmonic * slow < 0.45 * rate)
        sound += np.interp(time, np.arange(count), gain).astype(np.float32) * np.sin(harmonic * phase)
    breath = 10 ** (random.uniform(-10, 4) / 20)
    sound = np.interp(time, np.arange(count), level) * (sound + breath * _hiss(throat, frames, count, rate, random))
    return np.repeat(sound[:, None], 2, 1).astype(np.float32)


def _hiss(throat: Vowels | Words, frames: int, count: int, rate: int, random: np.random.Generator) -> np.ndarray:
    """Noise, filtered by the vocal tract, where the voice is unvoiced."""
    from scipy.signal import istft, stft

    noise = random.standard_normal(count * FRAME)
    bins, _, spectrum = stft(noise, rate, nperseg=2 * FRAME, noverlap=FRAME)
    weights = np.interp(np.arange(spectrum.shape[1]), np.arange(count), 1 - throat.voiced)
    for index, hertz in enumerate(bins[1:], 1):
        gain = throat.gains(np.full(count, hertz))
        spectrum[index] *= np.interp(np.arange(spectrum.shape[1]), np.arange(count), gain) * weights
    spectrum[0] = 0
    return istft(spectrum, rate, nperseg=2 * FRAME, noverlap=FRAME)[1][:frames]


def _curves(
    notes: Sequence[Note], count: int, step: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(pitch, level) at each of `count` frames, `step` seconds apart, with glides from note to note."""
    times = np.arange(count) * step
    pitch, level = np.full(count, float(notes[0].pitch) if notes else 60.0), np.zeros(count)
    for note in notes:
        first, last = np.searchsorted(times, [note.start, note.end])
        pitch[first:] = note.pitch
        level[first:last] = note.velocity / 100
        level[last:] = 0
    glide = np.exp(-np.arange(0, 0.3, step) / random.uniform(0.02, 0.06))
    return _follow(pitch, glide), _follow(level, np.exp(-np.arange(0, 0.2, step) / 0.025))


def _follow(curve: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    kernel = kernel / kernel.sum()
    return np.convolve(np.concatenate([np.full(len(kernel), curve[0]), curve]), kernel)[len(kernel) :][: len(curve)]
