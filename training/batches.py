"""Pairs -> batches: the mixture's magnitudes for the network, and what the losses compare its mask with.

Instrument and rest are mixed anew each time, from the same track or from different ones. The seed and the batch's
number decide everything in it.
"""

import keras
import numpy as np

from splitstrument.pairs import as_float
from splitstrument.spectrogram import Grid


class Batches(keras.utils.PyDataset):
    """`steps` batches in all of random windows from weighted collections of pairs.

    `collections` is a list of (weight, pairs); a batch is x (batch, bins, frames, channels) magnitudes and y
    (batch, bins, frames, 4 * channels), see `training.losses`. `first` is the number of the first batch, for a run
    that goes on.
    """

    def __init__(self, collections, settings, steps, seed, mixing, **workers):
        super().__init__(**workers)
        self.settings, self.steps, self.seed, self.mixing = settings, steps, seed, mixing
        self.grid, self.first = Grid(settings.fft_length), 0
        weights = np.array([weight for weight, _ in collections], float)
        self.weights, self.opened = weights / weights.sum(), []
        for _, pairs in collections:
            self.opened.append([[pair.open(part)[0] for part in ("instrument", "rest")] for pair in pairs])

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        random = np.random.default_rng([self.seed, self.first + index])
        examples = [self._example(random) for _ in range(self.mixing.batch_size)]
        x, y = (np.stack(parts) for parts in zip(*examples, strict=True))
        return x, y

    def _crop(self, random, part, track=None):
        """((samples, 2) of a random place of a track, the (track, place) it came from)."""
        length = (self.settings.frames - 1) * self.grid.hop + self.grid.window
        if track is None:
            collection = self.opened[random.choice(len(self.opened), p=self.weights)]
            tracks = collection[random.integers(len(collection))]
            track = (tracks, random.integers(max(1, len(tracks[part]) - length)))
        tracks, place = track
        audio = as_float(tracks[part][place : place + length])
        audio = np.pad(audio, ((0, length - len(audio)), (0, 0)))
        return (audio if audio.shape[1] == 2 else np.repeat(audio[:, :1], 2, 1)), track

    def _example(self, random):
        mixing = self.mixing
        instrument, track = self._crop(random, 0)
        together = random.random() < mixing.same_track
        rest, _ = self._crop(random, 1, track if together else None)
        if random.random() < mixing.second_instrument:
            instrument = instrument + self._crop(random, 0)[0] * self._gain(random, 6)
        if random.random() < mixing.second_rest:
            rest = rest + self._crop(random, 1)[0] * self._gain(random, 8)
        if random.random() < mixing.silence:
            instrument = np.zeros_like(instrument)
        parts = []
        for audio in (instrument, rest):
            audio = audio * self._gain(random, mixing.gain)
            if random.random() < 0.5:
                audio = audio[:, ::-1]
            if random.random() < 0.5:
                audio = -audio
            parts.append(audio)
        if random.random() < mixing.mono:
            parts = [np.repeat(audio.mean(1, keepdims=True), 2, 1) for audio in parts]
        # (2 channels, frames, bins) each; filtering is a smooth random curve over the bins, per part.
        instrument, rest = (self.grid.spectra(audio) * self._curve(random) for audio in parts)
        channels = self.settings.channels
        mixture = instrument + rest
        if channels == 1:
            mixture, instrument = mixture.mean(0, keepdims=True), instrument.mean(0, keepdims=True)
        level = np.float32(1 / (np.abs(mixture).mean() + 1e-6))
        y = np.concatenate([mixture.real, mixture.imag, instrument.real, instrument.imag]) * level
        x = np.abs(mixture) * level
        return x.transpose(2, 1, 0), y.transpose(2, 1, 0)

    def _gain(self, random, spread):
        return np.float32(10 ** (random.uniform(-spread, spread) / 20))

    def _curve(self, random):
        """A gain for each bin: random at six frequencies (evenly apart in octaves), smooth between them."""
        if random.random() >= self.mixing.filtering:
            return np.float32(1)
        places = np.linspace(0, 1, 6)
        octaves = np.log2(1 + 31 * np.arange(self.grid.bins) / (self.grid.bins - 1)) / 5
        decibels = np.interp(octaves, places, random.normal(0, 3, 6))
        return (10 ** (decibels / 20)).astype(np.float32)
