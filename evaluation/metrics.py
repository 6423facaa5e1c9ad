"""Compare an estimate with the reference, in dB: BSS Eval's SDR, SIR and SAR; plain SDR; SI-SDR; level; leak.

BSS Eval (Vincent, Gribonval, Févotte 2006; version 3, as in mir_eval's bss_eval_sources) allows any filter of 512
taps on the reference; only the remaining difference counts as error. With the estimate e, its projection T onto all
filtered versions of its own reference, and its projection A onto those of all references,

    SDR = |T|^2 / |e - T|^2,   SIR = |T|^2 / |A - T|^2,   SAR = |A|^2 / |e - A|^2.

T is in the space of A, so the differences are orthogonal: |A - T|^2 = |A|^2 - |T|^2, and so on. So three energies are
sufficient, and they follow from correlations of the signals over 512 lags: |T|^2 = d' G^-1 d, where G has the
correlations between the delayed versions of a reference (Toeplitz), and d their correlations with the estimate.
mir_eval filters and subtracts whole signals instead, which takes many times as long.

Audio is float (samples, channels). With several channels, there is a filter from each channel of a source to each
channel, as in bss_eval_images; with one channel this is bss_eval_sources. Only this module uses mir_eval.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

TAPS = 512
BLOCK = 1 << 14  # samples of a block that is silent or not: 0.4 s at 44.1 kHz
_FFT = 1 << 14  # samples of a block and the preceding lags
_BLOCKS = 16  # number of blocks to transform at once


def bss_eval(references: Sequence[np.ndarray], estimates: Sequence[np.ndarray]) -> np.ndarray:
    """SDR, SIR and SAR in dB of each estimate: an array (estimates, 3).

    `references` and `estimates`: equally long lists of audio (samples, channels) of the same shape. Estimate n is
    compared with reference n; other assignments are not tried. None may be silent. With a single reference nothing
    can interfere, so the SIR is infinite.
    """
    _check(references, estimates)
    count, channels = len(references), references[0].shape[1]
    own, cross = _correlations(references, estimates)
    gram, targets = _gram(own), cross.reshape(count * channels * TAPS, -1)
    everything = _projected(gram, targets).reshape(count, channels).sum(1)
    scores = []
    for number in range(count):
        rows = slice(number * channels * TAPS, (number + 1) * channels * TAPS)
        columns = slice(number * channels, (number + 1) * channels)
        target = _projected(gram[rows, rows], targets[rows, columns]).sum() if count > 1 else everything[0]
        energy = np.sum(np.square(estimates[number], dtype=np.float64))
        interference = everything[number] - target if count > 1 else 0.0
        least = energy * np.finfo(float).eps  # the rounding error of a difference
        ratios = (target / max(energy - target, least), target / max(interference, least) if count > 1 else np.inf)
        scores.append((*ratios, everything[number] / max(energy - everything[number], least)))
    return 10 * np.log10(np.array(scores))


def reference_bss_eval(references: Sequence[np.ndarray], estimates: Sequence[np.ndarray]) -> np.ndarray:
    """The same as `bss_eval`, by mir_eval: bss_eval_sources, or bss_eval_images for several channels.

    The latter counts the filter as error in its SDR, but its SIR = T / I and SAR = (T + I) / E give ours, T / (I + E).
    """
    import warnings
    from unittest.mock import patch

    from mir_eval import separation

    _check(references, estimates)
    # For singular matrices, mir_eval 0.8 looks for LinAlgError in a module that NumPy 2 no longer has.
    with warnings.catch_warnings(), patch.object(np.linalg, "linalg", np.linalg, create=True):
        warnings.simplefilter("ignore", FutureWarning)  # the module will be removed from mir_eval in 0.9
        sounds = [np.stack(side).astype(np.float64) for side in (references, estimates)]
        if sounds[0].shape[2] == 1:
            scores = separation.bss_eval_sources(sounds[0][..., 0], sounds[1][..., 0], compute_permutation=False)
            return np.stack(scores[:3], axis=1)
        _, _, sir, sar, _ = separation.bss_eval_images(*sounds, compute_permutation=False)
    interference = 10 ** (-sir / 10)
    artifacts = (1 + interference) * 10 ** (-sar / 10)
    return np.stack([-10 * np.log10(interference + artifacts), sir, sar], axis=1)


def plain_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """10 log10(|s|^2 / |s - e|^2) in dB over all samples and channels; infinite if both are equal."""
    return _decibels(_product(reference, reference), _distance(reference, estimate))


def scale_invariant_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """SI-SDR in dB (Le Roux, Wisdom, Erdogan, Hershey 2019), over all samples and channels. The reference is scaled to
    its share in the estimate; minus infinity if that is zero. The estimate must not be silent."""
    energy = _product(reference, reference)
    scale = _product(reference, estimate) / energy
    return _decibels(scale**2 * energy, _distance(reference, estimate, scale))


def level(reference: np.ndarray, estimate: np.ndarray) -> float:
    """20 log10(rms of e / rms of s) in dB over all samples and channels: the estimate is too loud (above 0) or too
    quiet (below 0). Minus infinity if it is silent; the reference must not be silent."""
    return _decibels(_product(estimate, estimate), _product(reference, reference))


def leak(
    reference: np.ndarray, estimate: np.ndarray, mixture: np.ndarray, silent: Callable[[np.ndarray], bool]
) -> float | None:
    """10 log10(|e|^2 / |x|^2) in dB: the estimate relative to the mixture x where the reference is silent.

    Uses all blocks of BLOCK samples for which `silent` is true for the reference and false for the mixture. None if
    there are no such blocks, minus infinity if the estimate is silent.
    """
    blocks = [slice(start, start + BLOCK) for start in range(0, len(mixture), BLOCK)]
    blocks = [block for block in blocks if silent(reference[block]) and not silent(mixture[block])]
    if not blocks:
        return None
    return _decibels(*(sum(_product(sound[b], sound[b]) for b in blocks) for sound in (estimate, mixture)))


def _decibels(over: float, under: float) -> float:
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(np.float64(over) / under))


def _product(one: np.ndarray, other: np.ndarray) -> float:
    """The inner product of two sounds over all samples and channels, in double precision."""
    return sum(float(a @ b) for a, b in _in_blocks(one, other))


def _distance(reference: np.ndarray, estimate: np.ndarray, scale: float = 1.0) -> float:
    """|scale * s - e|^2 over all samples and channels, in double precision."""
    errors = (a * scale - b for a, b in _in_blocks(reference, estimate))
    return sum(float(error @ error) for error in errors)


def _in_blocks(*sounds: np.ndarray) -> Iterator[list[np.ndarray]]:
    """All samples of sounds of one shape, in double precision, in blocks that fit into the processor's cache."""
    flat = [sound.ravel() for sound in sounds]
    for start in range(0, len(flat[0]), BLOCK):
        yield [sound[start : start + BLOCK].astype(np.float64) for sound in flat]


def _check(references, estimates):
    shapes = {np.shape(sound) for sound in (*references, *estimates)}
    if len(references) != len(estimates) or len(shapes) != 1 or len(*shapes) != 2:
        raise ValueError("references and estimates must be equally many, all of one shape (samples, channels)")
    if not all(np.any(sound) for sound in (*references, *estimates)):
        raise ValueError("SDR, SIR and SAR are undefined for silent audio")


def _correlations(references, estimates):
    """Sums over t of x(t - k) y(t) for lags k in 0..TAPS - 1, for all rows x of the references (one per channel).

    Returns an array (rows, rows, TAPS) for the references' rows as y, and (rows, TAPS, estimate rows) for the
    estimates' rows as y.

    Works in blocks: a zero-padded block of y is correlated with x at that time and TAPS - 1 samples before. The FFT is
    long enough to avoid wrap-around. Products are summed over the blocks, and one inverse transform gives the lags.
    """
    from scipy.fft import irfft, rfft

    block, before = _FFT - TAPS + 1, TAPS - 1
    samples = len(references[0])
    rows = sum(sound.shape[1] for sound in references)
    spectra = 0
    for start in range(0, samples, block * _BLOCKS):
        stop = min(start + block * _BLOCKS, samples)
        blocks = -(-(stop - start) // block)
        reach = min(before, start)
        late = np.zeros((rows, before + blocks * block))
        late[:, before - reach : before + stop - start] = np.hstack([s[start - reach : stop] for s in references]).T
        now = np.zeros((rows + sum(sound.shape[1] for sound in estimates), blocks * block))
        now[:, : stop - start] = np.hstack([sound[start:stop] for sound in (*references, *estimates)]).T
        late = rfft(np.lib.stride_tricks.sliding_window_view(late, _FFT, axis=1)[:, ::block])
        now = rfft(now.reshape(len(now), blocks, block), _FFT).conj()
        spectra = spectra + np.array([[(x * y).sum(0) for y in now] for x in late])
    lags = irfft(spectra)[..., before::-1]
    return lags[:, :rows], lags[:, rows:].swapaxes(1, 2)


def _gram(own):
    """The inner products of the delayed versions of all rows: (rows * TAPS, rows * TAPS) in Toeplitz blocks."""
    from scipy.linalg import toeplitz

    return np.block([[toeplitz(own[a, b], own[b, a]) for b in range(len(own))] for a in range(len(own))])


def _projected(gram, targets):
    """The energy of the projection of each estimate, from its inner products `targets` (delayed versions, estimates).

    With c = G^-1 d, it is d' c. The equivalent 2 d' c - c' G c has only a second-order error from the rounding of c if
    G is nearly singular (band-limited audio). If G is singular (equal or silent channels, or a source given twice),
    white noise at -120 dB relative to each row makes it regular.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve
    from threadpoolctl import threadpool_limits

    sizes = np.sqrt(np.maximum(np.diag(gram), np.finfo(float).tiny))[:, None]
    # A second thread gains little for such a small system, and costs much if another process uses that core.
    with threadpool_limits(1, "blas"):
        scaled, wanted = gram / sizes / sizes.T, targets / sizes
        for noise in (0.0, 1e-12, 1e-10, 1e-8, 1e-6):
            try:
                filters = cho_solve(cho_factor(scaled + noise * np.eye(len(gram))), wanted)
            except LinAlgError:
                continue
            return np.sum(filters * (2 * wanted - scaled @ filters), axis=0)
    raise ValueError("the sources cannot be distinguished: their correlation matrix is singular")
