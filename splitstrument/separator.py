"""Separator: a song in, its parts out, with the song's sample rate, channels and length.

The parts add up to the song: the last one, the rest, is the song minus the others. `splitstrument.extraction` applies
the networks to the song. Several models take out their sources in one pass.
"""

import copy
import functools
import hashlib
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from splitstrument import models
from splitstrument.extraction import MaskedSpectra, Model, Waves
from splitstrument.form import Above
from splitstrument.parts import ModelName, parts_of
from splitstrument.spectrogram import Grid

BLOCK_SECONDS = 5.0
Example = tuple[np.ndarray, int]
SILENCE: Example = (np.zeros((44100, 1), np.float32), 44100)  # for a Separator that only its copies by `like` use
Piece = tuple[np.ndarray, dict[str, np.ndarray]]


class Separator:
    """Separates songs with one or several models, which are loaded once.

    `model`: a model's name or folder, or a list of them. `precision`: "float32", "bfloat16", or "auto", which lets
    Keras use bfloat16 if it is faster. `device`: "cpu", "gpu" or None for any device that is available. `runtime`:
    "onnx", "keras", or "auto", which uses ONNX Runtime if the model has a graph, unless a GPU or bfloat16 is requested
    (`splitstrument.runtimes`). `thorough`: results are averaged over windows that overlap by half and, for stereo
    networks, over both orders of the channels, which takes about four times as long. `above`: how masks continue above
    a network's bins, "mean" or "zero" (None: as the model says). `example`: a sound like the one to be taken out,
    ((samples, channels), sample rate), for models that need one.

    If a model's sources make up the whole song and it is used alone, all of them are parts; the last one is the song
    minus the others. With other models, its last source becomes part of the rest (`splitstrument.parts`).
    `name`: the models' names, joined by "+". `sources`: the names of the parts that are taken out, in the models'
    order, such as ("guitar", "piano"). `remainder`: the name of what is left, usually "rest".

    Raises ModelError (no such model, broken files) and ValueError (no GPU, no model, two models that take out the same
    part, an example that is missing or not needed).

    >>> import numpy as np
    >>> from splitstrument import Separator
    >>> separator = Separator("guitar")
    >>> separator.parts
    ('guitar', 'rest')
    >>> song = np.random.default_rng(0).normal(0, 0.1, (44100, 2)).astype(np.float32)  # a second of noise in stereo
    >>> parts = separator.separate(song, 44100)
    >>> {name: part.shape for name, part in parts.items()}
    {'guitar': (44100, 2), 'rest': (44100, 2)}
    >>> bool(np.allclose(parts["guitar"] + parts["rest"], song, atol=1e-6))
    True

    A song of any length in blocks, with little memory:

    >>> blocks = np.array_split(song, 10)
    >>> pieces = list(separator.stream(blocks, 44100, 2))
    >>> sum(len(sources["guitar"]) for piece, sources in pieces)
    44100
    """

    def __init__(
        self,
        model: ModelName | Sequence[ModelName] = "guitar",
        precision: str = "auto",
        device: str | None = None,
        thorough: bool = False,
        above: Above | None = None,
        example: Example | None = None,
        runtime: str = "auto",
    ) -> None:
        from splitstrument import inference

        names = [model] if isinstance(model, str | os.PathLike) else list(model)
        parts = parts_of(names)
        if parts.example != (example is not None):
            needs = "needs an example of the sound to take out" if parts.example else "needs no example"
            raise ValueError(f"{parts.name}: {needs}")
        self.name, self.sources, self.remainder = parts.name, parts.sources, parts.remainder
        self.thorough, self.above = thorough, above
        self.models: tuple[Model, ...] = tuple(
            inference.load(
                name, precision, device, runtime, wanted=places, thorough=thorough, above=above, example=example
            )
            for name, places in zip(names, parts.places, strict=True)
        )
        self._folders = [models.find(name) for name in names]
        self._example = example

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of all parts, which add up to the song: the sources and the remainder."""
        return (*self.sources, self.remainder)

    @functools.cached_property
    def identity(self) -> list[str]:
        """Identifies the models, whatever their names are (see `models.identity`), and the example."""
        found = [models.identity(folder) for folder in self._folders]
        if self._example is None:
            return found
        sound, rate = self._example
        return [
            *found,
            hashlib.sha256(np.ascontiguousarray(sound, np.float32).tobytes() + bytes(str(rate), "ascii")).hexdigest(),
        ]

    def like(self, example: Example) -> "Separator":
        """A Separator with the same networks in memory that takes out what sounds like another example."""
        other = copy.copy(self)
        other._example = example
        other.models = tuple(model.like(example) for model in self.models)
        other.__dict__.pop("identity", None)
        return other

    def separate(self, audio: np.ndarray, sample_rate: int) -> dict[str, np.ndarray]:
        """{part: array} for all `parts`, float32, each with the shape of `audio`.

        `audio` is (frames,) or (frames, channels), with up to 8 channels, at 8,000 to 192,000 Hz. Raises ValueError
        otherwise, and if samples are NaN or infinite.
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
        parts = {name: np.zeros_like(song) for name in self.sources}
        size, done = int(BLOCK_SECONDS * sample_rate), 0
        blocks = (song[start : start + size] for start in range(0, len(song), size))
        for piece, sources in self.stream(blocks, sample_rate, song.shape[1]):
            for name, sound in sources.items():
                parts[name][done : done + len(piece)] = sound
            done += len(piece)
        parts[self.remainder] = rest_of(song, parts.values())
        return {name: part.reshape(audio.shape) for name, part in parts.items()}

    def stream(self, blocks: Iterable[np.ndarray], sample_rate: int, channels: int) -> Generator[Piece, None, None]:
        """Yield (song, {source: sound, ...}) pieces for a stream of blocks of any length.

        The song and each source are float32 (frames, channels); `rest_of` computes the `remainder`. Pieces come a few
        seconds after their blocks; together they have the song's length. Memory use is constant. A thread reads and
        processes one block ahead, so close the stream before you close the source of the blocks.
        """
        extractions = self._extractions(sample_rate, channels)
        song = np.zeros((0, channels), np.float32)
        parts = dict.fromkeys(self.sources, song)
        extracted = ((block, [each.extract(block, last) for each in extractions]) for block, last in _with_end(blocks))
        for block, results in _one_ahead(extracted):
            song = np.concatenate([song, block])
            for extraction, result in zip(extractions, results, strict=True):
                for name, part in extraction.sounds(result).items():
                    parts[name] = np.concatenate([parts[name], part])
            # The last windows reach into the zeros after the end of the song.
            count = min(len(song), *map(len, parts.values()))
            if count:
                yield song[:count], {name: part[:count] for name, part in parts.items()}
                song, parts = song[count:], {name: part[count:] for name, part in parts.items()}

    def _extractions(self, sample_rate: int, channels: int) -> list[MaskedSpectra | Waves]:
        grids: dict[Grid, list[Model]] = {}
        waves = []
        for model in self.models:
            if model.form.domain == "waveform":
                waves.append(Waves(model, sample_rate, channels))
            else:
                grids.setdefault(model.grid_at(sample_rate), []).append(model)
        return [*(MaskedSpectra(grid, together, channels) for grid, together in grids.items()), *waves]


def rest_of(song: np.ndarray, sources: Iterable[np.ndarray]) -> np.ndarray:
    """The rest of the song: `song` minus each of the sources, all with the same shape."""
    return functools.reduce(np.subtract, sources, song)


def _with_end(blocks: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, bool]]:
    """Yield (block, False) for each block, then (an empty block, True) if there was any."""
    block = None
    for block in blocks:
        yield block, False
    if block is not None:
        yield block[:0], True


def _one_ahead(items: Iterator[Any]) -> Iterator[Any]:
    """Yield the items. A thread makes each one while the one before is in use."""
    end = object()
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(next, items, end)
        while (item := future.result()) is not end:
            future = thread.submit(next, items, end)
            yield item
