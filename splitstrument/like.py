"""Reads an example of a sound to take out, for models that take out what sounds like an example."""

from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.files.audio import AudioError, read

if TYPE_CHECKING:
    import numpy as np

MOST, LEAST = 60.0, 0.1  # seconds: as much of an example is read; what is shorter says nothing
SILENT = 1e-4  # full scale is 1


def read_example(path: Path) -> "tuple[np.ndarray, int]":
    """The first minute of an example: (array (frames, channels) float32, sample rate in Hz).

    Raises AudioError if it cannot be read, is silent, or is shorter than 0.1 s.
    """
    import numpy as np

    sound, rate = read(path, duration=MOST)
    if len(sound) < LEAST * rate:
        raise AudioError(f"{path}: is shorter than {LEAST:g} s; give a few seconds of the sound to take out")
    if np.abs(sound).max() < SILENT:
        raise AudioError(f"{path}: is silent; give a few seconds in which the sound to take out plays alone")
    return sound, rate
