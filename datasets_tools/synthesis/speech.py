"""Words spoken by Flite (Debian's package `flite`; its voices are made from recordings), as envelopes for singing.

Each sung note gets a syllable: consonants at the speed of speech, and a vowel as long as the note.
"""

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets_tools.synthesis.scores import Note

VOICES = ("slt", "rms", "awb", "kal16")
RATE, STEP, SIZE = 16000, 80, 512  # Hz; samples between frames (5 ms) and of their spectra
_WORDS = """
hold me now and never let go of the light in your eyes when rivers run down to the sea all night long we were
young again falling over broken stones oh my heart is calling home where have you been so far away from here
tell them why this fire keeps burning slow inside every shadow summer rain is gone before morning comes around
nobody knows how to leave it behind just one more time baby stay with somebody true until tomorrow finds us
"""


@dataclass(frozen=True)
class Speech:
    """Frames of 5 ms: `envelope` in dB, (frames, 257 bins to 8 kHz), and `voiced`, 0 to 1.

    `syllables`: the frames (start, vowel, end) of each syllable.
    """

    envelope: np.ndarray
    voiced: np.ndarray
    syllables: tuple[tuple[int, int, int], ...]


def installed() -> bool:
    """Whether Flite is installed."""
    return bool(shutil.which("flite"))


def speak(count: int, random: np.random.Generator) -> Speech:
    """A Speech of about `count` random words by one of VOICES. Raises ValueError if Flite fails."""
    text = " ".join(str(word) for word in random.choice(_WORDS.split(), count))
    return _analysed(str(random.choice(VOICES)), text)


@functools.lru_cache(maxsize=8)
def _analysed(voice: str, text: str) -> Speech:
    import soundfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
        try:
            subprocess.run(command, capture_output=True, timeout=60, check=True)
            sound, rate = soundfile.read(path)
        except (OSError, subprocess.SubprocessError, soundfile.LibsndfileError) as error:
            raise ValueError(f"flite failed: {error}") from None
    if rate != RATE:
        import soxr

        sound = soxr.resample(sound, rate, RATE)
    return analysed(sound)


def analysed(sound: np.ndarray) -> Speech:
    """Analyse a recording, (samples,) at 16 kHz."""
    padded = np.pad(sound, (SIZE // 2, SIZE))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::STEP][: len(sound) // STEP]
    power = np.abs(np.fft.rfft(frames * np.hanning(400), SIZE)) ** 2
    # The first 1.9 ms of the cepstrum describe the vocal tract; the pitch follows later.
    cepstrum = np.fft.irfft(np.log(power + 1e-9))
    cepstrum[:, 30:-29] = 0
    envelope = 10 / np.log(10) * np.fft.rfft(cepstrum).real
    bins = np.fft.rfftfreq(SIZE, 1 / RATE)
    low, high = power[:, (bins > 80) & (bins < 1200)].sum(1), power[:, bins > 3000].sum(1)
    voiced = 1 / (1 + np.exp(-(10 * np.log10((low + 1e-9) / (high + 1e-9)) - 3) / 3))
    return Speech(envelope, voiced, _syllables(10 * np.log10(low + 1e-6)))


def _syllables(level: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    """(start, vowel, end) frames around each peak of the low band's level in dB; the peaks are vowels."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    smooth = gaussian_filter1d(level, 5)
    peaks, _ = find_peaks(smooth, height=smooth.max() - 25, distance=18, prominence=1.5)
    edges = [0, *(int(a + smooth[a:b].argmin()) for a, b in zip(peaks[:-1], peaks[1:], strict=True)), len(level) - 1]
    return tuple((start, int(peak), end) for start, peak, end in zip(edges[:-1], peaks, edges[1:], strict=True))


def sung(speech: Speech, notes: Iterable[Note], count: int, step: float) -> np.ndarray:
    """The frame of the Speech to sing at each of `count` times, `step` seconds apart, one syllable per note."""
    places = np.zeros(count)
    for number, note in enumerate(notes):
        start, vowel, end = speech.syllables[number % len(speech.syllables)]
        first, last = round(note.start / step), max(round(note.end / step), round(note.start / step) + 2)
        length = (last - first) * step / 0.005  # in frames of speech
        before, after = min(vowel - start, length * 0.3), min(end - vowel, length * 0.3)
        times = np.array([0, before, max(length - after, before + 1), max(length, before + 2)])
        frames = [vowel - before, vowel, min(vowel + 0.2 * (end - vowel), end), end]
        inside = np.arange(first, min(last, count))
        places[inside] = np.interp((inside - first) * step / 0.005, times, frames)
        places[min(last, count) :] = end
    return np.clip(places, 0, len(speech.envelope) - 1)
