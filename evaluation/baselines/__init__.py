"""Baselines, by name: separation without training, which a trained model should outperform.

There is one file per baseline, with one function `masks(magnitude, frequencies, frame_rate, parts)`. It takes the
magnitudes (frames, bins) of a mixture, the frequencies of its bins in Hz, and its frames per second. It returns {part:
mask}, a float32 mask (frames, bins) in 0..1 for every requested part, which may not be writeable. The parts are either
(instrument, "rest"), with masks that add up to 1, or several instruments, such as the stems of MUSDB, with masks that
add up to at most 1. The same input gives the same masks. Every file of this folder is a baseline, except `bands`, a
module that they share.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType

import numpy as np

from splitstrument.spectrogram import grid_at, masked, spectra_of
from splitstrument.suggestions import no_such

SHARED = {"bands"}


def names() -> list[str]:
    """The names of all baselines, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in SHARED)


def find(name: str) -> ModuleType:
    """The module of the baseline `name`. Raises ValueError if there is none."""
    if name not in names():
        raise ValueError(no_such("baseline", name, names()))
    return importlib.import_module(f"{__name__}.{name}")


def description(name: str) -> str:
    """The first line of the baseline's docstring."""
    return (find(name).__doc__ or "").split("\n")[0]


def separate(name: str, mixture: np.ndarray, rate: int, parts: Sequence[str]) -> dict[str, np.ndarray]:
    """Separate `mixture` (samples, channels) at `rate` Hz with the baseline `name`: {part: float32, same shape}.

    All channels get the same masks, computed from their root mean square, which avoids cancellation.
    """
    baseline = find(name)
    mixture = np.asarray(mixture, np.float32)
    if not len(mixture):
        return {part: mixture.copy() for part in parts}
    grid = grid_at(rate)
    # The spectra are computed twice, which is quick, since keeping them needs four times the memory of the magnitudes.
    magnitude = np.empty((grid.frames_of(len(mixture)), grid.bins), np.float32)
    for frames, spectra in _numbered(spectra_of(mixture, grid)):
        np.sqrt((spectra.real**2 + spectra.imag**2).mean(0), out=magnitude[frames])
    frequencies = np.arange(grid.bins) * rate / grid.window
    masks = baseline.masks(magnitude, frequencies, rate / grid.hop, tuple(parts))
    del magnitude
    pieces = (
        (spectra, {part: mask[frames] for part, mask in masks.items()})
        for frames, spectra in _numbered(spectra_of(mixture, grid))
    )
    return masked(pieces, grid, len(mixture))


def _numbered(pieces: Iterable[np.ndarray]) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield each piece of spectra with its slice of frames."""
    first = 0
    for spectra in pieces:
        yield slice(first, first + spectra.shape[1]), spectra
        first += spectra.shape[1]
