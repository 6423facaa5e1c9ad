"""The initial weights of a run, from another run or from any model that can be read, where they fit."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from splitstrument.cards import Card, Source
from training.config import Run

_UNET = re.compile(r"unet(\d+)_(.+)")  # layers of networks.spleeter: one U-Net for each source


def begin_with_initial(network: Any, run: Run, runs: Path) -> str:
    """Copy the weights of the run's `initial`, a run in the folder `runs` or a model, to `network`. Returns a message.

    Moving statistics are included. Weights with a different shape stay as they are. Raises ValueError if less than
    a third of the network fits or if the source is ambiguous, ModelError if there is no such model.
    """
    from splitstrument import models

    card, other = models.load(_folder(run, runs))
    chosen = [_source(run, card, place) for place in range(len(run.source_names))]
    pairs = _pairs(network, other, chosen) if card.network == run.network else []
    fit = [(mine, theirs) for mine, theirs in pairs if mine.shape == theirs.shape]
    numbers, whole = (
        sum(math.prod(weight.shape) for weight in weights) for weights in ([mine for mine, _ in fit], network.weights)
    )
    if 3 * numbers < whole:
        raise ValueError(f"initial: {run.initial} has a different network than this run")
    for mine, theirs in fit:
        # Copied, since with JAX two U-Nets from one source would share memory, which a training step donates.
        mine.assign(np.array(theirs))
    taken = ", ".join(dict.fromkeys(card.sources[place] for place in chosen))
    return f"starts with {len(fit)} of {len(network.weights)} weights from {run.initial} ({taken})"


def initial_material(run: Run, runs: Path) -> tuple[Source, ...]:
    """What the run's `initial` was trained on, for the card of the run; other people's weights are listed too."""
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
    """The folder of another run, if it exists, or else the name of a model."""
    beside = runs / run.initial
    return beside if beside.is_dir() and beside != runs / run.name else run.initial


def _source(run: Run, card: Card, place: int) -> int:
    """The number of the model's source for the run's source at `place`: the one set by `initial_source`, or with the
    same name, or the only one. Raises ValueError."""
    name = run.initial_source or run.source_names[place]
    if name in card.sources:
        return card.sources.index(name)
    if run.initial_source or len(card.sources) > 1:
        raise ValueError(f"initial_source: {run.initial} has no source {name}; it has {', '.join(card.sources)}")
    return 0


def _pairs(network: Any, other: Any, chosen: list[int]) -> list[tuple[Any, Any]]:
    """[(a weight of `network`, the corresponding weight of `other`)]."""
    layers = {layer.name: layer for layer in other.layers}
    if not any(_UNET.fullmatch(name) for name in layers):
        # The numbers in Keras's names differ between networks; the order does not.
        return list(zip(network.weights, other.weights, strict=False))
    pairs: list[tuple[Any, Any]] = []
    for layer in network.layers:
        match = _UNET.fullmatch(layer.name)
        # What reads an example begins anew.
        if match and (theirs := layers.get(f"unet{chosen[int(match[1])]}_{match[2]}")):
            pairs += zip(layer.weights, theirs.weights, strict=True)
    return pairs
