"""Separator: a song in, its instruments and the rest out, at the song's own rate, channels and length.

The song's own spectrum is masked, on a grid with the same times and frequencies as the model's (`Grid.at_rate`), so
nothing is resampled, and the parts add up to the song: the rest is the song minus the instruments.

Several models take their instruments out in one pass. Those whose grids come out the same on the song share its
analysis, and where their masks claim more than the whole of a bin they share that too (`SharedMasks`). Models on
different grids have no bins in common: what two of them claim is subtracted twice.
"""

import functools
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from splitstrument.spectrogram import Analysis, Grid, Synthesis
from splitstrument.windows import Masks, SharedMasks, overlap_of

BLOCK_SECONDS = 5.0


class Separator:
    """Takes songs apart with one model or several, which are loaded once.

    `model`: a shipped model's name or a model folder, or a list of them. `precision`: "float32", "bfloat16", or "auto",
    which takes bfloat16 where the processor has it and a measurement finds it faster. `device`: "cpu", "gpu" or None
    for what there is. `thorough`: masks are means over windows that lie half over each other and, of stereo networks,
    over both orders of the channels, which takes about four times as long. Raises ModelError (no such model, broken
    files) and ValueError (no GPU, no model, two models that take out the same instrument).
    """

    def __init__(self, model="guitar", precision="auto", device=None, thorough=False):
        from splitstrument import inference

        names = [model] if isinstance(model, str | os.PathLike) else list(model)
        _check_instruments(names)
        self.thorough = thorough
        self.models = tuple(_Model(*inference.load(name, precision, device), thorough) for name in names)

    @property
    def name(self):
        """The models' names, joined by "+"."""
        return "+".join(model.card.name for model in self.models)

    @property
    def instruments(self):
        """The names of what is taken out, in the models' order, such as ("guitar", "piano")."""
        return tuple(model.card.instrument for model in self.models)

    def separate(self, audio, sample_rate):
        """{instrument: array, ..., "rest": array}, float32, each of the shape of `audio`.

        `audio` is (frames,) or (frames, channels), up to 8 channels, at 8,000 to 192,000 Hz. ValueError otherwise,
        and for samples that are NaN or infinite.
        """
        audio = np.asarray(audio)
        if audio.ndim not in (1, 2) or (audio.ndim == 2 and not 1 <= audio.shape[1] <= 8):
            raise ValueError(
                f"audio of shape {audio.shape}: it must be (frames,) or (frames, channels), 1 to 8 channels"
            )
        if not 8000 <= sample_rate <= 192000:
            raise ValueError(f"a sample rate of {sample_rate} Hz: it must be 8,000 to 192,000")
        song = audio.astype(np.float32).reshape(len(audio), audio.shape[1] if audio.ndim == 2 else 1)
        if not np.isfinite(song).all():
            raise ValueError("audio holds samples that are NaN or infinite")
        parts = {name: np.zeros_like(song) for name in self.instruments}
        size, done = int(BLOCK_SECONDS * sample_rate), 0
        blocks = (song[start : start + size] for start in range(0, len(song), size))
        for piece, instruments in self.stream(blocks, sample_rate, song.shape[1]):
            for name, instrument in instruments.items():
                parts[name][done : done + len(piece)] = instrument
            done += len(piece)
        parts["rest"] = rest_of(song, parts.values())
        return {name: part.reshape(audio.shape) for name, part in parts.items()}

    def stream(self, blocks, sample_rate, channels):
        """(song, {instrument: sound, ...}) pieces for a stream of blocks of any length, for `rest_of` to take the rest.

        The song and each instrument are float32 (frames, channels). Pieces come some seconds behind the blocks;
        together they have the song's length. Memory does not grow. The blocks are taken by a thread, which reads and
        masks one ahead; close the stream before what the blocks come from.
        """
        together = {}  # grid: its models
        for model in self.models:
            together.setdefault(model.grid_at(sample_rate), []).append(model)
        extractions = [_Extraction(grid, models, channels) for grid, models in together.items()]
        song = np.zeros((0, channels), np.float32)
        parts = dict.fromkeys(self.instruments, song)
        masked = ((block, [each.masked(block, last) for each in extractions]) for block, last in _with_end(blocks))
        for block, found in _one_ahead(masked):
            song = np.concatenate([song, block])
            for extraction, each in zip(extractions, found, strict=True):
                for name, part in extraction.sounds(*each):
                    parts[name] = np.concatenate([parts[name], part])
            # Behind the song's end lie the zeros that the last frames reach into.
            count = min(len(song), *map(len, parts.values()))
            if count:
                yield song[:count], {name: part[:count] for name, part in parts.items()}
                song, parts = song[count:], {name: part[count:] for name, part in parts.items()}


def rest_of(song, instruments):
    """What the instruments leave of the song: `song` minus each of them, arrays of one shape."""
    return functools.reduce(np.subtract, instruments, song)


class _Model:
    """A model ready to run: from windows of magnitudes to windows of masks."""

    def __init__(self, card, network, thorough):
        self.card, self.network = card, network
        self.shape = tuple(network.input_shape[1:])  # bins, frames, channels
        self.mirrored = thorough and self.shape[2] == 2
        self.overlap = self.shape[1] // 2 if thorough else overlap_of(self.shape[1])

    def grid_at(self, sample_rate):
        """The model's grid on a song of this rate."""
        return Grid(2 * (self.shape[0] - 1)).at_rate(self.card.sample_rate, sample_rate)

    def predict(self, windows):
        masks = np.asarray(self.network.predict_on_batch(windows), np.float32)
        if self.mirrored:
            masks = (masks + np.asarray(self.network.predict_on_batch(windows[..., ::-1]))[..., ::-1]) / 2
        return masks


class _Extraction:
    """A song's blocks -> the instruments of the models that share a grid."""

    def __init__(self, grid, models, channels):
        self.analysis = Analysis(grid, channels)
        self.masks = SharedMasks([Masks(each.predict, each.shape, each.overlap) for each in models])
        self.syntheses = {model.card.instrument: Synthesis(grid, channels) for model in models}

    def masked(self, block, last):
        """(spectra, the mask of each model), all of one length, as far as they are complete after this `block`."""
        return self.masks(self.analysis.finish() if last else self.analysis(block), last)

    def sounds(self, spectra, masks):
        """(instrument, sound) of each model."""
        for (name, synthesis), mask in zip(self.syntheses.items(), masks, strict=True):
            yield name, synthesis(spectra * mask)


def _check_instruments(names):
    """ValueError where models take out the same instrument, which their cards say; ModelError where one is not there.

    Before any is loaded, which takes seconds.
    """
    from splitstrument import models

    if not names:
        raise ValueError("no model to separate with: name one, or several that take out different instruments")
    seen = {}
    for name in names:
        instrument = models.read_card(models.find(name)).instrument
        if instrument in seen:
            both = f"{seen[instrument]} and {name} both take out {instrument}"
            raise ValueError(f"{both}: leave one of them out, or separate the song with each on its own")
        seen[instrument] = name


def _with_end(blocks):
    """(block, False) for each block, then (an empty one, True) if there was any."""
    block = None
    for block in blocks:
        yield block, False
    if block is not None:
        yield block[:0], True


def _one_ahead(items):
    """The items, each made by a thread while the one before is in use."""
    end = object()
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(next, items, end)
        while (item := future.result()) is not end:
            future = thread.submit(next, items, end)
            yield item
