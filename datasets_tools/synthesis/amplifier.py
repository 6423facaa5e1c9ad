"""A guitar amplifier and its loudspeaker's cabinet, a different one each time.

Sounds are float32 (frames, channels); the random choices come from the given numpy Generator.
"""

import numpy as np

# What loudspeakers for guitars do: Hz and dB. With it, distorted guitars have the long-term spectrum of recorded ones:
# level from 125 Hz to 4 kHz, 13 to 22 dB less at 8 kHz, 40 at 16 kHz.
_CABINET = np.array(
    [[20, -40], [45, -16], [80, -1], [120, 5], [250, 2], [450, -2], [1000, -1], [2000, 3], [3000, 5], [4000, 4]]
    + [[5000, -1], [6500, -8], [8500, -17], [12000, -30], [22050, -50]]
)
_TAPS = 1024


def amplified(
    audio: np.ndarray, drive: float, random: np.random.Generator, rate: int, response: np.ndarray | None = None
) -> np.ndarray:
    """`audio` through preamplifier, tone, power amplifier and cabinet; `drive` in dB: 0 is clean, 40 the heaviest.

    `response` is the cabinet's, (taps,), such as a recorded one; a random one unless given.

    The two channels go through it as one, so that notes played together intermodulate, which is how a distorted chord
    sounds. Each stage's tanh works at four times the rate: what folds back lies under the cabinet's fall.
    """
    from scipy.signal import butter, oaconvolve, resample_poly, sosfilt

    signal = audio.mean(1).astype(np.float64)
    sounding = np.abs(signal) > 0.05 * np.abs(signal).max()
    if not sounding.any():
        return np.zeros_like(audio)
    signal = signal / np.sqrt(np.mean(signal[sounding] ** 2))
    # What is too low makes a distorted chord muddy, so players cut it, or raise the middle ("screamers").
    tight = butter(1, random.uniform(30, 90 + 3 * max(drive, 0)), "high", fs=rate, output="sos")
    signal = sosfilt(tight, signal)
    if random.random() < 0.5:
        middle = butter(1, [500, 1500], "band", fs=rate, output="sos")
        signal = signal + random.uniform(0, 1.5) * sosfilt(middle, signal)
    signal = resample_poly(signal, 4, 1)
    stages = 1 if drive < 15 else 2
    couple = butter(1, 30, "high", fs=4 * rate, output="sos")
    for _ in range(stages):
        bias = random.uniform(0, 0.35)
        gain = 10 ** (drive / stages / 20)
        signal = np.tanh(0.35 * gain * signal + bias) - np.tanh(bias)
        signal = sosfilt(couple, signal)
        signal = signal / (np.abs(signal).max() + 1e-9) * 2
    signal = resample_poly(np.tanh(0.7 * signal), 1, 4)[: len(audio)]
    response = cabinet(random, rate) if response is None else response
    signal = oaconvolve(signal, response)[: len(audio)].astype(np.float32)
    return np.repeat(signal[:, None], audio.shape[1], 1)


def cabinet(random: np.random.Generator, rate: int) -> np.ndarray:
    """The impulse response of a random loudspeaker before a random microphone: (1024,), of minimum phase.

    The curve above, its corner moved, with dips and peaks of some dB: broad ones everywhere, narrow ones above 800 Hz,
    where the cone no longer moves as one.
    """
    frequencies = np.maximum(np.fft.rfftfreq(2 * _TAPS, 1 / rate), 10)
    octaves = np.log2(frequencies / 10)
    moved = frequencies / np.exp(random.normal(0, 0.15))
    curve = np.interp(np.log(moved), np.log(_CABINET[:, 0]), _CABINET[:, 1])
    broad = np.interp(octaves, np.linspace(0, 11.2, 24), random.normal(0, 2.2, 24))
    narrow = np.interp(octaves, np.linspace(0, 11.2, 160), random.normal(0, 2.5, 160))
    decibels = curve + broad + np.clip(np.log2(frequencies / 800), 0, 1) * narrow
    # The minimum phase belongs to the logarithm's cepstrum, folded onto positive times.
    cepstrum = np.fft.irfft(decibels * np.log(10) / 20)
    cepstrum[1:_TAPS] *= 2
    cepstrum[_TAPS + 1 :] = 0
    return np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[:_TAPS]
