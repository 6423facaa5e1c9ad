"""A multichannel Wiener filter, which refines the estimates of several sources that make up a song.

In a bin f, each source j is Gaussian with the covariance v_j(t, f) R_j(f): its power over time, and how it lies between
the channels. With the covariance of the song, S(t, f) = sum over j of v_j R_j, a source's estimate from the song's
spectrum x is v_j R_j S^-1 x (Nugraha, Liutkus and Vincent 2016, equation 6). So what lies between the channels where a
source is goes to that source. The estimates add up to x, but for a small regularisation.

One iteration takes v and R from the estimates (equation 9, with the estimates' own covariance as in Liutkus, Badeau and
Richard 2014), then filters. It computes what `openunmix.filtering.wiener` of Open-Unmix 1.3 does, in double precision.
"""

import numpy as np

EPSILON = 1e-10
LARGEST = 10  # the spectra are scaled down to this
BINS = 64  # at once, which bounds the memory


def refined(spectra: np.ndarray, masks: np.ndarray, iterations: int, residual: bool = False) -> np.ndarray:
    """Masks (sources, channels, frames, bins) -> complex masks of the same shape, after so many `iterations`.

    `spectra`: the song's, (channels, frames, bins). `residual`: the sources are not the whole song, so that the song
    minus their estimates is one more source, whose mask is not returned. The result is 0 where a channel is silent.
    """
    result = np.zeros(masks.shape, np.complex64)
    scale = max(1.0, float(np.abs(spectra).max(initial=0)) / LARGEST)
    for first in range(0, spectra.shape[-1], BINS):
        part = slice(first, first + BINS)
        mixture = spectra[..., part].astype(np.complex128) / scale
        estimates = masks[..., part] * mixture
        if residual:
            estimates = np.concatenate([estimates, [mixture - estimates.sum(0)]])
        for _ in range(iterations):
            estimates = _filtered(mixture, estimates)
        audible = np.broadcast_to(np.abs(mixture) > EPSILON, result[..., part].shape)
        result[..., part] = np.divide(
            estimates[: len(masks)], mixture, out=np.zeros(audible.shape, np.complex128), where=audible
        )
    return result


def _filtered(mixture: np.ndarray, estimates: np.ndarray) -> np.ndarray:
    """One iteration. Shapes: `mixture` (channels, frames, bins), `estimates` (sources, channels, frames, bins)."""
    power = (estimates.real**2 + estimates.imag**2).mean(1)
    spatial = np.einsum("kctf,kdtf->kcdf", estimates, estimates.conj()) / (EPSILON + power.sum(1))[:, None, None]
    covariance = np.einsum("ktf,kcdf->cdtf", power, spatial)
    for channel in range(len(mixture)):
        covariance[channel, channel] += np.sqrt(EPSILON)
    whitened = _solved(covariance, mixture.copy())
    return power[:, None] * np.einsum("kcdf,dtf->kctf", spatial, whitened)


def _solved(matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve matrices (n, n, ...) times solution (n, ...) = `right`, by elimination. Both arguments are overwritten.

    The matrices are Hermitian and positive definite, so no rows need to be exchanged. NumPy's own solver is much slower
    for so many small matrices.
    """
    size = len(right)
    for row in range(size):
        for below in range(row + 1, size):
            factor = matrices[below, row] / matrices[row, row]
            matrices[below] -= factor * matrices[row]
            right[below] -= factor * right[row]
    for row in reversed(range(size)):
        for known in range(row + 1, size):
            right[row] -= matrices[row, known] * right[known]
        right[row] /= matrices[row, row]
    return right
