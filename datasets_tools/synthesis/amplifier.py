"""A guitar amplifier and its loudspeaker cabinet, different each time.

Audio is float32 (frames, channels); random choices use the given NumPy Generator.
"""

import numpy as np

# Frequency response of guitar loudspeakers: Hz and dB. It gives distorted guitars the long-term spectrum of recorded
# ones: flat from 125 Hz to 4 kHz, 13 to 22 dB lower at 8 kHz, 40 dB lower at 16 kHz.
_CABINET = np.array(
    [[20, -40], [45, -16], [80, -1], [120, 5], [250, 2], [450, -2], [1000, -1], [2000, 3], [3000, 5], [4000, 4]]
    + [[5000, -1], [6500, -8], [8500, -17], [12000, -30], [22050, -50]]
)
_TAPS = 1024


def amplified(
    audio: np.ndarray, drive: float, random: np.random.Generator, rate: int, response: np.ndarray | None = None
) -> np.ndarray:
    """Pass `audio` through preamplifier, tone control, power amplifier and cabinet.

    `drive` is in dB: 0 is clean, 40 the heaviest. `response`, (taps,), is the cabinet's impulse response, for example
    a recorded one (default: a random one).

    The two channels are mixed first, so that notes played together intermodulate, as in a real distorted chord. The
    tanh of each stage works at four times the sample rate, so aliasing is hidden by the cabinet's roll-off.
    """
    from scipy.signal import butter, oaconvolve, resample_poly, sosfilt

    signal = audio.mean(1).astype(np.float64)
    sounding = np.abs(signal) > 0.05 * np.abs(signal).max()
    if not sounding.any():
        return np.zeros_like(audio)
    signal = signal / np.sqrt(np.mean(signal[sounding] ** 2))
    # Low frequencies make a distorted chord muddy, so players cut them or boost the mids ("screamers").
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
    """The minimum-phase impulse response, (1024,), of a random loudspeaker with a random microphone.

    It is the curve above with a shifted corner and dips and peaks of some dB: broad ones everywhere, narrow ones above
    800 Hz, where the cone breaks up into partial vibrations.
    """
    frequencies = np.maximum(np.fft.rfftfreq(2 * _TAPS, 1 / rate), 10)
    octaves = np.log2(frequencies / 10)
    moved = frequencies / np.exp(random.normal(0, 0.15))
    curve = np.interp(np.log(moved), np.log(_CABINET[:, 0]), _CABINET[:, 1])
    broad = np.interp(octaves, np.linspace(0, 11.2, 24), random.normal(0, 2.2, 24))
    narrow = np.interp(octaves, np.linspace(0, 11.2, 160), random.normal(0, 2.5, 160))
    decibels = curve + broad + np.clip(np.log2(frequencies / 800), 0, 1) * narrow
    # For minimum phase, fold the cepstrum of the logarithm onto positive times.
    cepstrum = np.fft.irfft(decibels * np.log(10) / 20)
    cepstrum[1:_TAPS] *= 2
    cepstrum[_TAPS + 1 :] = 0
    return np.fft.irfft(np.exp(np.fft.rfft(cepstrum)))[:_TAPS]
