"""The inputs and outputs of a network: all that the core has to know about an architecture."""

from dataclasses import dataclass
from typing import Literal

Above = Literal["mean", "zero"]  # how masks continue above a network's bins


@dataclass(frozen=True)
class Form:
    """The shapes of a network. B: batch, F: bins, T: frames, N: samples, C: channels, K: sources, E: example's frames.

    A network of domain "spectrum" takes magnitudes {"mixture": (B, F, T, C)} of an STFT with a window of `window`
    samples and a hop of a quarter of it, and returns masks (B, F, T, C, K). Its F `bins` are the lowest of the STFT's
    window / 2 + 1 bins. Above them a mask continues as `above` says: "mean" of the bins below, or "zero".
    A network of domain "waveform" takes {"mixture": (B, N, C)} and returns waves (B, N, C, K). It has no window and no
    bins. `length` is T or N. If `example` (E) is not 0, both also take {"example": (B, F, E, C)}: magnitudes, with
    `window` and `bins`, of a sound like the one to be taken out.

    `overlap`: how many frames or samples neighbouring windows of a song share; 0: as few as are not heard.
    `to_nyquist`: the masks hold for all bins of the STFT, since the network learned from sound that was not resampled.
    `wiener`: how often the estimates of all sources are refined by a multichannel Wiener filter (splitstrument.wiener).
    """

    domain: Literal["spectrum", "waveform"]
    window: int
    bins: int
    length: int
    channels: int
    example: int = 0
    above: Above = "mean"
    to_nyquist: bool = False
    wiener: int = 0
    overlap: int = 0

    @property
    def whole_spectrum(self) -> bool:
        """Whether the network sees all bins of its STFT."""
        return self.bins == self.window // 2 + 1

    @property
    def samples(self) -> int:
        """The number of samples in one window of the network: those that its T frames span, or N."""
        return (self.length + 3) * self.window // 4 if self.domain == "spectrum" else self.length

    @property
    def step(self) -> int:
        """The number of samples from the start of one window to the start of the next, without overlap."""
        return self.length * self.window // 4 if self.domain == "spectrum" else self.length

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each input, without the batch."""
        spectrum = self.domain == "spectrum"
        shapes: dict[str, tuple[int, ...]]
        shapes = {"mixture": (self.bins, self.length, self.channels) if spectrum else (self.length, self.channels)}
        return shapes | ({"example": (self.bins, self.example, self.channels)} if self.example else {})
