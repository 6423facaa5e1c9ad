"""Effects of music production: equaliser, compressor, modulation, echo, room, panning.

Audio is float32 (frames, channels); random choices use the given NumPy Generator.
"""

import numpy as np

HOP = 0.002  # s, between levels or gains


def level_normalised(audio: np.ndarray, decibels: float, rate: int) -> np.ndarray:
    """Scale `audio` so that its active blocks (0.4 s, within 20 dB of the loudest) have this RMS in dBFS."""
    block = int(0.4 * rate)
    count = len(audio) // block
    power = (audio[: count * block].reshape(count, block * audio.shape[1]) ** 2).mean(1)
    if count == 0 or power.max() < 1e-10:
        return audio
    sounding = power[power > power.max() / 100]
    return audio * np.float32(10 ** (decibels / 20) / np.sqrt(sounding.mean()))


def peaking(frequency: float, gain: float, quality: float, rate: int) -> np.ndarray:
    """A peaking equaliser as one second-order section (Bristow-Johnson, Audio EQ Cookbook); gain in dB."""
    amplitude, omega = 10 ** (gain / 40), 2 * np.pi * frequency / rate
    alpha = np.sin(omega) / (2 * quality)
    section = np.array(
        [1 + alpha * amplitude, -2 * np.cos(omega), 1 - alpha * amplitude]
        + [1 + alpha / amplitude, -2 * np.cos(omega), 1 - alpha / amplitude]
    )
    return section / section[3]


def shelf(frequency: float, gain: float, rate: int) -> np.ndarray:
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


def equaliser(random: np.random.Generator, rate: int, brightness: tuple[float, float] = (-4.0, 7.0)) -> np.ndarray:
    """One to three random peaks and a random high shelf with a gain in the range `brightness` (dB), as sections."""
    sections = [shelf(random.uniform(1500, 5000), random.uniform(*brightness), rate)]
    for _ in range(random.integers(1, 4)):
        frequency = np.exp(random.uniform(np.log(90), np.log(7000)))
        sections.append(peaking(frequency, random.uniform(-6, 6), random.uniform(0.5, 2), rate))
    return np.array(sections)


def filtered(audio: np.ndarray, sections: np.ndarray) -> np.ndarray:
    """Filter `audio` with second-order sections."""
    from scipy.signal import sosfilt

    return sosfilt(sections, audio, axis=0).astype(np.float32)


def brightened(audio: np.ndarray, random: np.random.Generator, rate: int) -> np.ndarray:
    """Raise the treble of `audio` (from 2.5 kHz) to a random share of its power, by 12 dB at most.

    Sampled instruments are duller than records, where microphones are close and engineers boost the treble.
    """
    from scipy.signal import butter, sosfilt

    least = random.uniform(-24, -8)  # dB
    power = (audio.astype(np.float64) ** 2).mean()
    treble = (sosfilt(butter(4, 2500, "high", fs=rate, output="sos"), audio, axis=0) ** 2).mean()
    lacking = least - 10 * np.log10((treble + 1e-12) / (power + 1e-12))
    if power < 1e-10 or lacking <= 0:
        return audio
    return filtered(audio, shelf(2500, min(lacking, 12), rate)[None])


def roomy(audio: np.ndarray, random: np.random.Generator, rate: int) -> np.ndarray:
    """Add a stereo room: the convolution with decaying noise of 0.15 to 1.2 s, 8 to 22 dB below the sound."""
    from scipy.signal import oaconvolve

    decay = random.uniform(0.15, 1.2)
    frames = int(decay * rate)
    noise = random.standard_normal((frames, 2)) * np.exp(-6.9 * np.arange(frames) / frames)[:, None]
    noise *= 10 ** (-random.uniform(8, 22) / 20) / np.sqrt((noise**2).sum(0))
    return (audio + oaconvolve(audio, noise.astype(np.float32), axes=0)[: len(audio)]).astype(np.float32)


def placed(audio: np.ndarray, position: float) -> np.ndarray:
    """Pan between left (-1) and right (+1) with constant power; 0 leaves `audio` as it is."""
    angle = (position + 1) * np.pi / 4
    return audio * np.array([np.cos(angle), np.sin(angle)], np.float32) * np.float32(np.sqrt(2))


def compressed(audio: np.ndarray, random: np.random.Generator, rate: int) -> np.ndarray:
    """Compress `audio` above a random threshold by a random ratio, with an attack of 2 to 30 ms."""
    threshold, ratio = random.uniform(-18, -4), random.uniform(1.5, 6)
    gain = gain_above(level_of(audio, rate), threshold, ratio, random.uniform(0.002, 0.03), random.uniform(0.05, 0.3))
    return (audio * spread(gain, len(audio), rate)[:, None]).astype(np.float32)


def level_of(audio: np.ndarray, rate: int) -> np.ndarray:
    """The level of each 2 ms in dB, relative to the RMS of the active parts."""
    power = _hops((audio.astype(np.float64) ** 2).mean(1), rate).mean(1)
    sounding = power[power > power.max() / 1000]
    return 10 * np.log10((power + 1e-12) / (sounding.mean() if len(sounding) and power.max() > 0 else 1.0))


def gain_above(level: np.ndarray, threshold: float, ratio: float, attack: float, release: float) -> np.ndarray:
    """The compressor's gain in dB for `level`: the output rises by 1 / ratio above the threshold; times in s."""
    wanted = np.minimum(0, (threshold - level) * (1 - 1 / ratio))
    down, up = np.exp(-HOP / attack), np.exp(-HOP / release)
    gains, gain = np.empty(len(wanted)), 0.0
    for index, aim in enumerate(wanted.tolist()):
        keep = down if aim < gain else up
        gain = keep * gain + (1 - keep) * aim
        gains[index] = gain
    return gains


def spread(decibels: np.ndarray, frames: int, rate: int) -> np.ndarray:
    """Convert gains in dB for each 2 ms to factors for each of `frames` samples."""
    return 10 ** (_between(decibels, frames, rate) / 20)


def _hops(values: np.ndarray, rate: int) -> np.ndarray:
    """Reshape values of samples, (frames,), to (hops, samples per hop), padded with zeros."""
    hop = round(HOP * rate)
    return np.pad(values, (0, -len(values) % hop)).reshape(-1, hop)


def _between(values: np.ndarray, frames: int, rate: int) -> np.ndarray:
    """Interpolate linearly between values at the centres of hops: (frames,)."""
    return np.interp(np.arange(frames), (np.arange(len(values)) + 0.5) * round(HOP * rate), values)


def chorused(audio: np.ndarray, random: np.random.Generator, rate: int) -> np.ndarray:
    """Add a copy with a varying delay of some ms: a chorus, or a flanger if the delay is short."""
    from scipy.ndimage import map_coordinates

    delay = random.uniform(0.001, 0.025) * rate
    sway = delay * random.uniform(0.2, 0.8)
    time = np.arange(len(audio))
    speed = 2 * np.pi * random.uniform(0.1, 4.0) / rate
    depth, channels = random.uniform(0.3, 0.9), []
    for side in range(audio.shape[1]):
        place = time - delay - sway * np.sin(speed * time + side * random.uniform(0, np.pi))
        channels.append(audio[:, side] + depth * map_coordinates(audio[:, side], [place], order=1, mode="constant"))
    return np.stack(channels, 1).astype(np.float32)


def trembling(audio: np.ndarray, random: np.random.Generator, rate: int) -> np.ndarray:
    """A tremolo or rotating loudspeaker: the level varies, with a small offset between the channels."""
    time = np.arange(len(audio))[:, None] / rate
    depth, speed = random.uniform(0.1, 0.6), random.uniform(2, 8)
    sides = np.array([0, random.uniform(0, np.pi)])[: audio.shape[1]]
    return (audio * (1 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * speed * time + sides)))).astype(np.float32)


def echoing(audio: np.ndarray, random: np.random.Generator, rate: int) -> np.ndarray:
    """Add some echoes, each softer and duller than the one before."""
    from scipy.signal import butter, sosfilt

    delay = round(random.uniform(0.08, 0.6) * rate)
    dull = butter(1, random.uniform(1500, 6000), "low", fs=rate, output="sos")
    level, result, copy = random.uniform(0.1, 0.45), audio.copy(), audio
    for _ in range(4):
        copy = np.concatenate([np.zeros((min(delay, len(audio)), audio.shape[1])), copy[:-delay]])[: len(audio)]
        copy = level * sosfilt(dull, copy, axis=0)
        result += copy.astype(np.float32)
    return result


def limiter(audio: np.ndarray, ceiling: float, rate: int) -> np.ndarray:
    """Smooth factors (frames,) that keep `audio` within the ceiling; they fall before a peak arrives."""
    from scipy.ndimage import minimum_filter1d

    peaks = _hops(np.abs(audio).max(1), rate).max(1)
    wanted = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9))
    # The minimum over seven hops, then the mean over five: still low enough for each of the five.
    low = minimum_filter1d(wanted, 7, mode="nearest")
    smooth = np.convolve(np.pad(low, 2, mode="edge"), np.full(5, 0.2), "valid")
    return _between(smooth, len(audio), rate)
