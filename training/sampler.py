"""Which windows make each batch, cut from the tracks' files; the seed decides every one of them.

A window is `length` samples of each part of a track: those of the run's sources, and everything else. Every choice
comes from a generator seeded with the run's seed, the epoch, the step and the window's place in the batch, so that any
batch can be made by itself: by another process, on another machine, or when a run goes on.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from splitstrument.tracks import Wave
from training.augmentation import augmented
from training.config import Augmentation, Windows
from training.selection import Material

# What a generator is for, as the second number of its seed: two uses never see the same numbers.
PLACE, WINDOW, TRACK_ORDER, EPOCH_ORDER, EXAMPLE = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class Place:
    """A window of a track: where it starts, in samples."""

    track: Material
    start: int

    def __str__(self) -> str:
        return f"{self.track.track.folder} at {self.start / self.track.rate:.2f} s"


class Sampler:
    """Batches of windows of `tracks`: `steps` an epoch, each `batch_size` windows (parts, length, channels) of float32.

    `windows` and `augmentation` are the run's settings; `length` and `hop` (samples from one window to the next one
    beside it), `channels` those of the network. `most`: of sequential windows only as many batches, spread over all
    (0: all). `example`: behind its parts each window has another excerpt of its track's first source. Raises ValueError
    where there are fewer windows than one batch has.
    """

    def __init__(
        self,
        tracks: Sequence[Material],
        windows: Windows,
        augmentation: Augmentation,
        length: int,
        hop: int,
        channels: int,
        seed: int,
        most: int = 0,
        example: bool = False,
    ) -> None:
        self.tracks, self.windows, self.augmentation = tracks, windows, augmentation
        self.length, self.hop, self.channels, self.seed = length, hop, channels, seed
        self.example, self.parts = example, len(tracks[0].parts)
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

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of a window: (parts, and the example, length, channels)."""
        return self.parts + self.example, self.length, self.channels

    def places(self, epoch: int, step: int) -> list[Place]:
        """The Places of a batch's windows."""
        size = self.windows.batch_size
        if self.windows.sampling == "sequential":
            return self._order(epoch)[step * size : (step + 1) * size]
        return [self.anywhere(self._random(PLACE, epoch, step, number)) for number in range(size)]

    def batch(self, epoch: int, step: int, wanted: slice = slice(None)) -> np.ndarray:
        """The `wanted` windows of a batch, float32 (windows, parts, length, channels); their mixture is the parts' sum.

        Raises TrackError where a file cannot be read any more.
        """
        places = list(enumerate(self.places(epoch, step)))[wanted]
        return np.stack([self._window(place, epoch, step, number) for number, place in places])

    def _window(self, place: Place, epoch: int, step: int, number: int) -> np.ndarray:
        window = augmented(self, place, self._random(WINDOW, epoch, step, number))
        if not self.example:
            return window
        random, track = self._random(EXAMPLE, epoch, step, number), place.track
        excerpt = self.cut(self._within(track, random), 0, self.length)
        return np.concatenate([window, excerpt[None]])

    def anywhere(self, random: np.random.Generator) -> Place:
        """A random Place."""
        return self._within(self.tracks[random.choice(len(self.tracks), p=self.chances)], random)

    def _within(self, track: Material, random: np.random.Generator) -> Place:
        return Place(track, int(random.integers(track.samples - self.length + 1)))

    def cut(self, place: Place, part: int, length: int) -> np.ndarray:
        """`length` samples (length, channels) of a Place's part of this number, with zeros behind the track's end.

        A mono network hears the mean of all channels (the thesis's "removing panning"); a wider one takes mono sounds
        to all its channels.
        """
        waves = place.track.parts[part]
        if not waves:
            return np.zeros((length, self.channels), np.float32)
        return functools.reduce(np.add, (self._cut(wave, place.start, length) for wave in waves))

    def _cut(self, wave: Wave, start: int, length: int) -> np.ndarray:
        audio = wave.read(start, min(length, wave.samples - start))
        if self.channels == 1:
            audio = audio.mean(1, keepdims=True)
        elif audio.shape[1] < self.channels:
            audio = np.repeat(audio[:, :1], self.channels, 1)
        return np.pad(audio[:, : self.channels], ((0, length - len(audio)), (0, 0)))

    def _random(self, use: int, *numbers: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, use, *numbers])

    @functools.lru_cache(maxsize=2)  # noqa: B019 - a sampler lives as long as its run
    def _order(self, epoch: int) -> list[Place]:
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
            places += [Place(track, int(window) * self.hop) for window in numbers[first : first + limit]]
        if self.windows.shuffle == "epoch":
            self._random(EPOCH_ORDER, epoch).shuffle(places)
        if 0 < self.most < len(places):
            # Each batch has windows from everywhere, so that none is of a track without the instrument alone.
            steps = self.most // self.windows.batch_size
            numbers = [number for step in range(steps) for number in range(step, self.most, steps)]
            places = [places[number * len(places) // self.most] for number in numbers]
        return places
