"""Non-negative matrix factorisation: a song is a few spectra with activations, assigned to parts by their shape.

Stage 3, 'classical machine learning', of the slides "Music Segmentation Using Deep Learning" (Banerjee and Bodhak,
2025), which give no details. The factorisation follows Lee and Seung, "Learning the parts of objects by non-negative
matrix factorization", Nature 1999. Nothing is learned from other songs. A component belongs to the drums to the extent
that its spectrum is flat and its activation consists of strokes. The remainder of it goes to the pitched instruments
by the share of its energy in their bands.
"""

from collections.abc import Sequence

import numpy as np

from evaluation.baselines import bands

COMPONENTS = 32
FITTED_FRAMES = 2000  # spread over the song; more take longer without better spectra
ITERATIONS = 60
SILENT = 1e-4  # relative to the loudest frame: -80 dB
FLOOR = 1e-4  # relative to a spectrum's highest bin, so that one empty bin does not make a spectrum peaky
NOTES, DRUMS = 0.3, 0.6  # flatness plus strokes: up to the first a component is a note, from the second it is drums
TINY = 1e-12


def masks(
    magnitude: np.ndarray, frequencies: np.ndarray, frame_rate: float, parts: Sequence[str]
) -> dict[str, np.ndarray]:
    """{part: mask}, see `evaluation.baselines`."""
    instruments = bands.instruments_of(parts)
    spectra, activations = _components(magnitude)
    whole = activations @ spectra
    by_part = {}
    for instrument, weights in _weights(spectra, activations, frequencies, instruments).items():
        mask = (activations * weights) @ spectra
        np.divide(mask, whole, out=mask, where=whole > 0)
        by_part[instrument] = np.clip(mask, 0, 1, out=mask)
    return bands.with_rest(by_part, parts)


def _components(magnitude):
    """Spectra (components, bins) and activations (frames, components) with a product close to the magnitude."""
    from sklearn.decomposition import NMF

    levels = np.linalg.norm(magnitude, axis=1)
    loudest = levels.max()
    heard = np.flatnonzero(levels > SILENT * loudest)
    if not len(heard):
        return np.zeros((1, magnitude.shape[1]), np.float32), np.zeros((len(magnitude), 1), np.float32)
    # High bins are faint and would not get their own spectra, so each bin is divided by the root of its mean.
    scale = np.sqrt(magnitude.mean(0) / loudest) + TINY
    scaled = magnitude / (scale * loudest)
    fitted = heard[np.linspace(0, len(heard) - 1, min(FITTED_FRAMES, len(heard)), dtype=int)]
    # With a tolerance of 0 it runs all iterations and prints no warning about convergence.
    model = NMF(min(COMPONENTS, len(fitted)), init="random", random_state=0, max_iter=ITERATIONS, tol=0)
    model.fit(scaled[fitted])
    return model.components_ * scale, model.transform(scaled)


def _weights(spectra, activations, frequencies, instruments):
    """{instrument: weights (components,) in 0..1}, which add up to at most 1 for each component."""
    energy = spectra**2
    energy /= energy.sum(1, keepdims=True) + TINY
    drums = _drumlike(spectra, activations)
    pitched = bands.shares(frequencies, [instrument for instrument in instruments if instrument != "drums"])
    return {part: drums if part == "drums" else (1 - drums) * (energy @ pitched[part]) for part in instruments}


def _drumlike(spectra, activations):
    """The degree to which each component belongs to the drums, (components,) in 0..1.

    Flatness is the geometric mean of a spectrum over its mean, 1 for white noise. Strokes are the total variation of
    an activation over twice its sum: 1 for single frames, about 0.5 for a stroke as long as a window, 0 for a steady
    tone. The sum of both is about 0.3 for notes, and 0.5 or more for noise strokes and kick drums.
    """
    floored = spectra + FLOOR * spectra.max(1, keepdims=True) + TINY
    flatness = np.exp(np.log(floored).mean(1)) / floored.mean(1)
    strokes = np.abs(np.diff(activations, axis=0)).sum(0) / (2 * activations.sum(0) + TINY)
    return np.clip((flatness + strokes - NOTES) / (DRUMS - NOTES), 0, 1)
