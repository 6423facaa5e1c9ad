"""The weights that a run begins with: those of another run or of any model that can be read, where they fit."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from splitstrument.cards import Card, Source
from training.config import Run

_UNET = re.compile(r"unet(\d+)_(.+)")  # layers of networks.spleeter: one U-Net for each source


def begin_with_initial(network: Any, run: Run, runs: Path) -> str:
    """Give `network` the weights of the run's `initial`, a run in the folder `runs` or a model: a line that says so.

    Moving statistics are weights too. Those of another shape stay as they are. Raises ValueError where less than half
    of the network fits, or where it is not clear which source is meant, ModelError where there is no such model.
    """
    from splitstrument import models

    card, other = models.load(_folder(run, runs))
    chosen = [_source(run, card, place) for place in range(len(run.source_names))]
    pairs = _pairs(network, other, chosen) if card.network == run.network else []
    fit = [(mine, theirs) for mine, theirs in pairs if mine.shape == theirs.shape]
    numbers, whole = (
        sum(math.prod(weight.shape) for weight in weights) for weights in ([mine for mine, _ in fit], network.weights)
    )
    if 2 * numbers < whole:
        raise ValueError(f"initial: {run.initial} is another network than this run's")
    for mine, theirs in fit:
        # Copied, since under JAX two U-Nets from one source would share their memory, which a step gives away.
        mine.assign(np.array(theirs))
    taken = ", ".join(dict.fromkeys(card.sources[place] for place in chosen))
    return f"begins with {len(fit)} of {len(network.weights)} weights of {run.initial} ({taken})"


def initial_material(run: Run, runs: Path) -> tuple[Source, ...]:
    """What the run's `initial` was trained on, for its own card; other people's weights are named themselves."""
    if not run.initial:
        return ()
    from splitstrument import models
    from splitstrument.readers import reader_of

    folder = models.find(_folder(run, runs))
    card = models.read_card(folder)
    reader = None if (folder / models.WEIGHTS).exists() else reader_of(folder)
    if reader is None:
        return card.trained_on
    taken = ", ".join(dict.fromkeys(card.sources[_source(run, card, place)] for place in range(len(run.source_names))))
    return (reader.weights_source(card, f"starting weights, {taken}"), *card.trained_on)


def _folder(run: Run, runs: Path) -> Path | str:
    """A run beside this one before a model of that name."""
    beside = runs / run.initial
    return beside if beside.is_dir() and beside != runs / run.name else run.initial


def _source(run: Run, card: Card, place: int) -> int:
    """Which of the model's sources the run's source at `place` begins with: the one that is asked for, or is called so,
    or is the only one. Raises ValueError."""
    name = run.initial_source or run.source_names[place]
    if name in card.sources:
        return card.sources.index(name)
    if run.initial_source or len(card.sources) > 1:
        raise ValueError(f"initial_source: {run.initial} has no source {name}; it has {', '.join(card.sources)}")
    return 0


def _pairs(network: Any, other: Any, chosen: list[int]) -> list[tuple[Any, Any]]:
    """[(a weight of `network`, the weight of `other` in its place)]."""
    layers = {layer.name: layer for layer in other.layers}
    if not any(_UNET.fullmatch(name) for name in layers):
        # Names that Keras numbered differ from one network to the next; the order does not.
        return list(zip(network.weights, other.weights, strict=False))
    pairs: list[tuple[Any, Any]] = []
    for layer in network.layers:
        if match := _UNET.fullmatch(layer.name):
            theirs = layers[f"unet{chosen[int(match[1])]}_{match[2]}"]
            pairs += zip(layer.weights, theirs.weights, strict=True)
    return pairs
