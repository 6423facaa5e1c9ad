"""Choose the windows of each batch by seed, and cut them from the tracks' files.

A window has `length` samples of each part of a track: the run's sources, and everything else. Every random choice
comes from a generator seeded with the run's seed, the epoch, the step and the window's place in the batch. So any
batch can be made independently: by another process, on another machine, or when a run resumes.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from splitstrument.tracks import Wave
from training.augmentation import augmented
from training.config import Augmentation, Windows
from training.selection import Material

# The purpose of a generator, as the second number of its seed, so that different uses get different random numbers.
PLACE, WINDOW, TRACK_ORDER, EPOCH_ORDER, EXAMPLE = 1, 2, 3, 4, 5


HEARD, TRIES = 1e-5, 5  # the power above which an example is heard; how often another excerpt or place is tried


@dataclass(frozen=True)
class Place:
    """A window of a track, starting at sample `start`."""

    track: Material
    start: int

    def __str__(self) -> str:
        return f"{self.track.track.folder} at {self.start / self.track.rate:.2f} s"


class Sampler:
    """Batches of windows of `tracks`: `steps` per epoch, each `batch_size` float32 windows (parts, length, channels).

    `windows` and `augmentation` are the run's settings. `length`, `hop` (samples between adjacent windows) and
    `channels` are the network's. `most`: the maximum number of sequential batches, spread over all windows (0: all).
    `example`: after its parts, each window has another excerpt of its track's first source, or, in a run by example, of
    a part of the same name of any track. Raises ValueError if there are fewer windows than a batch needs.
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
        self.kinds = {kind: [track for track in tracks if track.kind == kind] for kind in _kinds(tracks)}
        weights = np.array([track.weight for track in tracks])
        self.chances = weights / weights.sum()
        self.most = most * windows.batch_size
        count = len(self._order(0))
        self.steps = count // windows.batch_size
        if windows.sampling == "random":
            self.steps = windows.steps or max(1, self.steps)
        elif not self.steps:
            raise ValueError(f"batch_size: {windows.batch_size} is more than the {count} windows of all tracks")
        elif windows.steps:
            self.steps = min(windows.steps, self.steps)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of a window: (parts and the example, if any; length; channels)."""
        return self.parts + self.example, self.length, self.channels

    def places(self, epoch: int, step: int) -> list[Place]:
        """The Places of the windows of a batch."""
        size = self.windows.batch_size
        if self.windows.sampling == "sequential":
            return self._order(epoch)[step * size : (step + 1) * size]
        return [self.anywhere(self._random(PLACE, epoch, step, number)) for number in range(size)]

    def batch(self, epoch: int, step: int, wanted: slice = slice(None)) -> np.ndarray:
        """The `wanted` windows of a batch, float32 (windows, parts, length, channels); the parts sum to the mixture.

        Raises TrackError if a file can no longer be read.
        """
        places = list(enumerate(self.places(epoch, step)))[wanted]
        return np.stack([self._window(place, epoch, step, number) for number, place in places])

    def _window(self, place: Place, epoch: int, step: int, number: int) -> np.ndarray:
        window = augmented(self, place, self._random(WINDOW, epoch, step, number))
        if not self.example:
            return window
        random, kind = self._random(EXAMPLE, epoch, step, number), place.track.kind
        absent = [other for other in self.kinds if other not in place.track.track.parts]
        if kind and absent and random.random() < self.augmentation.wrong_example:
            kind = absent[random.integers(len(absent))]
            window[1] += window[0]
            window[0] = 0
        alike = self.kinds.get(kind, [place.track])
        own = self.augmentation.own_example
        if kind == place.track.kind and own and random.random() < own:
            alike = [place.track]
        return np.concatenate([window, self._excerpt(alike, random)[None]])

    def _excerpt(self, tracks: list[Material], random: np.random.Generator) -> np.ndarray:
        """A random excerpt of the source of one of the tracks, in which it is heard, unless it hardly ever is."""
        for _ in range(TRIES):
            track = tracks[random.integers(len(tracks))] if len(tracks) > 1 else tracks[0]
            excerpt = self.cut(self._within(track, random), 0, self.length)
            if not self.kinds or np.square(excerpt).mean() > HEARD:
                break
        return excerpt

    def anywhere(self, random: np.random.Generator) -> Place:
        """A random Place."""
        return self._within(self.tracks[random.choice(len(self.tracks), p=self.chances)], random)

    def elsewhere(self, place: Place, random: np.random.Generator) -> Place:
        """A random Place; in a run by example, one whose track lacks the part that is wanted at `place`."""
        for _ in range(TRIES):
            other = self.anywhere(random)
            if not place.track.kind or place.track.kind not in other.track.track.parts:
                return other
        return place

    def _within(self, track: Material, random: np.random.Generator) -> Place:
        return Place(track, int(random.integers(track.samples - self.length + 1)))

    def cut(self, place: Place, part: int, length: int) -> np.ndarray:
        """`length` samples, (length, channels), of the part with this number at a Place, padded with zeros.

        A mono network gets the mean of all channels (the thesis's "removing panning"); otherwise mono audio is copied
        to all channels.
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
        """All windows of an epoch in order."""
        places = []
        for number, track in enumerate(self.tracks):
            count = (track.samples - self.length) // self.hop + 1
            numbers = np.arange(count)
            if self.windows.shuffle != "none":
                self._random(TRACK_ORDER, epoch, number).shuffle(numbers)
            limit = min(count, self.windows.per_track or count)
            # Take the middle ones: after shuffling they are random, in order they are the least likely to be silent.
            first = (count - limit) // 2
            places += [Place(track, int(window) * self.hop) for window in numbers[first : first + limit]]
        if self.windows.shuffle == "epoch":
            self._random(EPOCH_ORDER, epoch).shuffle(places)
        if 0 < self.most < len(places):
            # Each batch has windows from everywhere, so that no batch comes only from a track without the instrument.
            steps = self.most // self.windows.batch_size
            numbers = [number for step in range(steps) for number in range(step, self.most, steps)]
            places = [places[number * len(places) // self.most] for number in numbers]
        return places


def _kinds(tracks: Sequence[Material]) -> list[str]:
    return sorted({track.kind for track in tracks} - {""})
