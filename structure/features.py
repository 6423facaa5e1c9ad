"""What beats, bars and sections are found from: a song's onsets, its harmony and its timbre.

The song is read in blocks and only these small arrays are kept, so an hour needs about 25 MB. Sound is mixed to mono
at RATE. Frame t of any array is centred at t * hop / RATE seconds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.files.audio import AudioError, open_audio

if TYPE_CHECKING:
    import numpy as np

RATE = 22050  # Hz
HOP = 256  # samples from one frame of the onsets to the next, 11.6 ms
WINDOW = 1024
LONG_HOP, LONG_WINDOW = 2048, 8192  # for harmony: neighbouring notes of a bass are a few Hz apart
# Bands of the onsets in Hz: kick and bass, then two with snares and most notes, then cymbals.
EDGES = (30.0, 180.0, 1200.0, 5000.0, 10500.0)
MELS, TIMBRES = 48, 20
COMPRESSION = 1000.0  # magnitudes become log(1 + COMPRESSION * magnitude); a full-scale sine has magnitude 1
SILENT = 1e-4  # peak; -80 dB


@dataclass(frozen=True)
class Features:
    """The features of a song of `seconds`.

    `onsets`: (frames, 4), how much the log-magnitude rises in each band of EDGES. `chroma` and `bass`: (long frames,
    12), magnitudes by pitch class, above 130 Hz and from 40 to 260 Hz. `mels`: (long frames, MELS) log-magnitudes.
    """

    seconds: float
    onsets: "np.ndarray"
    chroma: "np.ndarray"
    bass: "np.ndarray"
    mels: "np.ndarray"

    @property
    def timbre(self) -> "np.ndarray":
        """(long frames, TIMBRES) mel-frequency cepstral coefficients, the first of which is the level."""
        import numpy as np
        from scipy.fft import dct

        return np.asarray(dct(self.mels, norm="ortho", axis=1)[:, :TIMBRES])

    def times(self) -> "np.ndarray":
        """The time of each frame of `onsets`, in seconds."""
        import numpy as np

        return np.arange(len(self.onsets)) * HOP / RATE


def read_features(path: str | Path, progress: Callable[[float], object] = lambda seconds: None) -> Features:
    """The Features of a song. `progress` is called with the seconds that were read.

    Raises AudioError if the song cannot be read, or if it is silent.
    """
    with open_audio(path) as reader:
        collected = Collector()
        for block in _resampled(reader.blocks(1 << 17), reader.info.sample_rate, progress):
            collected.add(block)
    features = collected.features()
    if collected.peak < SILENT:
        raise AudioError(f"{path}: is silent, so it has no beats and no sections")
    return features


def _resampled(
    blocks: Iterator["np.ndarray"], rate: int, progress: Callable[[float], object]
) -> Iterator["np.ndarray"]:
    """Mono blocks at RATE from blocks (frames, channels) at `rate`."""
    import numpy as np
    import soxr

    stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block.mean(axis=1)))
        progress(len(block) / rate)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


class Collector:
    """Computes Features from mono blocks of any size, at RATE. `peak` is the highest absolute sample so far."""

    def __init__(self) -> None:
        import librosa
        import numpy as np

        self.peak, self._samples = 0.0, 0
        self._short, self._long = _Frames(WINDOW, HOP), _Frames(LONG_WINDOW, LONG_HOP)
        self._mels = librosa.filters.mel(sr=RATE, n_fft=WINDOW, n_mels=MELS, fmin=EDGES[0], fmax=EDGES[-1], norm=None)
        centres = librosa.mel_frequencies(MELS + 2, fmin=EDGES[0], fmax=EDGES[-1])[1:-1]
        self._bands = [(centres >= low) & (centres < high) for low, high in zip(EDGES, EDGES[1:], strict=False)]
        self._long_mels = librosa.filters.mel(sr=RATE, n_fft=LONG_WINDOW, n_mels=MELS, fmin=40.0)
        hertz = np.fft.rfftfreq(LONG_WINDOW, 1 / RATE)
        pitches = librosa.filters.chroma(sr=RATE, n_fft=LONG_WINDOW, octwidth=None, base_c=True)
        self._chroma = pitches * ((hertz > 130) & (hertz < 4000))
        self._bass = pitches * ((hertz > 40) & (hertz < 260))
        self._before = np.zeros((2, MELS), np.float32)
        self._parts: tuple[list, list, list, list] = ([], [], [], [])

    def add(self, block: "np.ndarray") -> None:
        """Take the next samples (frames,)."""
        import numpy as np

        if len(block):
            self.peak = max(self.peak, float(np.abs(block).max()))
            self._samples += len(block)
            self._onsets(self._short.spectra(block))
            self._harmony(self._long.spectra(block))

    def _onsets(self, spectra: "np.ndarray") -> None:
        """Keep the rise of the log-magnitudes over two frames, in bands."""
        import numpy as np

        logs = np.concatenate([self._before, np.log1p(COMPRESSION * spectra @ self._mels.T).astype(np.float32)])
        rise = np.maximum(logs[2:] - logs[:-2], 0.0)
        self._before = logs[-2:]
        self._parts[0].append(np.stack([rise[:, band].mean(axis=1) for band in self._bands], axis=1))

    def _harmony(self, spectra: "np.ndarray") -> None:
        import numpy as np

        for part, filters in ((self._parts[1], self._chroma), (self._parts[2], self._bass)):
            part.append((spectra @ filters.T).astype(np.float32))
        self._parts[3].append(np.log1p(COMPRESSION * spectra @ self._long_mels.T).astype(np.float32))

    def features(self) -> Features:
        """The Features of all samples. Call it once."""
        import numpy as np

        self._onsets(self._short.rest())
        self._harmony(self._long.rest())
        return Features(self._samples / RATE, *(np.concatenate(part) for part in self._parts))


class _Frames:
    """Magnitude spectra (frames, window // 2 + 1) of a stream of samples; a full-scale sine has the peak 1."""

    def __init__(self, window: int, hop: int) -> None:
        import numpy as np

        self._hop, self._weights = hop, np.hanning(window + 1)[:-1].astype(np.float32)
        self._weights *= 2 / self._weights.sum()
        self._held = np.zeros(window // 2, np.float32)  # so that the first frame is centred at 0

    def spectra(self, block: "np.ndarray") -> "np.ndarray":
        """The spectra of all frames that are complete with `block`."""
        import numpy as np

        window, samples = len(self._weights), np.concatenate([self._held, block])
        count = max(0, (len(samples) - window) // self._hop + 1)
        self._held = samples[count * self._hop :]
        if not count:
            return np.zeros((0, window // 2 + 1), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(samples, window)[:: self._hop][:count]
        return np.abs(np.fft.rfft(frames * self._weights)).astype(np.float32)

    def rest(self) -> "np.ndarray":
        """The spectra of the frames that are centred before the end."""
        import numpy as np

        return self.spectra(np.zeros(len(self._weights) // 2, np.float32))
