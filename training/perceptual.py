"""A perceptual loss: the difference of loudness densities, with the model of hearing of PESQ (ITU-T P.862).

Elbaz and Zibulevsky 2017, whom the thesis names, train a WaveNet to imitate PESQ, which cannot be differentiated as it
stands, and use that network as loss. There is no trained network here: only the first half of PESQ, which has
derivatives. Power spectra are pooled into Bark bands; what lies below the threshold of hearing is nothing; Zwicker's
law makes loudness of power; differences that louder sound in the same place masks do not count; added sound counts more
than missing sound, since a listener hears it as something of its own.

Left out, besides the learned part: the alignment in time and level and the compensation of filters (estimate and truth
are aligned), the larger exponent below 4 Bark, the special treatment of pauses, and PESQ's norms over bands and time,
for which there are means here; so it gives no PESQ score.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from training.estimate import Estimate

# PESQ presents speech at 79 dB SPL. We take the loudest bin of each window's mixture to be a sine of that level.
LEVEL = 79.0
EXPONENT = 0.23  # Zwicker's: ten times the power is about 1.7 times as loud
MASKED = 0.25  # of the lower loudness: smaller differences are masked (P.862, 10.2.9)
ADDED = 0.0309 / 0.1  # the weights of the asymmetrical and the symmetrical disturbance in PESQ's score


@cache
def bands(window: int, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """(matrix (bins, bands), thresholds (bands)): spectra of powers -> powers in bands, and their thresholds there.

    Bands are half a Bark wide (Traunmueller 1990), as in PESQ; those that no bin falls into do not exist. Powers are
    relative to 0 dB SPL, thresholds those of Terhardt 1979 at the mean frequency of a band's bins.
    """
    frequency = np.arange(1, window // 2 + 1) * sample_rate / window
    bark = 26.81 * frequency / (1960 + frequency) - 0.53
    bark += np.where(bark < 2, 0.15 * (2 - bark), 0) + np.where(bark > 20.1, 0.22 * (bark - 20.1), 0)
    _, band = np.unique(np.floor(2 * bark), return_inverse=True)
    member = np.eye(band.max() + 1)[band]
    kilohertz = frequency @ member / member.sum(0) / 1000
    threshold = 3.64 * kilohertz**-0.8 - 6.5 * np.exp(-0.6 * (kilohertz - 3.3) ** 2) + 1e-3 * kilohertz**4
    # A Hann window spreads a sine over bins whose powers add up to 1.5 times the highest. Nobody hears the DC row.
    matrix = np.concatenate([np.zeros((1, member.shape[1])), member / 1.5])
    # Far outside of hearing the formula overflows; 120 dB is more than LEVEL, so nothing is heard there all the same.
    return matrix.astype(np.float32), (10 ** (np.minimum(threshold, 120) / 10)).astype(np.float32)


def _loudness(power: Any, threshold: Any) -> Any:
    """Zwicker's law as in P.862, 10.2, without its constant factor; 0 below the threshold."""
    from keras import ops

    above = ops.maximum((0.5 + 0.5 * power / threshold) ** EXPONENT - 1.0, 0.0)
    return (threshold / 0.5) ** EXPONENT * above


def perceptual(estimate: "Estimate") -> Any:
    """mean |D| + 0.309 mean h max(D, 0), D the difference of loudness in Bark bands (after P.862, 10.2.9, 10.2.10).

    D is drawn towards 0 by a quarter of the lower loudness (masking). h = ((E + 50) / (S + 50))^1.2, at most 12, is
    PESQ's asymmetry for added sound, from the bands' powers; PESQ makes it 0 below 3, which would give a step.
    A mask that leaves only what is inaudible has no gradient: begin with another loss if that happens.
    """
    from keras import ops

    matrix, threshold = (ops.convert_to_tensor(array) for array in bands(estimate.window, estimate.sample_rate))
    guess, truth = (
        10 ** (LEVEL / 10) * ops.einsum("bkfc,kz->bfcz", power, matrix[: power.shape[1]]) for power in estimate.powers()
    )
    loud_guess, loud_truth = _loudness(guess, threshold), _loudness(truth, threshold)
    masked = MASKED * ops.minimum(loud_guess, loud_truth)
    added = ops.maximum(loud_guess - loud_truth - masked, 0.0)
    missing = ops.maximum(loud_truth - loud_guess - masked, 0.0)
    asymmetry = ops.minimum(((guess + 50.0) / (truth + 50.0)) ** 1.2, 12.0)
    return ops.mean(added + missing) + ADDED * ops.mean(asymmetry * added)
