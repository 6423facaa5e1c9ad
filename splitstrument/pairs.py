"""Pairs of instrument and rest on disk: find them, and open them without loading them.

A pair is a folder `<track>` with `instrument_<track>.wav` and `rest_<track>.wav`.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path


class PairError(ValueError):
    """A pair that cannot be used; the message names the file."""


@dataclass(frozen=True)
class Pair:
    """One track's two files, memory-mapped when opened."""

    folder: Path

    @property
    def name(self):
        return self.folder.name

    def path(self, part):
        """The file of `part`, "instrument" or "rest"."""
        return self.folder / f"{part}_{self.name}.wav"

    def open(self, part):
        """(samples as stored, (frames, channels), memory-mapped; sample rate). Integers are not scaled.

        Raises PairError for a file that is missing, is no WAV file, or is a compressed one.
        """
        from scipy.io import wavfile

        try:
            rate, samples = wavfile.read(self.path(part), mmap=True)
        except (OSError, ValueError) as error:
            raise PairError(f"{self.path(part)}: cannot be opened as a WAV file ({error})") from None
        return (samples if samples.ndim == 2 else samples[:, None]), rate


def find_pairs(root):
    """All pairs below `root`, ordered by the MD5 of the folder's name as in the thesis (section 5.3)."""
    folders = {path.parent for path in Path(root).rglob("instrument_*.wav")}
    pairs = [Pair(f) for f in folders if Pair(f).path("instrument").exists() and Pair(f).path("rest").exists()]
    if not pairs:
        raise PairError(f"{root}: no pairs (folders with instrument_<track>.wav and rest_<track>.wav) below")
    return sorted(pairs, key=lambda pair: (hashlib.md5(pair.name.encode()).hexdigest(), str(pair.folder)))


def as_float(samples):
    """Stored samples -> float32 with full scale 1."""
    import numpy as np

    if np.issubdtype(samples.dtype, np.integer):
        return samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    return samples.astype(np.float32)
