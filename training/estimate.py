"""What a network made of a batch of windows, beside what it was made for: all that a loss looks at."""

from dataclasses import dataclass
from typing import Any

from training.stft import istft


@dataclass(frozen=True)
class Estimate:
    """A network's mask for a batch of windows, and what it was made for: all (batch, bins, frames, channels).

    `mixture` and `source` are spectra as (real, imaginary); `window` is that of their STFT in samples, of which they
    may be the lower bins alone. A network of waveforms has no mask, and `guess`, the spectra of what it made.
    """

    mask: Any
    mixture: tuple
    source: tuple
    window: int
    sample_rate: int
    guess: tuple | None = None

    def spectra(self) -> tuple:
        """(real, imaginary) of the estimate: of what the mask leaves of the mixture."""
        return self.guess or tuple(self.mask * part for part in self.mixture)

    def magnitudes(self) -> tuple:
        """(mask times the mixture's magnitude, the source's, the mixture's)."""
        mixture = magnitude(*self.mixture)
        masked = magnitude(*self.guess) if self.guess else self.mask * mixture
        return masked, magnitude(*self.source), mixture

    def audible(self) -> tuple:
        """As `magnitudes`, where a mask below 0, which a linear output may give, counts as 0, as it does in use.

        For roots and logarithms, which have no value there.
        """
        from keras import ops

        masked, source, mixture = self.magnitudes()
        return ops.maximum(masked, 0.0), source, mixture

    def powers(self) -> tuple:
        """(power of the estimate, where a mask below 0 counts as 0, the source's)."""
        from keras import ops

        source, guess = (
            real * real + imaginary * imaginary for real, imaginary in (self.source, self.guess or self.mixture)
        )
        return guess if self.guess else ops.maximum(self.mask, 0.0) ** 2 * guess, source

    def waveforms(self) -> tuple:
        """(estimate, source) in time: (batch, samples, channels), the edges faded."""
        return self._waveform(self.spectra()), self._waveform(self.source)

    def mixture_waveform(self) -> Any:
        """The mixture in time, as `waveforms`."""
        return self._waveform(self.mixture)

    def _waveform(self, spectra: tuple) -> Any:
        real, imaginary = spectra
        return istft(real, imaginary, self.window)


def magnitude(real: Any, imaginary: Any) -> Any:
    """The magnitudes of spectra."""
    from keras import ops

    # The small number keeps the root's gradient finite in silence.
    return ops.sqrt(real * real + imaginary * imaginary + 1e-10)


def power(*parts: Any, keepdims: bool = False) -> Any:
    """Sum of squares for each window."""
    from keras import ops

    return sum(ops.sum(part * part, tuple(range(1, len(part.shape))), keepdims=keepdims) for part in parts)
