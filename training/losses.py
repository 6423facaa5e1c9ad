"""Losses by name, in Keras operations: the network's estimate compared with the source.

X is the spectrum of the mixture, S of the source, E = m X of the estimate, m the mask; x, s and e are their waveforms.
The trainer first divides each window by the largest magnitude of its mixture (as in the thesis), so that small
constants mean the same everywhere. Norms are taken over the bins, frames and channels of a window. Losses are means
over the batch; lower is better, and they are finite in silence. With several sources, the windows of each source count
as windows of the batch.
"""

from collections.abc import Callable
from typing import Any

from splitstrument.suggestions import no_such
from training.estimate import Estimate, magnitude, power
from training.perceptual import perceptual
from training.stft import stft

FLOOR = 1e-3  # for magnitudes: 60 dB below the mixture's loudest bin; for powers: 30 dB below the mixture


def l1(estimate: Estimate) -> Any:
    """mean | m |X| - |S| |: the error of the magnitudes (thesis, section 5.3)."""
    from keras import ops

    masked, source, _ = estimate.magnitudes()
    return ops.mean(ops.abs(masked - source))


def mse(estimate: Estimate) -> Any:
    """mean (m |X| - |S|)^2. Its optimum is the mean of the likely values, while the optimum of L1 is the median."""
    from keras import ops

    masked, source, _ = estimate.magnitudes()
    return ops.mean((masked - source) ** 2)


def _convergence(masked: Any, source: Any, mixture: Any) -> Any:
    from keras import ops

    floor = FLOOR * power(mixture) + 1e-6
    return ops.mean(ops.sqrt((power(masked - source) + 1e-9) / (power(source) + floor)))


def spectral_convergence(estimate: Estimate) -> Any:
    """|| m |X| - |S| || / || S || for each window (Arik et al. 2019): quiet windows count as much as loud ones.

    A thousandth of the mixture's power is added to the denominator, since the source may be silent.
    """
    return _convergence(*estimate.magnitudes())


def mse_convergence(estimate: Estimate) -> Any:
    """0.7 MSE + 0.3 spectral convergence, the loss of the Enhanced U-Net (slides, section 7).

    Here magnitudes are at most 1 and usually much lower, so the second part outweighs the first.
    """
    return 0.7 * mse(estimate) + 0.3 * spectral_convergence(estimate)


def _log_difference(masked: Any, source: Any) -> Any:
    from keras import ops

    return ops.mean(ops.abs(ops.log(masked + FLOOR) - ops.log(source + FLOOR)))


def log_magnitude(estimate: Estimate) -> Any:
    """mean | ln(m |X| + f) - ln(|S| + f) |: errors count as ratios, similar to hearing.

    The floor f, 60 dB below the mixture's loudest bin, prevents inaudible bins from dominating.
    """
    return _log_difference(*estimate.audible()[:2])


def time_l1(estimate: Estimate) -> Any:
    """mean | e - s | of the waveforms, which includes the phases.

    It is multiplied by window / 4, the magnitude of a sine of amplitude 1, so that it is as large as the losses on
    spectra.
    """
    from keras import ops

    guess, truth = estimate.waveforms()
    return estimate.window / 4 * ops.mean(ops.abs(guess - truth))


def _explained(estimate: Estimate) -> Any:
    """The powers of s parallel and orthogonal to e; neither depends on the scale of the estimate."""
    from keras import ops

    guess, truth = estimate.waveforms()
    gain = ops.sum(guess * truth, (1, 2), keepdims=True) / (power(guess, keepdims=True) + 1e-12)
    return power(gain * guess), power(truth - gain * guess)


def si_sdr(estimate: Estimate) -> Any:
    """Negative SI-SDR in dB: 20 log10 of the tangent of the angle between e and s (Le Roux et al. 2019).

    Their definition projects the estimate onto the source. Projecting the source onto the estimate gives the same
    angle, and makes the loss independent of the mask's scale even with a thousandth of the mixture's power added to
    both powers, as in `snr`. The loss constrains neither windows with a silent source nor the level of the mask, nor
    the polarity of a waveform network's output; that needs another loss, before or after.
    """
    from keras import ops

    along, across = _explained(estimate)
    floor = _floor(estimate)
    return ops.mean(10 * ops.log10((across + floor) / (along + floor)))


def multi_resolution(estimate: Estimate) -> Any:
    """Spectral convergence + L1 of log magnitudes, mean over three STFTs (Yamamoto et al. 2020, section 2.2).

    Long windows resolve frequencies and short ones resolve time; the waveform has to be right for both. Their STFTs
    have hops of a fifth of the window, and windows shorter than the FFT. Here they are this project's STFT with
    windows of 512, 1024 and 2048 samples, unless the audio is shorter. Spectra are scaled so that a sine has the same
    magnitude as in the network's own STFT.
    """
    waveforms = [*estimate.waveforms(), estimate.mixture_waveform()]
    windows = [window for window in (512, 1024, 2048) if window <= waveforms[0].shape[1]] or [estimate.window]
    total = 0.0
    for window in windows:
        scale = estimate.window / window
        magnitudes = [magnitude(*stft(scale * waveform, window)) for waveform in waveforms]
        total += _convergence(*magnitudes) + _log_difference(*magnitudes[:2])
    return total / len(windows)


def _root_difference(estimate: Estimate) -> Any:
    """(difference between the square roots of the magnitudes, mean magnitude of the mixture in each window)."""
    from keras import ops

    masked, source, mixture = estimate.audible()
    level = ops.mean(mixture, (1, 2, 3), keepdims=True) + 1e-6
    return ops.sqrt(masked + 1e-6) - ops.sqrt(source + 1e-6), level


def _complex_difference(estimate: Estimate) -> Any:
    return [guess - truth for guess, truth in zip(estimate.spectra(), estimate.source, strict=True)]


def compressed(estimate: Estimate) -> Any:
    """L1 of the square roots of magnitudes plus L1 of the complex spectra, both relative to the mixture's mean.

    The roots give weight to quiet but audible partials. The complex part includes the phases, so its optimum is the
    mask with the least error in time, |s| / |x| * cos(angle), which does not take too much.
    """
    from keras import ops

    roots, level = _root_difference(estimate)
    complex_error = sum(ops.abs(part) for part in _complex_difference(estimate))
    return ops.mean(complex_error / level) + 0.5 * ops.mean(ops.abs(roots) / ops.sqrt(level))


def snr(estimate: Estimate) -> Any:
    """log10 of error power over signal power per window, plus the mean squared difference of root magnitudes.

    The optimum of an L1 loss is the median, which is silence where the network is unsure; the optimum of squares is
    the mean. The logarithm gives quiet windows the same weight as loud ones. A thousandth of the mixture's power keeps
    it finite if the source is silent or the estimate is perfect (thresholded SNR, Wisdom et al. 2021).
    """
    return _thresholded(estimate, FLOOR)


def snr_20(estimate: Estimate) -> Any:
    """As `snr`, with a hundredth of the mixture's power: 20 dB, as Wisdom et al. use for silent instruments.

    With 30 dB, leakage into a silent source costs much more than missing the source. A network trained on much silence
    then becomes silent itself.
    """
    return _thresholded(estimate, 10 * FLOOR)


def _thresholded(estimate: Estimate, share: float) -> Any:
    from keras import ops

    floor = share * power(*estimate.mixture) + 1e-6
    error, signal = power(*_complex_difference(estimate)), power(*estimate.source)
    roots, level = _root_difference(estimate)
    return ops.mean(ops.log10((error + floor) / (signal + floor))) + ops.mean(roots**2 / level)


def time_snr(estimate: Estimate) -> Any:
    """Half of log10 |s - e|^2 / |s|^2 plus half of negative SI-SDR / 10, both with the floor of `si_sdr`.

    The first half sets the level, like `snr`, and rewards caution: where the network is unsure, a quiet estimate has
    the least error. The second half does not, since it ignores the level and only depends on the right bins.
    """
    from keras import ops

    guess, truth = estimate.waveforms()
    floor = _floor(estimate)
    along, across = _explained(estimate)
    level = ops.log10((power(guess - truth) + floor) / (power(truth) + floor))
    return ops.mean(level + ops.log10((across + floor) / (along + floor))) / 2


def complete(estimate: Estimate) -> Any:
    """log10 (4 |missing|^2 + |added|^2) / |s|^2 with the floor of `si_sdr`: missing sound costs four times as much.

    e = g s + added, where g s is the projection of e onto s and missing = (1 - g) s. With plain squares both have the
    same weight, and silence is better than a complete source with an even louder remainder of the rest. Here silence
    is as bad as an estimate with 6 dB more of the rest than of the source.
    """
    from keras import ops

    guess, truth = estimate.waveforms()
    error, signal, floor = power(guess - truth), power(truth), _floor(estimate)
    # |error|^2 = |missing|^2 + |added|^2, since they are orthogonal; missing is the error parallel to s.
    missing = ops.sum((truth - guess) * truth, (1, 2)) ** 2 / (signal + 1e-12)
    return ops.mean(ops.log10((error + 3 * missing + floor) / (signal + floor)))


def level_snr(estimate: Estimate) -> Any:
    """Error, shape and level where the source is audible, and leakage where it is silent; by powers of whole windows.

    Audible: the mean of log10 |S - E|^2 / |S|^2 and negative SI-SDR / 10, plus 0.015 per dB of error in the level of E
    (its square / 4 up to 2 dB, minus 1 dB above that). The floor is 27 dB below the source, not the mixture, so that
    quiet sources count, and only the first of the three terms rewards caution. Silent: half of log10 |E|^2 / |X|^2,
    down to -30 dB. A source 30 dB below the mixture counts as half audible. The mean difference of root magnitudes is
    added as in `compressed`, so that quiet partials count.
    """
    from keras import ops

    guess, whole = estimate.spectra(), power(*estimate.mixture) + 1e-6
    error, claimed, signal = power(*_complex_difference(estimate)), power(*guess), power(*estimate.source)
    heard = signal / (signal + FLOOR * whole)
    floor = 2 * FLOOR * signal + 1e-5 * whole
    inner = sum(ops.sum(one * other, (1, 2, 3)) for one, other in zip(guess, estimate.source, strict=True))
    along = inner**2 / (claimed + 1e-6 * whole)
    across = ops.maximum(signal - along, 0.0)
    ratios = ops.log10((error + floor) / (signal + floor)) + ops.log10((across + floor) / (along + floor))
    off = ops.abs(10 * ops.log10((claimed + floor) / (signal + floor)))
    off = ops.where(off < 2, off**2 / 4, off - 1)
    leak = ops.log10(claimed / whole + FLOOR)
    roots, level = _root_difference(estimate)
    roots = ops.mean(ops.abs(roots) / ops.sqrt(level))
    return ops.mean(heard * (ratios / 2 + 0.015 * off) + (1 - heard) * leak / 2) + roots / 2


def _floor(estimate: Estimate) -> Any:
    """A thousandth of the power of the mixture's waveform."""
    return FLOOR * power(estimate.mixture_waveform()) + 1e-9


def plain_sdr(estimate: Estimate) -> Any:
    """For monitoring: 10 log10(|S|^2 / |S - m X|^2) over the spectra of the batch in dB; 0 for a silent estimate."""
    from keras import ops

    error = ops.sum(power(*_complex_difference(estimate)))
    return 10 * ops.log10(ops.sum(power(*estimate.source)) / (error + 1e-9) + 1e-9)


def scale_invariant_sdr(estimate: Estimate) -> Any:
    """For monitoring: SI-SDR of the waveforms in dB (Le Roux et al. 2019), mean over the batch; windows: +-30 dB.

    It is undefined for silence, so windows with a source 60 dB below the mixture are left out (0 if all are), and a
    silent estimate counts as -30 dB.
    """
    from keras import ops

    along, across = _explained(estimate)
    heard = ops.cast(along + across > 1e-6 * power(estimate.mixture_waveform()), "float32")
    decibels = ops.clip(10 * ops.log10((along + 1e-12) / (across + 1e-12)), -30.0, 30.0)
    return ops.sum(heard * decibels) / ops.maximum(ops.sum(heard), 1.0)


LOSSES = {
    "complete": complete,
    "compressed": compressed,
    "l1": l1,
    "level_snr": level_snr,
    "log_magnitude": log_magnitude,
    "mse": mse,
    "mse_convergence": mse_convergence,
    "multi_resolution": multi_resolution,
    "perceptual": perceptual,
    "si_sdr": si_sdr,
    "snr": snr,
    "snr_20": snr_20,
    "spectral_convergence": spectral_convergence,
    "time_l1": time_l1,
    "time_snr": time_snr,
}


def find(name: str) -> Callable[[Estimate], Any]:
    """The loss called `name`. Raises ValueError with a similar name if there is none."""
    if name not in LOSSES:
        raise ValueError(no_such("loss", name, LOSSES))
    return LOSSES[name]
