"""A singing voice of one part, computed: glottal pulses with vibrato, through the resonances of vowels, and breath.

It is no person, but moves as voices do, between pitches and vowels, which sampled choirs do not; in a song's backing
that is what has to be told from a guitar.
"""

import numpy as np

# The first five resonances in Hz of the vowels a, e, i, o, u of a man's voice, and their levels in dB (Fant 1960;
# Csound's table of formants, which singers' synthesisers share).
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
FRAME = 256  # samples that share a spectrum's shape


def sing(part, seconds, random, rate):
    """The Part's notes sung, float32 (seconds * rate, 2); where several sound at once, the last that began."""
    frames = round(seconds * rate)
    pitch, level, vowels = _curves(part.notes, frames // FRAME + 2, FRAME / rate, random)
    time = np.arange(frames) / FRAME
    smooth = np.interp(time, np.arange(len(pitch)), pitch)
    depth, speed = random.uniform(0.1, 0.6), random.uniform(4.5, 6.5)
    vibrato = depth * np.sin(2 * np.pi * speed * np.arange(frames) / rate + random.uniform(0, 6))
    hertz = 440 * 2 ** ((smooth + vibrato - 69) / 12)
    loudness = np.interp(time, np.arange(len(level)), level)
    phase = 2 * np.pi * np.cumsum(hertz) / rate
    size = random.uniform(1.0, 1.22)  # of the throat: a woman's resonances lie higher
    tilt, breath = random.uniform(0.6, 1.3), 10 ** (random.uniform(-36, -22) / 20)
    voice = np.zeros(frames)
    count = int(min(40, 9000 / max(hertz.min(), 50)))
    for harmonic in range(1, count + 1):
        gain = _response(harmonic * hertz[::FRAME], vowels[: -(-frames // FRAME)], size) * harmonic**-tilt
        gain = np.interp(time, np.arange(len(gain)), gain)
        voice += np.where(harmonic * hertz < 0.45 * rate, gain, 0) * np.sin(harmonic * phase)
    noise = np.diff(random.standard_normal(frames + 1)) * breath
    sound = loudness * (voice + noise)
    return np.repeat(sound[:, None], 2, 1).astype(np.float32)


def _curves(notes, count, step, random):
    """(pitch, level, vowels (count, 5 weights)) at each of `count` frames, `step` seconds apart."""
    times = np.arange(count) * step
    pitch, level, vowels = np.full(count, 60.0), np.zeros(count), np.zeros((count, len(VOWELS)))
    vowels[:, 0] = 1
    for note in sorted(notes, key=lambda note: note.start):
        first, last = np.searchsorted(times, [note.start, note.end])
        pitch[first:] = note.pitch
        level[first:last] = note.velocity / 100
        level[last:] = 0
        vowels[first:] = np.eye(len(VOWELS))[random.integers(len(VOWELS))]
    glide = np.exp(-np.arange(0, 0.3, step) / random.uniform(0.02, 0.06))
    fade = np.exp(-np.arange(0, 0.2, step) / 0.025)
    vowels = np.stack([_follow(weight, glide) for weight in vowels.T], 1)
    return _follow(pitch, glide), _follow(level, fade), vowels


def _follow(curve, kernel):
    kernel = kernel / kernel.sum()
    return np.convolve(np.concatenate([np.full(len(kernel), curve[0]), curve]), kernel)[len(kernel) :][: len(curve)]


def _response(hertz, vowels, size):
    """The vowels' gain at `hertz`, both (frames, ...): the sum of the resonances' curves."""
    centres = vowels @ VOWELS[:, 0] * size
    levels = 10 ** (vowels @ VOWELS[:, 1] / 20)
    return (levels / np.sqrt(1 + ((hertz[:, None] - centres) / (WIDTHS / 2)) ** 2)).sum(1)
