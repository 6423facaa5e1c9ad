"""Losses by name, in Keras operations: what a network makes of the mixture against a source.

X is the mixture's spectrum, S the source's, m the mask, e and s the waveforms of m X and S. The trainer divides
each window by the largest magnitude of its mixture first (as in the thesis), so that small constants mean the same
everywhere. Norms are those of a window, over bins, frames and channels; losses are means over the batch, the lower the
better, and finite in silence. Of several sources each one's windows are windows of the batch.
"""

from collections.abc import Callable
from typing import Any

from splitstrument.suggestions import no_such
from training.estimate import Estimate, magnitude, power
from training.perceptual import perceptual
from training.stft import stft

FLOOR = 1e-3  # for magnitudes: 60 dB below the mixture's loudest bin; for powers: 30 dB below the mixture's


def l1(estimate: Estimate) -> Any:
    """mean | m |X| - |S| |: mask times the mixture's magnitude against the source's (thesis, section 5.3)."""
    from keras import ops

    masked, source, _ = estimate.magnitudes()
    return ops.mean(ops.abs(masked - source))


def mse(estimate: Estimate) -> Any:
    """mean (m |X| - |S|)^2. Squares ask for the mean of what is likely, where L1 asks for the median."""
    from keras import ops

    masked, source, _ = estimate.magnitudes()
    return ops.mean((masked - source) ** 2)


def _convergence(masked: Any, source: Any, mixture: Any) -> Any:
    from keras import ops

    floor = FLOOR * power(mixture) + 1e-6
    return ops.mean(ops.sqrt((power(masked - source) + 1e-9) / (power(source) + floor)))


def spectral_convergence(estimate: Estimate) -> Any:
    """|| m |X| - |S| || / || S || for each window (Arik et al. 2019): quiet windows weigh like loud ones.

    A thousandth of the mixture's power is added below, since nothing can be divided by a silent source.
    """
    return _convergence(*estimate.magnitudes())


def mse_convergence(estimate: Estimate) -> Any:
    """0.7 MSE + 0.3 spectral convergence, the loss of the Enhanced U-Net (slides, section 7).

    Magnitudes are at most 1 and mostly far lower, so that the second part outweighs the first here.
    """
    return 0.7 * mse(estimate) + 0.3 * spectral_convergence(estimate)


def _log_difference(masked: Any, source: Any) -> Any:
    from keras import ops

    return ops.mean(ops.abs(ops.log(masked + FLOOR) - ops.log(source + FLOOR)))


def log_magnitude(estimate: Estimate) -> Any:
    """mean | ln(m |X| + f) - ln(|S| + f) |: errors count as ratios, much as the ear takes them.

    The floor f, 60 dB below the mixture's loudest bin, keeps what nobody hears from outweighing the rest.
    """
    return _log_difference(*estimate.audible()[:2])


def time_l1(estimate: Estimate) -> Any:
    """mean | e - s | of the waveforms, which knows the phases.

    Times window / 4, the magnitude of a sine of amplitude 1, so that its size is that of the losses on spectra.
    """
    from keras import ops

    guess, truth = estimate.waveforms()
    return estimate.window / 4 * ops.mean(ops.abs(guess - truth))


def _explained(estimate: Estimate) -> Any:
    """Powers of the source's waveform along the estimate's, and across it: scaling the estimate changes neither."""
    from keras import ops

    guess, truth = estimate.waveforms()
    gain = ops.sum(guess * truth, (1, 2), keepdims=True) / (power(guess, keepdims=True) + 1e-12)
    return power(gain * guess), power(truth - gain * guess)


def si_sdr(estimate: Estimate) -> Any:
    """Negative SI-SDR in dB: 20 log10 of the tangent of the angle between e and s (Le Roux et al. 2019).

    Their definition fits the truth to the estimate; fitting the estimate to the truth is the same angle, and lets a
    thousandth of the mixture's power, added to both powers as in `snr`, stay out of the mask's scale. Nothing is asked
    where the source is silent, nor of the mask's level: another loss, before or after, has to set that.
    """
    from keras import ops

    along, across = _explained(estimate)
    floor = _floor(estimate)
    return ops.mean(10 * ops.log10((across + floor) / (along + floor)))


def multi_resolution(estimate: Estimate) -> Any:
    """Spectral convergence + L1 of log magnitudes, mean over three STFTs (Yamamoto et al. 2020, section 2.2).

    A long window tells frequencies apart and a short one instants; the waveform has to be right for both. Theirs have
    hops of a fifth and shorter windows than FFTs; ours are the STFT used everywhere here, of 512, 1024 and 2048 samples
    unless the audio is shorter. Spectra are scaled so that a sine is as loud as in the network's own.
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
    """Difference of the magnitudes' square roots, and the mixture's mean magnitude in each window."""
    from keras import ops

    masked, source, mixture = estimate.audible()
    level = ops.mean(mixture, (1, 2, 3), keepdims=True) + 1e-6
    return ops.sqrt(masked + 1e-6) - ops.sqrt(source + 1e-6), level


def _complex_difference(estimate: Estimate) -> Any:
    return [guess - truth for guess, truth in zip(estimate.spectra(), estimate.source, strict=True)]


def compressed(estimate: Estimate) -> Any:
    """L1 of the square roots of magnitudes plus L1 of the complex spectra, both relative to the mixture's mean.

    The root weighs quiet partials, which the ear hears; the complex part knows the phases, so that it asks for the
    mask of least error in time, |s| / |x| * cos(angle), and not for too much.
    """
    from keras import ops

    roots, level = _root_difference(estimate)
    complex_error = sum(ops.abs(part) for part in _complex_difference(estimate))
    return ops.mean(complex_error / level) + 0.5 * ops.mean(ops.abs(roots) / ops.sqrt(level))


def snr(estimate: Estimate) -> Any:
    """Error over signal per window, as log10 of powers, plus the mean square of the magnitudes' roots' difference.

    An L1 loss asks for the median, which is silence wherever the network is unsure; squares ask for the mean. The
    logarithm weighs quiet windows like loud ones; a thousandth of the mixture's power keeps it finite where the
    source is silent or the estimate perfect (thresholded SNR, Wisdom et al. 2021).
    """
    return _thresholded(estimate, FLOOR)


def snr_20(estimate: Estimate) -> Any:
    """As `snr`, with a hundredth of the mixture's power: 20 dB, which Wisdom et al. have for silent instruments.

    With 30 dB, what leaks where the source is silent costs so much more than leaving a source out that a
    network which meets much silence in training becomes silent itself.
    """
    return _thresholded(estimate, 10 * FLOOR)


def _thresholded(estimate: Estimate, share: float) -> Any:
    from keras import ops

    floor = share * power(*estimate.mixture) + 1e-6
    error, signal = power(*_complex_difference(estimate)), power(*estimate.source)
    roots, level = _root_difference(estimate)
    return ops.mean(ops.log10((error + floor) / (signal + floor))) + ops.mean(roots**2 / level)


def time_snr(estimate: Estimate) -> Any:
    """Half of log10 |s - e|^2 / |s|^2 and half of negative SI-SDR / 10, both over the floor of `si_sdr`.

    The first half sets the level, as `snr` does, and pays for caution: where the network is unsure a quiet estimate has
    the least error. The second does not, since it does not know the level: it asks for the right bins alone.
    """
    from keras import ops

    guess, truth = estimate.waveforms()
    floor = _floor(estimate)
    along, across = _explained(estimate)
    level = ops.log10((power(guess - truth) + floor) / (power(truth) + floor))
    return ops.mean(level + ops.log10((across + floor) / (along + floor))) / 2


def complete(estimate: Estimate) -> Any:
    """log10 (4 |missing|^2 + |added|^2) / |s|^2 over the floor of `si_sdr`: leaving out costs four times as much.

    e = g s + added, where g s is the projection of e on s and missing = (1 - g) s. For squares alone both weigh the
    same, and leaving a source out is better than taking it with more of the rest than there is of the source. Here
    silence is as bad as an estimate that has 6 dB more of the rest than of the source.
    """
    from keras import ops

    guess, truth = estimate.waveforms()
    error, signal, floor = power(guess - truth), power(truth), _floor(estimate)
    # |error|^2 = |missing|^2 + |added|^2, as they are at right angles; missing is the error along s.
    missing = ops.sum((truth - guess) * truth, (1, 2)) ** 2 / (signal + 1e-12)
    return ops.mean(ops.log10((error + 3 * missing + floor) / (signal + floor)))


def level_snr(estimate: Estimate) -> Any:
    """Error, shape and level where the source is heard; what leaks where it is silent; powers of whole windows.

    Heard: the mean of log10 |S - E|^2 / |S|^2 and of negative SI-SDR / 10, plus 0.015 for each dB by which E's level is
    off (its square / 4 up to 2 dB, less 1 dB above). Their floor lies 27 dB below the source, not below the mixture, so
    that quiet sources count, and only the first of the three pays for caution. Silent: half of log10 |E|^2 / |X|^2,
    down to -30 dB. A source 30 dB below the mixture is half heard. The mean difference of the magnitudes' square roots
    is added as in `compressed`: quiet partials count.
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
    """A thousandth of the mixture's power in time."""
    return FLOOR * power(estimate.mixture_waveform()) + 1e-9


def plain_sdr(estimate: Estimate) -> Any:
    """To watch: 10 log10(|S|^2 / |S - m X|^2) over the batch's spectra in dB; 0 for an empty estimate."""
    from keras import ops

    error = ops.sum(power(*_complex_difference(estimate)))
    return 10 * ops.log10(ops.sum(power(*estimate.source)) / (error + 1e-9) + 1e-9)


def scale_invariant_sdr(estimate: Estimate) -> Any:
    """To watch: SI-SDR of the waveforms in dB (Le Roux et al. 2019), mean over the batch, each window within +-30 dB.

    It is not defined for silence: windows whose source lies 60 dB below the mixture are left out (0 if all are),
    and an empty estimate has -30 dB.
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
    """The loss called `name`; ValueError suggests the nearest."""
    if name not in LOSSES:
        raise ValueError(no_such("loss", name, LOSSES))
    return LOSSES[name]
