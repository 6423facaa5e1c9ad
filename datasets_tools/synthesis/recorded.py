"""Recorded playing made into parts of songs: direct guitars through amplifiers, clips in a row, solos over a backing.

Sounds are float32 (frames, channels); the random choices come from the given numpy Generator.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from datasets_tools.synthesis import effects
from datasets_tools.synthesis.amplifier import amplified
from datasets_tools.synthesis.effects import level_normalised, placed

LEVEL = -20.0  # dBFS, of what sounds
_TAPS = 4096  # of a cabinet: a tenth of a second, without the room behind it
_FADE = 0.01  # s


def impulse_response(path: str | Path, rate: int) -> np.ndarray:
    """The beginning of a recorded impulse response at `rate`, its channels as one, of unit energy: (taps,).

    Raises AudioError for a file that cannot be read, ValueError for silence.
    """
    from scipy.signal import resample_poly

    from splitstrument.files.audio import open_audio

    with open_audio(Path(path)) as reader:
        own = reader.info.sample_rate
        signal = np.concatenate(list(reader.blocks(1 << 16))).mean(1).astype(np.float64)
    if own != rate:
        ratio = Fraction(rate, own)
        signal = resample_poly(signal, ratio.numerator, ratio.denominator)
    signal = signal[:_TAPS]
    power = (signal**2).sum()
    if power < 1e-12:
        raise ValueError(f"{path}: is silent")
    return signal / np.sqrt(power)


def reamped(
    audio: np.ndarray, drive: float, random: np.random.Generator, rate: int, response: np.ndarray | None = None
) -> np.ndarray:
    """A guitar's direct signal as it is on a record: (frames, 2), what sounds at LEVEL.

    An amplifier of `drive` dB with the cabinet's `response` (a random one unless given), an equaliser, sometimes a
    chorus and echoes, a place between the loudspeakers and mostly a room.
    """
    sound = amplified(level_normalised(_stereo(audio), LEVEL, rate), drive, random, rate, response)
    sound = effects.filtered(level_normalised(sound, LEVEL, rate), effects.equaliser(random, rate, (-3.0, 6.0)))
    if random.random() < 0.3:
        sound = effects.chorused(sound, random, rate)
    if random.random() < 0.2:
        sound = effects.echoing(sound, random, rate)
    sound = placed(level_normalised(sound, LEVEL, rate), random.uniform(-0.7, 0.7))
    if random.random() < 0.6:
        sound = effects.roomy(sound, random, rate)
    return level_normalised(sound, LEVEL, rate)


def at_speed(audio: np.ndarray, semitones: float) -> np.ndarray:
    """`audio` played faster and higher by `semitones`, or slower and lower."""
    from scipy.signal import resample_poly

    if not semitones:
        return audio
    ratio = Fraction(2 ** (-semitones / 12)).limit_denominator(30)
    return resample_poly(audio, ratio.numerator, ratio.denominator, axis=0).astype(np.float32)


def row(
    clips: Sequence[np.ndarray], seconds: float, gap: tuple[float, float], random: np.random.Generator, rate: int
) -> np.ndarray:
    """`seconds` of random clips one after the other, (frames, 2), each faded at its end.

    `gap`: the least and the most seconds between the end of one and the start of the next; below 0 they overlap.
    """
    total, fade = round(seconds * rate), round(_FADE * rate)
    made, start = np.zeros((total, 2), np.float32), 0
    while start < total:
        clip = _stereo(clips[int(random.integers(len(clips)))]).copy()
        clip[-fade:] *= np.linspace(1, 0, len(clip[-fade:]), dtype=np.float32)[:, None]
        count = min(len(clip), total - start)
        made[start : start + count] += clip[:count]
        # However much they overlap, the row goes on.
        start += max(fade, len(clip) + round(random.uniform(*gap) * rate))
    return made


def backing(parts: Sequence[np.ndarray], frames: int, random: np.random.Generator, rate: int) -> np.ndarray:
    """The sum of excerpts of `parts`, `frames` long and within some dB of LEVEL: (frames, 2), not above full scale."""
    total = np.zeros((frames, 2), np.float32)
    for part in parts:
        sound = _stereo(part)
        sound = np.tile(sound, (-(-frames // len(sound)), 1))
        start = int(random.integers(len(sound) - frames + 1))
        total += level_normalised(sound[start : start + frames], LEVEL + random.normal(0, 2.5), rate)
    return total / np.float32(max(1.0, float(np.abs(total).max())))


def _stereo(audio: np.ndarray) -> np.ndarray:
    return np.broadcast_to(audio.astype(np.float32, copy=False), (len(audio), 2))
