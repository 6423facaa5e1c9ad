"""The output of a network for a batch of windows, with the true sources: the input of a loss."""

from dataclasses import dataclass
from typing import Any

from training.stft import istft


@dataclass(frozen=True)
class Estimate:
    """A network's mask for a batch of windows, with mixture and source: all (batch, bins, frames, channels).

    `mixture` and `source` are spectra as (real, imaginary), possibly only the lower bins; `window` is the window of
    their STFT in samples. For a waveform network there is no mask; `guess` has the spectra of its output.
    """

    mask: Any
    mixture: tuple
    source: tuple
    window: int
    sample_rate: int
    guess: tuple | None = None

    def spectra(self) -> tuple:
        """(real, imaginary) of the estimate, that is, the mask times the mixture."""
        return self.guess or tuple(self.mask * part for part in self.mixture)

    def magnitudes(self) -> tuple:
        """(mask times the magnitude of the mixture, magnitude of the source, magnitude of the mixture)."""
        mixture = magnitude(*self.mixture)
        masked = magnitude(*self.guess) if self.guess else self.mask * mixture
        return masked, magnitude(*self.source), mixture

    def audible(self) -> tuple:
        """As `magnitudes`, but with a mask below 0, which a linear output may give, set to 0, as in separation.

        For roots and logarithms, which need positive values.
        """
        from keras import ops

        masked, source, mixture = self.magnitudes()
        return ops.maximum(masked, 0.0), source, mixture

    def powers(self) -> tuple:
        """(power of the estimate, with a mask below 0 set to 0; power of the source)."""
        from keras import ops

        source, guess = (
            real * real + imaginary * imaginary for real, imaginary in (self.source, self.guess or self.mixture)
        )
        return guess if self.guess else ops.maximum(self.mask, 0.0) ** 2 * guess, source

    def waveforms(self) -> tuple:
        """(estimate, source) as waveforms: (batch, samples, channels), with faded edges."""
        return self._waveform(self.spectra()), self._waveform(self.source)

    def mixture_waveform(self) -> Any:
        """The mixture as a waveform, like `waveforms`."""
        return self._waveform(self.mixture)

    def _waveform(self, spectra: tuple) -> Any:
        real, imaginary = spectra
        return istft(real, imaginary, self.window)


def magnitude(real: Any, imaginary: Any) -> Any:
    """The magnitudes of spectra."""
    from keras import ops

    # The small constant keeps the gradient of the root finite in silence.
    return ops.sqrt(real * real + imaginary * imaginary + 1e-10)


def power(*parts: Any, keepdims: bool = False) -> Any:
    """The sum of squares of each window."""
    from keras import ops

    return sum(ops.sum(part * part, tuple(range(1, len(part.shape))), keepdims=keepdims) for part in parts)
