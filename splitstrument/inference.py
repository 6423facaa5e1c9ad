"""Loads a model for inference: its card, its form, and its network in a runtime."""

import os
from dataclasses import replace

import numpy as np

from splitstrument import models, networks, runtimes
from splitstrument.extraction import Model
from splitstrument.form import Above


def load(
    name: str | os.PathLike[str],
    precision: str = "auto",
    device: str | None = None,
    runtime: str = "auto",
    *,
    wanted: tuple[int, ...] | None = None,
    thorough: bool = False,
    above: Above | None = None,
    example: tuple[np.ndarray, int] | None = None,
) -> Model:
    """Load a model for inference; `precision`, `device` and `runtime` as for `runtimes.load`.

    `wanted`: indices of the sources that are used (None: all). The other arguments are those of Separator. Raises
    ModelError and ValueError.
    """
    if above not in (None, "mean", "zero"):
        raise ValueError(f"above {above!r}: it must be mean or zero")
    folder = models.find(name)
    card = models.read_card(folder)
    try:
        form = networks.form(card.network, card.options)
    except ValueError as error:
        raise models.ModelError(f"{folder}: {error}") from None
    model = Model(
        card,
        form if above is None else replace(form, above=above),
        runtimes.load(folder, runtime, precision, device),
        tuple(range(len(card.sources))) if wanted is None else wanted,
        thorough,
    )
    return model if example is None else model.like(example)
