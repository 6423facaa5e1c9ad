"""Pairs of instrument and rest on disk: find them, and open them without loading them.

A pair is a folder `<track>` with `instrument_<track>.wav` and `rest_<track>.wav`.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

PARTS = ("instrument", "rest")


class PairError(ValueError):
    """A pair that cannot be used; the message names the file."""


@dataclass(frozen=True)
class Wave:
    """A WAV file whose header has been read: sample rate in Hz, samples, channels, and where and how samples lie."""

    path: Path
    rate: int
    samples: int
    channels: int
    dtype: str
    offset: int

    def read(self, start, count):
        """`count` samples from `start` on, float32 (count, channels), full scale 1.

        The file is opened, read and closed: where a disk goes away, a file that is mapped into memory would end the
        process. Raises PairError where there are no such samples any more.
        """
        import numpy as np

        width = np.dtype(self.dtype).itemsize * self.channels
        try:
            data = np.fromfile(self.path, self.dtype, count * self.channels, offset=self.offset + start * width)
        except OSError as error:
            reason = error.strerror.lower() if error.strerror else "it cannot be read"
            raise PairError(f"{self.path}: {reason}; is its disk still there?") from None
        if len(data) < count * self.channels:
            raise PairError(f"{self.path}: is shorter than it was")
        return as_float(data).reshape(count, self.channels)


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
        import warnings

        from scipy.io import wavfile

        try:
            with warnings.catch_warnings():
                # Of chunks that hold no samples, such as PEAK.
                warnings.simplefilter("ignore", wavfile.WavFileWarning)
                rate, samples = wavfile.read(self.path(part), mmap=True)
        except Exception as error:  # SciPy raises many kinds for a file that is cut or something else
            reason = "it is cut" if "mmap length" in str(error) else error
            raise PairError(f"{self.path(part)}: cannot be opened as a WAV file ({reason})") from None
        return (samples if samples.ndim == 2 else samples[:, None]), rate

    def wave(self, part):
        """The Wave of `part`. Raises PairError as `open` does, and where there are no samples."""
        samples, rate = self.open(part)
        if not len(samples):
            raise PairError(f"{self.path(part)}: holds no samples")
        return Wave(self.path(part), rate, *samples.shape, samples.dtype.str, samples.offset)


def find_pairs(root, whole=True):
    """All pairs below `root`, ordered by the MD5 of the folder's name as in the thesis (section 5.3).

    Those that lack one of their two files are left out, or with `whole=False` there too.
    """
    folders = {path.parent for part in PARTS for path in Path(root).rglob(f"{part}_*.wav")}
    enough = all if whole else any
    pairs = [Pair(folder) for folder in folders if enough(Pair(folder).path(part).exists() for part in PARTS)]
    if not pairs:
        raise PairError(f"{root}: no pairs (folders with instrument_<track>.wav and rest_<track>.wav) below")
    return sorted(pairs, key=lambda pair: (hashlib.md5(pair.name.encode()).hexdigest(), str(pair.folder)))


def check_names(pairs):
    """Raise PairError where two of the pairs (or other tracks with a `name` and a `folder`) have one name."""
    seen = {}
    for pair in pairs:
        if seen.setdefault(pair.name, pair) is not pair:
            both = f"{seen[pair.name].folder} and {pair.folder}"
            raise PairError(f"{both} have one name; give the folder of one sample rate, such as tracks_22050hz")


def as_float(samples):
    """Stored samples -> float32 with full scale 1."""
    import numpy as np

    if samples.dtype == np.uint8:  # 8-bit WAV is offset binary
        return (samples.astype(np.float32) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        return samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min)
    return samples.astype(np.float32)
