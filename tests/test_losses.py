"""Losses against plain NumPy versions of their formulas, in silence, compiled, and on another backend."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from splitstrument.spectrogram import Grid
from training import losses
from training.estimate import Estimate
from training.losses import LOSSES
from training.perceptual import LEVEL, bands
from training.stft import istft, stft

RATE, WINDOW, FRAMES = 16000, 256, 40
ALL = LOSSES | {"plain_sdr": losses.plain_sdr, "scale_invariant_sdr": losses.scale_invariant_sdr}


def estimate_of(mask, mixture, instrument, window=WINDOW):
    """An Estimate of complex spectra (batch, bins, frames, channels)."""
    mask = np.broadcast_to(np.float32(mask), mixture.shape)
    parts = ((np.float32(spectra.real), np.float32(spectra.imag)) for spectra in (mixture, instrument))
    return Estimate(mask, *parts, window, RATE)


def spectra_of(audio, window=WINDOW):
    return np.stack([Grid(window).spectra(each).transpose(2, 1, 0) for each in audio])


def noise(random, frames=FRAMES, window=WINDOW):
    """Three windows of noise that falls with frequency and changes with time, as spectra."""
    audio = random.standard_normal((3, (frames + 3) * window // 4, 2)).cumsum(1) * 0.1
    audio += random.standard_normal(audio.shape)
    return spectra_of(audio * np.exp(random.normal(0, 1, (3, 1, 2))) * np.linspace(0.1, 1, audio.shape[1])[:, None])


@pytest.fixture(scope="module")
def spectra():
    """(mixture, instrument) of windows whose mixture has the maximum 1; the instrument is quieter in each."""
    random = np.random.default_rng(0)
    instrument, rest = noise(random) * np.array([1, 0.3, 0.03])[:, None, None, None], noise(random)
    top = np.abs(instrument + rest).max((1, 2, 3), keepdims=True)
    return (instrument + rest) / top, instrument / top


@pytest.fixture(scope="module")
def mask(spectra):
    return np.random.default_rng(1).random(spectra[0].shape).astype(np.float32)


# Plain NumPy, in double precision: each takes one window's mask, mixture and instrument.


def hann(window):
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)


def analysed(audio, window):
    starts = range(0, len(audio) - window + 1, window // 4)
    return np.stack([np.fft.rfft(audio[n : n + window] * hann(window)[:, None], axis=0) for n in starts], 1)


def synthesised(spectrum):
    audio = np.zeros(((spectrum.shape[1] + 3) * WINDOW // 4, spectrum.shape[2]))
    for frame in range(spectrum.shape[1]):
        piece = np.fft.irfft(spectrum[:, frame], WINDOW, axis=0) * hann(WINDOW)[:, None] / 1.5
        audio[frame * WINDOW // 4 :][:WINDOW] += piece
    return audio


def power(x):
    return (np.abs(x) ** 2).sum()


def convergence(masked, s, x):
    return np.sqrt(power(masked - np.abs(s)) / (power(s) + 1e-3 * power(x)))


def log_difference(masked, s):
    return np.abs(np.log((masked + 1e-3) / (np.abs(s) + 1e-3))).mean()


def plain_si_sdr(m, x, s):
    """(SI-SDR as a ratio by the definition of Le Roux et al., power of the instrument, power of the mixture)."""
    e, truth = synthesised(m * x), synthesised(s)
    target = (e * truth).sum() / power(truth) * truth
    return power(target) / power(e - target), power(truth), power(synthesised(x))


def negative_si_sdr(m, x, s):
    ratio, signal, mixture = plain_si_sdr(m, x, s)
    along, across = signal * ratio / (1 + ratio), signal / (1 + ratio)
    return -10 * np.log10((along + 1e-3 * mixture) / (across + 1e-3 * mixture))


def resolutions(m, x, s, windows=(512, 1024, 2048)):
    total = 0
    for window in windows:
        e, s_, x_ = (analysed(synthesised(part), window) * WINDOW / window for part in (m * x, s, x))
        total += convergence(np.abs(e), s_, x_) + log_difference(np.abs(e), s_)
    return total / len(windows)


def roots(m, x, s):
    return np.sqrt(m * np.abs(x)) - np.sqrt(np.abs(s))


def plain_compressed(m, x, s):
    error, level = m * x - s, np.abs(x).mean()
    return (np.abs(error.real) + np.abs(error.imag)).mean() / level + 0.5 * np.abs(roots(m, x, s)).mean() / level**0.5


def plain_snr(m, x, s, share=1e-3):
    floor = share * power(x)
    return np.log10((power(m * x - s) + floor) / (power(s) + floor)) + (roots(m, x, s) ** 2).mean() / np.abs(x).mean()


def plain_time_snr(m, x, s):
    e, truth, floor = synthesised(m * x), synthesised(s), 1e-3 * power(synthesised(x))
    return 0.5 * np.log10((power(truth - e) + floor) / (power(truth) + floor)) + 0.05 * negative_si_sdr(m, x, s)


def plain_complete(m, x, s):
    e, truth, floor = synthesised(m * x), synthesised(s), 1e-3 * power(synthesised(x))
    gain = (e * truth).sum() / power(truth)
    missing, added = (1 - gain) * truth, e - gain * truth
    return np.log10((4 * power(missing) + power(added) + floor) / (power(truth) + floor))


def plain_level_snr(m, x, s):
    e, whole = m * x, power(x) + 1e-6
    floor = 2e-3 * power(s) + 1e-5 * whole
    along = (e * s.conj()).sum().real ** 2 / (power(e) + 1e-6 * whole)
    ratios = [(power(s - e) + floor) / (power(s) + floor), (power(s) - along + floor) / (along + floor)]
    off = abs(10 * np.log10((power(e) + floor) / (power(s) + floor)))
    heard = power(s) / (power(s) + 1e-3 * whole)
    loss = heard * (np.log10(ratios).mean() + 0.015 * (off**2 / 4 if off < 2 else off - 1))
    loss += (1 - heard) * np.log10(power(e) / whole + 1e-3) / 2
    return loss + 0.5 * np.abs(roots(m, x, s)).mean() / np.abs(x).mean() ** 0.5


def bark_bands(window, rate):
    """The rows of each half Bark, and their frequencies in kHz."""
    pooled = {}
    for row in range(1, window // 2 + 1):
        hertz = row * rate / window
        bark = 26.81 / (1 + 1960 / hertz) - 0.53
        if bark < 2:
            bark += 0.15 * (2 - bark)
        if bark > 20.1:
            bark += 0.22 * (bark - 20.1)
        pooled.setdefault(int(bark // 0.5), []).append((row, hertz / 1000))
    return list(pooled.values())


def plain_perceptual(m, x, s):
    pooled, total = bark_bands(WINDOW, RATE), 0
    for rows in pooled:
        f = np.mean([kilohertz for _, kilohertz in rows])
        quiet = 10 ** ((3.64 * f**-0.8 - 6.5 * np.exp(-0.6 * (f - 3.3) ** 2) + 1e-3 * f**4) / 10)
        guess, truth = (
            10 ** (LEVEL / 10) / 1.5 * sum(np.abs(part[row]) ** 2 for row, _ in rows) for part in (m * x, s)
        )
        loud = [
            np.maximum(0, (2 * quiet) ** 0.23 * ((0.5 + 0.5 * each / quiet) ** 0.23 - 1)) for each in (guess, truth)
        ]
        difference = loud[0] - loud[1]
        audible = np.sign(difference) * np.maximum(0, np.abs(difference) - 0.25 * np.minimum(*loud))
        asymmetry = np.clip(((guess + 50) / (truth + 50)) ** 1.2, None, 12)
        total = total + np.abs(audible) + 0.309 * asymmetry * np.maximum(audible, 0)
    return total.mean() / len(pooled)


PLAIN = {
    "complete": plain_complete,
    "compressed": plain_compressed,
    "l1": lambda m, x, s: np.abs(m * np.abs(x) - np.abs(s)).mean(),
    "level_snr": plain_level_snr,
    "log_magnitude": lambda m, x, s: log_difference(m * np.abs(x), s),
    "mse": lambda m, x, s: ((m * np.abs(x) - np.abs(s)) ** 2).mean(),
    "mse_convergence": lambda m, x, s: 0.7 * PLAIN["mse"](m, x, s) + 0.3 * PLAIN["spectral_convergence"](m, x, s),
    "multi_resolution": resolutions,
    "perceptual": plain_perceptual,
    "scale_invariant_sdr": lambda m, x, s: 10 * np.log10(plain_si_sdr(m, x, s)[0]),
    "si_sdr": negative_si_sdr,
    "snr": plain_snr,
    "snr_20": lambda m, x, s: plain_snr(m, x, s, 1e-2),
    "spectral_convergence": lambda m, x, s: convergence(m * np.abs(x), s, x),
    "time_l1": lambda m, x, s: WINDOW / 4 * np.abs(synthesised(m * x) - synthesised(s)).mean(),
    "time_snr": plain_time_snr,
}


@pytest.mark.parametrize(("window", "samples"), [(16, 16), (256, 2000), (1536, 9 * 384), (2048, 8191)])
def test_the_stft_is_that_of_the_grid_and_its_inverse_gives_the_audio_back(window, samples):
    audio = np.random.default_rng(0).uniform(-1, 1, (2, samples, 3)).astype(np.float32)
    real, imaginary = stft(audio, window)
    frames = (samples - window) // (window // 4) + 1
    assert real.shape == imaginary.shape == (2, window // 2 + 1, frames, 3)
    np.testing.assert_allclose(np.asarray(real) + 1j * np.asarray(imaginary), spectra_of(audio, window), atol=1e-4)
    again = np.asarray(istft(real, imaginary, window))
    assert again.shape == (2, (frames + 3) * window // 4, 3)
    whole = slice(3 * window // 4, frames * window // 4)
    np.testing.assert_allclose(again[:, whole], audio[:, whole], atol=1e-6)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("level", [1, 30])
def test_losses_and_metrics_agree_with_their_formulas(spectra, mask, name, level):
    mixture, instrument = (level * part for part in spectra)
    expected = np.mean([PLAIN[name](*window) for window in zip(mask, mixture, instrument, strict=True)])
    assert float(ALL[name](estimate_of(mask, mixture, instrument))) == pytest.approx(expected, rel=2e-3, abs=1e-6)


def test_every_loss_has_a_formula_here():
    assert set(PLAIN) == set(ALL) - {"plain_sdr"}


def test_plain_sdr_is_that_of_the_whole_batch(spectra, mask):
    mixture, instrument = spectra
    expected = 10 * np.log10(power(instrument) / power(instrument - mask * mixture))
    assert float(losses.plain_sdr(estimate_of(mask, *spectra))) == pytest.approx(expected, rel=1e-4)
    assert float(losses.plain_sdr(estimate_of(0, *spectra))) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_least_for_the_perfect_mask(spectra, mask, name):
    mixture, _ = spectra
    others = [0, 1, 1 - mask, mask + 0.3, mask**2, np.random.default_rng(2).random(mask.shape)]
    if name != "si_sdr":  # which does not know the scale, see below
        others.append(0.6 * mask)
    values = [float(LOSSES[name](estimate_of(each, mixture, mask * mixture))) for each in [mask, *others]]
    assert values[0] < min(values[1:]) - 1e-3 * np.ptp(values)


def test_what_pays_for_caution_and_what_does_not():
    """A source 4 dB below the rest, of which it cannot be told: one mask for both, by which level?"""
    random = np.random.default_rng(3)
    source, rest = noise(random), noise(random)
    powers = [(np.abs(part) ** 2).sum((1, 2, 3), keepdims=True) for part in (source, rest)]
    rest = rest * np.sqrt(powers[0] / powers[1]) * 10 ** (4 / 20)
    top = np.abs(source + rest).max((1, 2, 3), keepdims=True)
    mixture, source = (source + rest) / top, source / top

    def best(name):
        levels = np.linspace(0, 1, 21)
        return levels[np.argmin([float(LOSSES[name](estimate_of(level, mixture, source))) for level in levels])]

    # The least error has |s|^2 / |x|^2 of the mixture, 0.28; with four times the weight on what is missing, 4 / 6.5.
    assert best("snr") < 0.4
    assert best("complete") == pytest.approx(0.61, abs=0.06)
    for name, silence_is_better in (("snr", True), ("complete", False)):
        silence, everything = (float(LOSSES[name](estimate_of(level, mixture, source))) for level in (0, 1))
        assert (silence < everything) == silence_is_better, name
    assert silence == pytest.approx(np.log10(4), abs=0.01)
    # The half of it that does not know the level makes a good mask better, however quiet.
    sharp = np.abs(source) / (np.abs(source) + np.abs(mixture - source))
    gains = [float(losses.time_snr(estimate_of(0.1 * mask, mixture, source))) for mask in (1, sharp)]
    assert gains[1] < gains[0] - 0.2


def test_level_snr_asks_for_the_level_and_for_silence():
    random = np.random.default_rng(5)
    source, rest = noise(random), noise(random)
    mixture = source + rest

    def loss(mask, source):
        return float(losses.level_snr(estimate_of(mask, mixture / 1e3, source / 1e3)))

    # A mask that leaks is best at the source's level, or just below it; of a quiet source too.
    for part in (source, source / 10):
        rough = np.abs(part) / (np.abs(part) + np.abs(mixture - part))
        power_ratio = (np.abs(part) ** 2).sum() / (np.abs(rough * mixture) ** 2).sum()
        gains = np.sqrt(power_ratio) * 10 ** (np.arange(-12, 13, 3) / 20)
        best = np.argmin([loss(gain * rough, part) for gain in gains])
        assert gains[best] / np.sqrt(power_ratio) > 10 ** (-3.1 / 20)
    # Without a source each 10 dB less is worth a half, down to -30 dB.
    values = [loss(level, 0 * source) for level in (0.1, 0.1**0.5, 1)]
    assert values[1] - values[0] > 0.4
    assert values[2] - values[1] > 0.4


def test_a_network_that_hears_the_lower_bins_is_compared_there():
    """The same losses as of whole spectra with nothing above."""
    random = np.random.default_rng(4)
    source, rest = noise(random), noise(random)
    mask = random.random(source.shape).astype(np.float32)
    seen = WINDOW // 2 + 1 - 40
    top = np.abs(source[:, :seen] + rest[:, :seen]).max((1, 2, 3), keepdims=True)
    mixture, source = (
        (part / top) * (np.arange(WINDOW // 2 + 1) < seen)[:, None, None] for part in (source + rest, source)
    )
    lower = [part[:, :seen] for part in (mask, mixture, source)]
    for name in ("time_l1", "si_sdr", "time_snr", "complete", "multi_resolution", "plain_sdr", "perceptual"):
        whole = float(ALL[name](estimate_of(mask, mixture, source)))
        assert float(ALL[name](estimate_of(*lower))) == pytest.approx(whole, rel=1e-4), name


@pytest.mark.parametrize("name", ALL)
def test_spectra_are_an_estimate_as_a_mask_is(spectra, mask, name):
    estimate = estimate_of(mask, *spectra)
    made = Estimate(None, estimate.mixture, estimate.source, WINDOW, RATE, estimate.spectra())
    assert float(ALL[name](made)) == pytest.approx(float(ALL[name](estimate)), rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("name", ["log_magnitude", "perceptual"])
def test_a_negative_mask_counts_as_nought(spectra, mask, name):
    values = [float(LOSSES[name](estimate_of(each, *spectra))) for each in (-mask, 0, mask)]
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize("name", ["si_sdr", "scale_invariant_sdr"])
def test_si_sdr_does_not_change_when_the_mask_is_scaled(spectra, mask, name):
    value = float(ALL[name](estimate_of(mask, *spectra)))
    for scale in (0.01, 0.5, 3):
        assert float(ALL[name](estimate_of(scale * mask, *spectra))) == pytest.approx(value, abs=1e-3)
    assert float(ALL[name](estimate_of(mask**2, *spectra))) != pytest.approx(value, abs=1e-2)


def test_windows_without_an_instrument_do_not_count_in_the_si_sdr(spectra, mask):
    mixture, instrument = spectra
    partly = instrument * np.array([1, 0, 0])[:, None, None, None]
    first = [part[:1] for part in (mask, mixture, instrument)]
    expected = float(losses.scale_invariant_sdr(estimate_of(*first)))
    assert float(losses.scale_invariant_sdr(estimate_of(mask, mixture, partly))) == pytest.approx(expected, abs=1e-4)
    assert float(losses.scale_invariant_sdr(estimate_of(mask, mixture, 0 * mixture))) == 0
    assert float(losses.scale_invariant_sdr(estimate_of(0, *spectra))) == -30


# 1024 samples, and 448, which only the network's own window fits into.
@pytest.mark.parametrize(("frames", "windows"), [(13, (512, 1024)), (4, (WINDOW,))])
def test_resolutions_longer_than_the_audio_are_left_out(spectra, mask, frames, windows):
    short = [part[:1, :, :frames] for part in (mask, *spectra)]
    expected = resolutions(*(part[0] for part in short), windows)
    assert float(LOSSES["multi_resolution"](estimate_of(*short))) == pytest.approx(expected, rel=2e-3)


def tone(decibels, row=20):
    """A window of one steady tone of this level relative to the loudest there may be; silence for -inf."""
    spectrum = np.zeros((1, WINDOW // 2 + 1, FRAMES, 1), complex)
    spectrum[:, row] = 10 ** (decibels / 20)
    return spectrum


def disturbance(heard, truth):
    return float(LOSSES["perceptual"](estimate_of(1, heard, truth)))


def test_the_perceptual_loss_hears_what_an_ear_hears():
    silence = tone(-np.inf)
    assert disturbance(tone(0), tone(0)) == 0
    # The threshold of hearing is near 3 dB SPL in row 20 (1250 Hz) and near 33 in row 1 (62.5 Hz).
    assert disturbance(tone(-LEVEL), silence) == 0 < disturbance(tone(-LEVEL + 10), silence)
    assert disturbance(tone(-LEVEL + 30, row=1), silence) == 0 < disturbance(tone(-LEVEL + 40, row=1), silence)
    # What is added disturbs more than what is missing.
    assert disturbance(tone(-20), silence) > 2 * disturbance(silence, tone(-20)) > 0
    # The same error beside a loud tone: at the same frequency it is masked, elsewhere it is not.
    loud, error = tone(0), tone(-30)
    assert disturbance(loud + error, loud) == 0 < disturbance(error, silence)
    assert disturbance(loud + tone(-30, row=60), loud) == pytest.approx(disturbance(tone(-30, row=60), silence))


@pytest.mark.parametrize(("window", "rate"), [(2048, 22050), (4096, 96000)])
def test_bands_are_half_a_bark_wide_and_the_lowest_and_highest_are_not_heard(window, rate):
    matrix, thresholds = bands(window, rate)
    rows = [[row for row, _ in band] for band in bark_bands(window, rate)]
    assert [list(np.flatnonzero(column)) for column in matrix.T] == rows
    decibels = 10 * np.log10(thresholds)
    assert decibels.min() == pytest.approx(-5, abs=0.1)  # at 3.3 kHz
    assert decibels[0] > 40
    assert (decibels[-1] > LEVEL) == (rate == 96000)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_losses_compile_and_are_finite_in_silence_with_their_gradients(spectra, mask, name):
    keras, tf = pytest.importorskip("keras"), pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are taken with TensorFlow")

    def step(mask, *parts):
        with tf.GradientTape() as tape:
            tape.watch(mask)
            loss = ALL[name](Estimate(mask, parts[:2], parts[2:], WINDOW, RATE))
        return loss, tape.gradient(loss, mask)

    # The size of a batch is not known when Keras compiles a training step.
    shape = tf.TensorSpec((None, *mask.shape[1:]), tf.float32)
    compiled = tf.function(step, jit_compile=True, input_signature=[shape] * 5)

    def at(*arguments):
        estimate = estimate_of(*arguments)
        return compiled(*map(tf.constant, (estimate.mask, *estimate.mixture, *estimate.source)))

    mixture, instrument = spectra
    loss, gradient = at(mask, mixture, instrument)
    assert float(loss) == pytest.approx(float(ALL[name](estimate_of(mask, *spectra))), rel=1e-4)
    assert np.abs(gradient).max() > 1e-8
    # As steep as the loss is, where the mask is not near 0, at which some are strongly bent.
    middle = 0.2 + 0.6 * mask
    gradient = at(middle, *spectra)[1].numpy()
    change = 0.003 * np.sign(gradient)
    rise = float(at(middle + change, *spectra)[0]) - float(at(middle - change, *spectra)[0])
    assert rise == pytest.approx(2 * np.sum(gradient * change), rel=0.02)
    for truth in (instrument, mixture, 0 * mixture):
        for mixed in (mixture, 0 * mixture):
            for each in (0, 1, mask, -mask):
                loss, gradient = at(each, mixed, truth)
                assert np.isfinite(loss) and np.isfinite(gradient).all()


ON_JAX = """
import json, sys
import jax, numpy as np
from training import losses
from training.estimate import Estimate

saved = np.load(sys.argv[1])
parts = [saved[name] for name in ("mixture_real", "mixture_imaginary", "real", "imaginary")]
for name in json.loads(sys.argv[2]):
    function = getattr(losses, name)
    value = jax.jit(jax.value_and_grad(lambda m: function(Estimate(m, parts[:2], parts[2:], 256, 16000))))
    loss, gradient = value(saved["mask"])
    print(json.dumps([name, float(loss), float(np.linalg.norm(gradient))]))
"""


@pytest.mark.slow
def test_jax_gives_the_same_values(spectra, mask, tmp_path):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    estimate = estimate_of(mask, *spectra)
    names = ("mixture_real", "mixture_imaginary", "real", "imaginary")
    parts = dict(zip(names, (*estimate.mixture, *estimate.source), strict=True))
    np.savez(tmp_path / "window.npz", mask=mask, **parts)
    command = [sys.executable, "-c", ON_JAX, str(tmp_path / "window.npz"), json.dumps(list(ALL))]
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [name for name, *_ in answers] == list(ALL)
    for name, value, steepness in answers:
        assert value == pytest.approx(float(ALL[name](estimate)), rel=1e-3), name
        assert 0 < steepness < np.inf, name


def test_an_unknown_loss_suggests_the_nearest():
    assert losses.find("time_l1") is losses.time_l1
    with pytest.raises(ValueError, match="no loss is called 'spectral_convergance'; did you mean spectral_convergence"):
        losses.find("spectral_convergance")
