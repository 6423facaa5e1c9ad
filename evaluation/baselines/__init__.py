"""Separators that need no training, by name: what a trained model has to be better than.

One file per baseline, each with one function `masks(magnitude, frequencies, frame_rate, parts)`: the magnitudes
(frames, bins) of a mixture, the frequencies of its bins in Hz and its frames per second -> {part: mask}, a float32
mask (frames, bins) in 0..1 for every part asked for, which may not be writeable. The parts are (instrument, "rest"),
where the two masks add up to 1, or several instruments, such as the stems of MUSDB, where they add up to at most 1.
The same input gives the same masks. A file of this folder is a baseline, save `bands`, which they share.
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
    """The module of baseline `name`; ValueError where there is none."""
    if name not in names():
        raise ValueError(no_such("baseline", name, names()))
    return importlib.import_module(f"{__name__}.{name}")


def description(name: str) -> str:
    """The first line of the baseline's documentation."""
    return (find(name).__doc__ or "").split("\n")[0]


def separate(name: str, mixture: np.ndarray, rate: int, parts: Sequence[str]) -> dict[str, np.ndarray]:
    """{part: float32 (samples, channels)} that baseline `name` makes of `mixture` (samples, channels) at `rate` Hz.

    All channels get the same masks, made from their root mean square, in which nothing cancels.
    """
    baseline = find(name)
    mixture = np.asarray(mixture, np.float32)
    if not len(mixture):
        return {part: mixture.copy() for part in parts}
    grid = grid_at(rate)
    # The spectra are made twice: to make them takes a moment, to keep them four times the memory of the magnitudes.
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
    """Each piece of spectra with the slice of frames that it is."""
    first = 0
    for spectra in pieces:
        yield slice(first, first + spectra.shape[1]), spectra
        first += spectra.shape[1]
