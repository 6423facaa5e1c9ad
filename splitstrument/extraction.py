"""Applies networks to a song as a stream: blocks of the song in, the sounds of the sources out.

Spectrum networks mask the song's own STFT. Its grid has the same times and frequencies as the model's, so nothing is
resampled. Models that have the same grid on the song share one STFT. If the masks of several models add up to more
than one in a bin, they are divided by their sum, so the mask of the rest is never negative. If a form asks for the
Wiener filter, it refines the masks of each window; they are complex then. Waveform networks get the song resampled to
their own rate; their output is resampled back, aligned in time.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from splitstrument.cards import Card
from splitstrument.form import Form
from splitstrument.runtimes import Runtime
from splitstrument.spectrogram import Analysis, Grid, Synthesis, spectra_of
from splitstrument.wiener import refined
from splitstrument.windows import Windows, overlap_of

# A model has not learned the last tenth below its Nyquist frequency, where the resampler of its training data fades.
# From there to the end of the song's own spectrum, the mask is its mean over the tenth below.
LEARNED, SAMPLE = 0.9, 0.8
SPARE = 256  # samples
# (spectra (channels, frames, bins), masks (sources, channels, frames, bins)) -> complex masks of the sources used
Refine = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass
class Model:
    """A model ready to run. `wanted`: indices of the sources that are used; `example`: (1, bins, E, channels)."""

    card: Card
    form: Form
    runtime: Runtime
    wanted: tuple[int, ...]
    thorough: bool = False
    example: np.ndarray | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The sources that are used."""
        return tuple(self.card.sources[place] for place in self.wanted)

    @property
    def overlap(self) -> int:
        """How many frames or samples two neighbouring windows share."""
        return self.form.length // 2 if self.thorough else self.form.overlap or overlap_of(self.form.length)

    def grid_at(self, sample_rate: int) -> Grid:
        """The model's grid on a song of this rate."""
        return Grid(self.form.window).at_rate(self.card.sample_rate, sample_rate)

    def predict(self, mixture: np.ndarray) -> np.ndarray:
        """The network's masks or waves (B, ..., C, K) for `mixture` (B, ..., C); only the sources that are used.

        All sources if the Wiener filter needs them; `refine` then selects those that are used.
        """
        result = self._predict(mixture)
        if self.thorough and self.form.channels == 2:
            result = (result + self._predict(mixture[..., ::-1])[..., ::-1, :]) / 2
        return result if self.form.wiener else result[..., list(self.wanted)]

    def like(self, example: tuple[np.ndarray, int]) -> "Model":
        """The same model with another example, if it takes one."""
        return replace(self, example=example_input(example, self.card, self.form)) if self.form.example else self

    @property
    def refine(self) -> Refine | None:
        """The Wiener filter, if the form asks for it."""
        if not self.form.wiener:
            return None
        return lambda spectra, masks: refined(spectra, masks, self.form.wiener, not self.card.whole)[list(self.wanted)]

    def _predict(self, mixture: np.ndarray) -> np.ndarray:
        inputs = {"mixture": np.ascontiguousarray(mixture)}
        if self.example is not None:
            inputs["example"] = np.repeat(self.example, len(mixture), 0)
        return self.runtime.predict(inputs)


class Masking:
    """Spectra of any channel count on the song's grid -> the masks of a model's sources, window by window.

    `refine` gets the masks of a window before they are limited to one.
    """

    def __init__(
        self,
        predict: Callable[[np.ndarray], np.ndarray],
        form: Form,
        overlap: int,
        workers: Executor | None = None,
        refine: Refine | None = None,
    ) -> None:
        self.predict, self.form, self.refine = predict, form, refine
        self.windows = Windows(self._refined if refine else self._masks, form.length, overlap, workers)

    def __call__(self, spectra: np.ndarray, last: bool = False) -> np.ndarray | None:
        """The masks (sources, channels, frames, bins) that these `spectra` (channels, frames, bins) complete."""
        masks = self.windows(spectra.swapaxes(0, 1), last)
        if masks is None:
            return None
        if self.refine:
            return masks.transpose(1, 2, 0, 3)
        return self._song_masks(masks, spectra.shape[0], spectra.shape[2])

    def _masks(self, spectra: np.ndarray) -> np.ndarray:
        """A window (frames, channels, bins) -> masks (frames, groups, channels and bins of the network, sources)."""
        masks = self.predict(network_input(np.abs(spectra.swapaxes(0, 1)), self.form))
        return np.clip(masks, 0, None if self.refine else 1).transpose(2, 0, 3, 1, 4)

    def _refined(self, spectra: np.ndarray) -> np.ndarray:
        """A window (frames, channels, bins) -> its complex masks (frames, sources, channels, bins)."""
        assert self.refine
        masks = self._song_masks(self._masks(spectra), *spectra.shape[1:])
        return self.refine(spectra.swapaxes(0, 1), masks).transpose(2, 0, 1, 3)

    def _song_masks(self, masks: np.ndarray, channels: int, bins: int) -> np.ndarray:
        """Joined results of `_masks` -> (sources, channels, frames, bins of the song)."""
        masks = masks.transpose(4, 1, 2, 0, 3)
        masks = masks.reshape(len(masks), -1, *masks.shape[3:])
        if self.form.channels == 1:
            masks = np.broadcast_to(masks, (len(masks), channels, *masks.shape[2:]))
        masks = masks[:, :channels]
        own = self.form.bins
        # A network that sees only the lower bins of its STFT was trained on sound that continues above them.
        faded = self.form.whole_spectrum and not self.form.to_nyquist
        learned, sample = (int(LEARNED * (own - 1)), int(SAMPLE * (own - 1))) if faded else (own, 0)
        if bins <= learned:
            return masks[..., :bins]
        if self.form.above == "zero":
            above = np.zeros((*masks.shape[:-1], 1), np.float32)
        else:
            above = masks[..., sample or int(LEARNED * own) : learned].mean(-1, keepdims=True)
        return np.concatenate([masks[..., :learned], np.repeat(above, bins - learned, -1)], -1)


def network_input(magnitudes: np.ndarray, form: Form) -> np.ndarray:
    """(channels, frames, bins of the song) -> (groups, bins, frames, channels of the network).

    A mono network gets the root mean square of all channels, in which nothing cancels. Other networks get the channels
    in groups; if the last group is not full, the last channel is repeated.
    """
    if form.channels == 1:
        groups = np.sqrt((magnitudes**2).mean(0))[None, None]
    else:
        groups = _side_by_side(magnitudes, form.channels)
    groups = groups[..., : form.bins]
    missing = form.bins - groups.shape[-1]
    if missing:
        groups = np.pad(groups, ((0, 0), (0, 0), (0, 0), (0, missing)))
    return groups.transpose(0, 3, 2, 1)


def _side_by_side(channels: np.ndarray, wanted: int) -> np.ndarray:
    """(channels, ...) -> (groups, wanted, ...); if the last group is not full, the last channel is repeated."""
    count = -(-len(channels) // wanted)
    indices = np.minimum(np.arange(count * wanted), len(channels) - 1)
    return channels[indices].reshape(count, wanted, *channels.shape[1:])


class MaskedSpectra:
    """A song's blocks -> the sources of the models that share a grid, {name: sound (samples, channels)}.

    The models complete their masks at different frames; masks that are ahead wait for the others.
    """

    def __init__(self, grid: Grid, models: Sequence[Model], channels: int) -> None:
        self.analysis = Analysis(grid, channels)
        self.maskings = [
            Masking(model.predict, model.form, model.overlap, model.runtime.workers, model.refine) for model in models
        ]
        self.names = [name for model in models for name in model.names]
        self.syntheses = [Synthesis(grid, channels) for _ in self.names]
        self.shared = len(models) > 1
        self.spectra: np.ndarray | None = None
        self.ahead: list[np.ndarray | None] = [None] * len(models)

    def extract(self, block: np.ndarray, last: bool) -> tuple[np.ndarray, np.ndarray] | None:
        """The (spectra, masks of all sources) that this `block` completes, for `sounds`; None if there are none."""
        spectra = self.analysis.finish() if last else self.analysis(block)
        for place, masking in enumerate(self.maskings):
            if (masks := masking(spectra, last)) is not None:
                self.ahead[place] = _joined(self.ahead[place], masks, 2)
        spectra = _joined(self.spectra, spectra, 1)
        ahead = [masks for masks in self.ahead if masks is not None]
        complete = min(masks.shape[2] for masks in ahead) if len(ahead) == len(self.ahead) else 0
        if not complete:
            self.spectra = spectra
            return None
        masks = np.concatenate([masks[:, :, :complete] for masks in ahead])
        self.spectra, self.ahead = spectra[:, complete:], [masks[:, :, complete:] for masks in ahead]
        if self.shared:
            masks = masks / np.maximum(np.abs(masks.sum(0)), 1)
        return spectra[:, :complete], masks

    def sounds(self, extracted: tuple[np.ndarray, np.ndarray] | None) -> dict[str, np.ndarray]:
        """The sounds of what `extract` returned; an empty dict for None."""
        if extracted is None:
            return {}
        spectra, masks = extracted
        return {
            name: synthesis(spectra * mask)
            for name, synthesis, mask in zip(self.names, self.syntheses, masks, strict=True)
        }


def _joined(waiting: np.ndarray | None, piece: np.ndarray, axis: int) -> np.ndarray:
    if waiting is None or not waiting.shape[axis]:
        return piece
    return np.concatenate([waiting, piece], axis=axis)


class Waves:
    """A song's blocks -> the sources of a waveform model, {name: sound (samples, channels)}."""

    def __init__(self, model: Model, sample_rate: int, channels: int) -> None:
        self.model, self.channels = model, channels
        own = model.card.sample_rate
        self.to_model = Resampling(sample_rate, own, channels)
        self.windows = Windows(self._waves, model.form.length, model.overlap, model.runtime.workers, centred=True)
        self.back = [Resampling(own, sample_rate, channels) for _ in model.names]

    def extract(self, block: np.ndarray, last: bool) -> tuple[np.ndarray, bool]:
        """(complete sources at the model's rate, (samples, sources, channels); `last`), for `sounds`."""
        waves = self.windows(self.to_model(block, last), last)
        return np.zeros((0, len(self.back), self.channels), np.float32) if waves is None else waves, last

    def sounds(self, extracted: tuple[np.ndarray, bool]) -> dict[str, np.ndarray]:
        """The sounds, at the song's rate, of what `extract` returned."""
        waves, last = extracted
        sounds = {}
        for place, (name, back) in enumerate(zip(self.model.names, self.back, strict=True)):
            sounds[name] = back(waves[:, place], last)
            if last:  # two resamplings may round the length down
                sounds[name] = np.pad(sounds[name], ((0, SPARE), (0, 0)))
        return sounds

    def _waves(self, window: np.ndarray) -> np.ndarray:
        """A window (samples, channels) -> (samples, sources, channels); a mono network gets one channel at a time."""
        groups = _side_by_side(window.T, self.model.form.channels)
        waves = self.model.predict(groups.transpose(0, 2, 1))  # (groups, samples, channels, sources)
        waves = waves.transpose(1, 3, 0, 2).reshape(len(window), waves.shape[-1], -1)
        return waves[..., : self.channels].copy()


class Resampling:
    """Resamples a stream with soxr. The results come later than their input, but are not shifted in time."""

    def __init__(self, before: int, after: int, channels: int) -> None:
        import soxr

        self.stream = None if before == after else soxr.ResampleStream(before, after, channels, dtype="float32")
        self.channels = channels

    def __call__(self, block: np.ndarray, last: bool) -> np.ndarray:
        """The samples that `block` (samples, channels) completes; `last` completes all of them."""
        if self.stream is None:
            return block
        block = np.ascontiguousarray(block, np.float32)
        return self.stream.resample_chunk(block, last=last).reshape(-1, self.channels)


def example_input(example: tuple[np.ndarray, int], card: Card, form: Form) -> np.ndarray:
    """The loudest section of an example, (samples, channels) and its rate, as an input: (1, bins, E, channels).

    An example that is too short is padded with silence at the end.
    """
    sound, sample_rate = example
    grid = Grid(form.window).at_rate(card.sample_rate, sample_rate)
    sound = np.asarray(sound, np.float32).reshape(len(sound), -1)
    magnitudes = np.abs(np.concatenate(list(spectra_of(sound, grid)), 1))
    if (spare := magnitudes.shape[1] - form.example) > 0:
        power = np.concatenate([[0.0], np.cumsum((magnitudes.astype(np.float64) ** 2).sum((0, 2)))])
        first = int(np.argmax(power[form.example :] - power[: spare + 1]))
        magnitudes = magnitudes[:, first : first + form.example]
    else:
        magnitudes = np.pad(magnitudes, ((0, 0), (0, -spare), (0, 0)))
    return network_input(magnitudes, form)[:1]
