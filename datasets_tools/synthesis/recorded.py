"""Make song parts from recordings: direct guitars through amplifiers, sequences of clips, solos over a backing.

Audio is float32 (frames, channels); random choices use the given NumPy Generator.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from datasets_tools.synthesis import effects
from datasets_tools.synthesis.amplifier import amplified
from datasets_tools.synthesis.effects import level_normalised, placed

LEVEL = -20.0  # dBFS, of the active parts
_TAPS = 4096  # a tenth of a second: the cabinet without the room behind it
_FADE = 0.01  # s


def impulse_response(path: str | Path, rate: int) -> np.ndarray:
    """The beginning of a recorded impulse response at `rate`, mixed to one channel, with unit energy: (taps,).

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
    """Make the direct signal of a guitar sound as on a record: (frames, 2), with its active parts at LEVEL.

    Applies an amplifier of `drive` dB with the cabinet's `response` (default: a random one), an equaliser, sometimes a
    chorus and echoes, panning and usually a room.
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
    """Play `audio` faster and higher by `semitones` (negative: slower and lower)."""
    from scipy.signal import resample_poly

    if not semitones:
        return audio
    ratio = Fraction(2 ** (-semitones / 12)).limit_denominator(30)
    return resample_poly(audio, ratio.numerator, ratio.denominator, axis=0).astype(np.float32)


def row(
    clips: Sequence[np.ndarray], seconds: float, gap: tuple[float, float], random: np.random.Generator, rate: int
) -> np.ndarray:
    """`seconds` of random clips one after another, (frames, 2), each with a fade-out.

    `gap`: minimum and maximum seconds between the end of a clip and the start of the next; negative: they overlap.
    """
    total, fade = round(seconds * rate), round(_FADE * rate)
    made, start = np.zeros((total, 2), np.float32), 0
    while start < total:
        clip = _stereo(clips[int(random.integers(len(clips)))]).copy()
        clip[-fade:] *= np.linspace(1, 0, len(clip[-fade:]), dtype=np.float32)[:, None]
        count = min(len(clip), total - start)
        made[start : start + count] += clip[:count]
        # Always advance, even with large overlaps.
        start += max(fade, len(clip) + round(random.uniform(*gap) * rate))
    return made


def backing(parts: Sequence[np.ndarray], frames: int, random: np.random.Generator, rate: int) -> np.ndarray:
    """The sum of excerpts of `parts`, each within some dB of LEVEL: (frames, 2), at most full scale."""
    total = np.zeros((frames, 2), np.float32)
    for part in parts:
        sound = _stereo(part)
        sound = np.tile(sound, (-(-frames // len(sound)), 1))
        start = int(random.integers(len(sound) - frames + 1))
        total += level_normalised(sound[start : start + frames], LEVEL + random.normal(0, 2.5), rate)
    return total / np.float32(max(1.0, float(np.abs(total).max())))


def _stereo(audio: np.ndarray) -> np.ndarray:
    return np.broadcast_to(audio.astype(np.float32, copy=False), (len(audio), 2))
