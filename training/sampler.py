"""Which windows make each batch, cut from the tracks' files; the seed decides every one of them.

A window is `length` samples of a track's instrument and rest. Every choice comes from a generator seeded with the
run's seed, the epoch, the step and the window's place in the batch, so that any batch can be made by itself: by another
process, on another machine, or when a run goes on.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from training.augmentation import augmented
from training.selection import Track

# What a generator is for, as the second number of its seed: two uses never see the same numbers.
PLACE, WINDOW, TRACK_ORDER, EPOCH_ORDER = 1, 2, 3, 4


@dataclass(frozen=True)
class Place:
    """A window of a track: where it starts, in samples."""

    track: Track
    start: int

    def __str__(self):
        return f"{self.track.pair.folder} at {self.start / self.track.instrument.rate:.2f} s"


class Sampler:
    """Batches of windows of `tracks`: `steps` an epoch, each `batch_size` windows (2, length, channels) of float32.

    `windows` and `augmentation` are the run's settings; `length` and `hop` (samples from one window to the next one
    beside it), `channels` those of the network. `most`: of sequential windows only as many batches, spread over all
    (0: all). Raises ValueError where there are fewer windows than one batch has.
    """

    def __init__(self, tracks, windows, augmentation, length, hop, channels, seed, most=0):
        self.tracks, self.windows, self.augmentation = tracks, windows, augmentation
        self.length, self.hop, self.channels, self.seed = length, hop, channels, seed
        weights = np.array([track.weight for track in tracks])
        self.chances = weights / weights.sum()
        self.most = most * windows.batch_size
        count = len(self._order(0))
        self.steps = count // windows.batch_size
        if windows.sampling == "random":
            self.steps = windows.steps or max(1, self.steps)
        elif not self.steps:
            raise ValueError(f"{count} windows in all are fewer than a batch of {windows.batch_size}: batch_size")
        elif windows.steps:
            self.steps = min(windows.steps, self.steps)

    def places(self, epoch, step):
        """The Places of a batch's windows."""
        size = self.windows.batch_size
        if self.windows.sampling == "sequential":
            return self._order(epoch)[step * size : (step + 1) * size]
        return [self.anywhere(self._random(PLACE, epoch, step, number)) for number in range(size)]

    def batch(self, epoch, step, wanted=slice(None)):
        """The `wanted` windows of a batch, float32 (windows, 2, length, channels): instrument and rest.

        Raises TrackError where a file cannot be read any more.
        """
        places = list(enumerate(self.places(epoch, step)))[wanted]
        randoms = [self._random(WINDOW, epoch, step, number) for number, _ in places]
        return np.stack([augmented(self, place, random) for (_, place), random in zip(places, randoms, strict=True)])

    def anywhere(self, random):
        """A random Place."""
        track = self.tracks[random.choice(len(self.tracks), p=self.chances)]
        return Place(track, int(random.integers(track.samples - self.length + 1)))

    def cut(self, place, part, length):
        """`length` samples (length, channels) of a Place's "instrument" or "rest", with zeros behind the track's end.

        A mono network hears the mean of all channels (the thesis's "removing panning"); a wider one takes mono sounds
        to all its channels.
        """
        wave = getattr(place.track, part)
        audio = wave.read(place.start, min(length, wave.samples - place.start))
        if self.channels == 1:
            audio = audio.mean(1, keepdims=True)
        elif audio.shape[1] < self.channels:
            audio = np.repeat(audio[:, :1], self.channels, 1)
        return np.pad(audio[:, : self.channels], ((0, length - len(audio)), (0, 0)))

    def _random(self, use, *numbers):
        return np.random.default_rng([self.seed, use, *numbers])

    @lru_cache(maxsize=2)  # noqa: B019 - a sampler lives as long as its run
    def _order(self, epoch):
        """All windows of an epoch, in order."""
        places = []
        for number, track in enumerate(self.tracks):
            count = (track.samples - self.length) // self.hop + 1
            numbers = np.arange(count)
            if self.windows.shuffle != "none":
                self._random(TRACK_ORDER, epoch, number).shuffle(numbers)
            limit = min(count, self.windows.per_track or count)
            # The middle ones: of a shuffled track any, of one in order those least likely to be silence.
            first = (count - limit) // 2
            places += [Place(track, int(each) * self.hop) for each in numbers[first : first + limit]]
        if self.windows.shuffle == "epoch":
            self._random(EPOCH_ORDER, epoch).shuffle(places)
        if 0 < self.most < len(places):
            # Each batch has windows from everywhere, so that none is of a track without the instrument alone.
            steps = self.most // self.windows.batch_size
            numbers = [number for step in range(steps) for number in range(step, self.most, steps)]
            places = [places[number * len(places) // self.most] for number in numbers]
        return places
