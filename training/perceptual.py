"""A perceptual loss: the difference of loudness densities, with the hearing model of PESQ (ITU-T P.862).

Elbaz and Zibulevsky 2017, cited by the thesis, train a WaveNet to imitate PESQ, which is not differentiable, and use
that network as a loss. This module has no trained network, only the first half of PESQ, which is differentiable. Power
spectra are pooled into Bark bands. Power below the threshold of hearing is ignored. Zwicker's law converts power to
loudness. Differences that are masked by louder sound at the same place do not count. Added sound counts more than
missing sound, since a listener perceives it as a separate sound.

Besides the learned part, this omits the alignment in time and level and the compensation of filters (estimate and
source are already aligned), the larger exponent below 4 Bark, the special treatment of pauses, and PESQ's norms over
bands and time, which are replaced by means. So it does not give a PESQ score.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from training.estimate import Estimate

# PESQ presents speech at 79 dB SPL. Here the loudest bin of each window's mixture is taken as a sine of that level.
LEVEL = 79.0
EXPONENT = 0.23  # Zwicker's: ten times the power is about 1.7 times as loud
MASKED = 0.25  # share of the lower loudness; smaller differences are masked (P.862, 10.2.9)
ADDED = 0.0309 / 0.1  # the weights of the asymmetrical and symmetrical disturbance in PESQ's score


@cache
def bands(window: int, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """(matrix (bins, bands) from power spectra to powers in bands; hearing thresholds (bands)).

    Bands are half a Bark wide (Traunmueller 1990), as in PESQ; bands without any bin are left out. Powers are relative
    to 0 dB SPL. Thresholds follow Terhardt 1979, at the mean frequency of the bins of a band.
    """
    frequency = np.arange(1, window // 2 + 1) * sample_rate / window
    bark = 26.81 * frequency / (1960 + frequency) - 0.53
    bark += np.where(bark < 2, 0.15 * (2 - bark), 0) + np.where(bark > 20.1, 0.22 * (bark - 20.1), 0)
    _, band = np.unique(np.floor(2 * bark), return_inverse=True)
    member = np.eye(band.max() + 1)[band]
    kilohertz = frequency @ member / member.sum(0) / 1000
    threshold = 3.64 * kilohertz**-0.8 - 6.5 * np.exp(-0.6 * (kilohertz - 3.3) ** 2) + 1e-3 * kilohertz**4
    # A Hann window spreads a sine over bins with a total power of 1.5 times the highest. The DC row is inaudible.
    matrix = np.concatenate([np.zeros((1, member.shape[1])), member / 1.5])
    # Far outside the audible range the formula overflows. 120 dB is more than LEVEL, so these bands stay inaudible.
    return matrix.astype(np.float32), (10 ** (np.minimum(threshold, 120) / 10)).astype(np.float32)


def _loudness(power: Any, threshold: Any) -> Any:
    """Zwicker's law as in P.862, 10.2, without its constant factor; 0 below the threshold."""
    from keras import ops

    above = ops.maximum((0.5 + 0.5 * power / threshold) ** EXPONENT - 1.0, 0.0)
    return (threshold / 0.5) ** EXPONENT * above


def perceptual(estimate: "Estimate") -> Any:
    """mean |D| + 0.309 mean h max(D, 0), where D is the loudness difference in Bark bands (P.862, 10.2.9, 10.2.10).

    D is moved towards 0 by a quarter of the lower loudness (masking). h = ((E + 50) / (S + 50))^1.2, at most 12, is
    PESQ's asymmetry for added sound, from the powers in bands. PESQ sets it to 0 below 3, which would cause a step.
    A mask with an inaudible result has no gradient; in that case, start with another loss.
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
