"""What a network takes and gives: all that the core has to know of an architecture."""

from dataclasses import dataclass
from typing import Literal

Above = Literal["mean", "zero"]  # how masks go on above a network's bins


@dataclass(frozen=True)
class Form:
    """The shapes of a network. B: batch, F: bins, T: frames, N: samples, C: channels, K: sources, E: example's frames.

    A network of domain "spectrum" takes {"mixture": (B, F, T, C)} magnitudes of an STFT of `window` samples, a quarter
    of it apart, and gives masks (B, F, T, C, K). Its F `bins` are the lowest of the STFT's window / 2 + 1; above them a
    mask goes on as its `above` says: "mean" of what lies below, or "zero".
    One of domain "waveform" takes {"mixture": (B, N, C)} and gives waves (B, N, C, K); it has no window and no bins.
    `length` is T or N. Where `example` (E) is not 0, both take {"example": (B, F, E, C)} besides, magnitudes of
    `window` and `bins`, of a sound that is like what is wanted.
    """

    domain: Literal["spectrum", "waveform"]
    window: int
    bins: int
    length: int
    channels: int
    example: int = 0
    above: Above = "mean"

    @property
    def whole_spectrum(self) -> bool:
        """Whether the network sees all bins of its STFT."""
        return self.bins == self.window // 2 + 1

    @property
    def samples(self) -> int:
        """The samples of one window of the network: those that its frames lie over, or its N."""
        return (self.length + 3) * self.window // 4 if self.domain == "spectrum" else self.length

    @property
    def step(self) -> int:
        """The samples from one window to the next one beside it."""
        return self.length * self.window // 4 if self.domain == "spectrum" else self.length

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each input, without the batch."""
        spectrum = self.domain == "spectrum"
        shapes: dict[str, tuple[int, ...]]
        shapes = {"mixture": (self.bins, self.length, self.channels) if spectrum else (self.length, self.channels)}
        return shapes | ({"example": (self.bins, self.example, self.channels)} if self.example else {})
