"""What a sound passes on its way to a record: amplifier, cabinet, equaliser, room. All at one sample rate.

Sounds are float32 (frames, channels); the random choices come from the given numpy Generator.
"""

import numpy as np


def loudness_normalised(audio, decibels, rate):
    """`audio` scaled so that its parts that sound (0.4 s blocks within 20 dB of the loudest) have this RMS in dBFS."""
    block = int(0.4 * rate)
    count = len(audio) // block
    power = (audio[: count * block].reshape(count, -1) ** 2).mean(1)
    if count == 0 or power.max() < 1e-10:
        return audio
    sounding = power[power > power.max() / 100]
    return audio * np.float32(10 ** (decibels / 20) / np.sqrt(sounding.mean()))


def peaking(frequency, gain, quality, rate):
    """A peaking equaliser as one second-order section (Bristow-Johnson, Audio EQ Cookbook); gain in dB."""
    amplitude, omega = 10 ** (gain / 40), 2 * np.pi * frequency / rate
    alpha = np.sin(omega) / (2 * quality)
    section = np.array(
        [1 + alpha * amplitude, -2 * np.cos(omega), 1 - alpha * amplitude]
        + [1 + alpha / amplitude, -2 * np.cos(omega), 1 - alpha / amplitude]
    )
    return section / section[3]


def shelf(frequency, gain, rate):
    """A high shelf as one second-order section (Bristow-Johnson, slope 0.5); gain in dB."""
    a, omega = 10 ** (gain / 40), 2 * np.pi * frequency / rate
    cosine = np.cos(omega)
    alpha = np.sin(omega) / 2 * np.sqrt((a + 1 / a) * (1 / 0.5 - 1) + 2)
    root = 2 * np.sqrt(a) * alpha
    section = np.array(
        [a * ((a + 1) + (a - 1) * cosine + root), -2 * a * ((a - 1) + (a + 1) * cosine)]
        + [a * ((a + 1) + (a - 1) * cosine - root), (a + 1) - (a - 1) * cosine + root]
        + [2 * ((a - 1) - (a + 1) * cosine), (a + 1) - (a - 1) * cosine - root]
    )
    return section / section[3]


def equalised(audio, random, rate, brightness=(-4.0, 7.0)):
    """One to three random peaks and a random high shelf, `brightness` dB: the same spread for every instrument."""
    from scipy.signal import sosfilt

    sections = [shelf(random.uniform(1500, 5000), random.uniform(*brightness), rate)]
    for _ in range(random.integers(1, 4)):
        frequency = np.exp(random.uniform(np.log(90), np.log(7000)))
        sections.append(peaking(frequency, random.uniform(-6, 6), random.uniform(0.5, 2), rate))
    return sosfilt(np.array(sections), audio, axis=0).astype(np.float32)


def distorted(audio, random, rate):
    """A guitar amplifier and cabinet: tight low end, gain into tanh (so that chords intermodulate), loudspeaker.

    The loudspeaker is a resonance near 110 Hz, a presence peak at 2 to 4 kHz and a steep fall above 4.5 to 6.5 kHz,
    which is what recorded guitars show.
    """
    from scipy.signal import butter, resample_poly, sosfilt

    tight = butter(1, random.uniform(40, 250), "high", fs=rate, output="sos")
    signal = sosfilt(tight, audio.mean(1))
    signal = signal / (np.sqrt(np.mean(signal**2)) + 1e-9)
    drive = 10 ** (random.uniform(0, 36) / 20)
    bias = random.uniform(0, 0.3)
    # Twice the rate holds most of the harmonics that tanh makes; what folds back lies under the cabinet's fall.
    signal = np.tanh(drive * resample_poly(signal, 2, 1) * 0.3 + bias)
    signal = resample_poly(signal, 1, 2)
    cabinet = np.concatenate(
        [
            butter(2, random.uniform(60, 100), "high", fs=rate, output="sos"),
            peaking(random.uniform(90, 140), random.uniform(2, 6), 1.0, rate)[None],
            peaking(random.uniform(350, 800), random.uniform(-8, 1), 0.7, rate)[None],
            peaking(random.uniform(2000, 4200), random.uniform(3, 12), 0.8, rate)[None],
            butter(6, random.uniform(4200, 6500), "low", fs=rate, output="sos"),
        ]
    )
    signal = sosfilt(cabinet, signal).astype(np.float32)[:, None]
    return np.repeat(signal, audio.shape[1], 1)


def roomy(audio, random, rate):
    """A stereo room: the sound plus its convolution with decaying noise of 0.15 to 1.2 s, 8 to 22 dB below."""
    from scipy.signal import fftconvolve

    decay = random.uniform(0.15, 1.2)
    frames = int(decay * rate)
    noise = random.standard_normal((frames, 2)) * np.exp(-6.9 * np.arange(frames) / frames)[:, None]
    noise *= 10 ** (-random.uniform(8, 22) / 20) / np.sqrt((noise**2).sum(0))
    return (audio + fftconvolve(audio, noise, axes=0)[: len(audio)]).astype(np.float32)


def placed(audio, position):
    """Balance between left (-1) and right (+1) with constant power; 0 leaves `audio` as it is."""
    angle = (position + 1) * np.pi / 4
    return audio * np.array([np.cos(angle), np.sin(angle)], np.float32) * np.float32(np.sqrt(2))
