"""Losses by name, in Keras operations: what a mask makes of the mixture against the instrument.

`truth` (batch, bins, frames, 4 * channels) holds real and imaginary parts of the mixture, then of the instrument, each
for all channels; `mask` is the network's output (batch, bins, frames, channels).
"""

from splitstrument.naming import no_such


def _parts(truth, channels):
    return [truth[..., part * channels : (part + 1) * channels] for part in range(4)]


def _magnitude(real, imaginary):
    from keras import ops

    # The small number keeps the root's gradient finite in silence.
    return ops.sqrt(real * real + imaginary * imaginary + 1e-10)


def compressed(truth, mask):
    """L1 of the square roots of magnitudes plus L1 of the complex spectra, both relative to the mixture's mean.

    The root weighs quiet partials, which the ear hears; the complex part knows the phases, so that it asks for the
    mask of least error in time, |s| / |x| * cos(angle), and not for too much.
    """
    from keras import ops

    mixture_real, mixture_imaginary, real, imaginary = _parts(truth, mask.shape[-1])
    mixture = _magnitude(mixture_real, mixture_imaginary)
    level = ops.mean(mixture, (1, 2, 3), keepdims=True) + 1e-6
    complex_error = ops.abs(mask * mixture_real - real) + ops.abs(mask * mixture_imaginary - imaginary)
    roots = ops.sqrt(mask * mixture + 1e-6) - ops.sqrt(_magnitude(real, imaginary) + 1e-6)
    return ops.mean(complex_error / level) + 0.5 * ops.mean(ops.abs(roots) / ops.sqrt(level))


def l1(truth, mask):
    """The thesis's loss (section 5.3): L1 between the instrument's magnitude and mask times the mixture's."""
    from keras import ops

    mixture_real, mixture_imaginary, real, imaginary = _parts(truth, mask.shape[-1])
    mixture = _magnitude(mixture_real, mixture_imaginary)
    return ops.mean(ops.abs(mask * mixture - _magnitude(real, imaginary)))


def snr(truth, mask):
    """Error over signal per window, as log10 of powers, plus the mean square of the magnitudes' roots' difference.

    An L1 loss asks for the median, which is silence wherever the network is unsure; squares ask for the mean. The
    logarithm weighs quiet windows like loud ones; a thousandth of the mixture's power keeps it finite where the
    instrument is silent or the estimate perfect (thresholded SNR, Wisdom et al. 2021).
    """
    from keras import ops

    mixture_real, mixture_imaginary, real, imaginary = _parts(truth, mask.shape[-1])
    floor = 1e-3 * ops.sum(mixture_real**2 + mixture_imaginary**2, (1, 2, 3)) + 1e-6
    error = ops.sum((mask * mixture_real - real) ** 2 + (mask * mixture_imaginary - imaginary) ** 2, (1, 2, 3))
    signal = ops.sum(real**2 + imaginary**2, (1, 2, 3))
    mixture = _magnitude(mixture_real, mixture_imaginary)
    roots = ops.sqrt(mask * mixture + 1e-6) - ops.sqrt(_magnitude(real, imaginary) + 1e-6)
    level = ops.mean(mixture, (1, 2, 3)) + 1e-6
    return ops.mean(ops.log10((error + floor) / (signal + floor))) + ops.mean(ops.mean(roots**2, (1, 2, 3)) / level)


def plain_sdr(truth, mask):
    """Plain SDR of the batch's spectra in dB: 10 log10(|s|^2 / |s - e|^2), to watch; 0 for an empty estimate."""
    from keras import ops

    mixture_real, mixture_imaginary, real, imaginary = _parts(truth, mask.shape[-1])
    error = (mask * mixture_real - real) ** 2 + (mask * mixture_imaginary - imaginary) ** 2
    return 10 * ops.log10(ops.sum(real**2 + imaginary**2) / (ops.sum(error) + 1e-9) + 1e-9)


LOSSES = {"compressed": compressed, "l1": l1, "snr": snr}


def find(name):
    """The loss called `name`; ValueError suggests the nearest."""
    if name not in LOSSES:
        raise ValueError(no_such("loss", name, LOSSES))
    return LOSSES[name]
