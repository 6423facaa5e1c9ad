"""A model's network made ready to run: on a device, in the precision that is faster there."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from splitstrument.extraction import Model, example_input
from splitstrument.form import Above, Form

PRECISIONS = ("auto", "float32", "bfloat16")


def load(
    name: str | os.PathLike[str],
    precision: str = "auto",
    device: str | None = None,
    *,
    wanted: tuple[int, ...] | None = None,
    thorough: bool = False,
    above: Above | None = None,
    example: tuple[np.ndarray, int] | None = None,
) -> Model:
    """A model for inference. "auto" takes bfloat16 on processors with AMX; with AVX512-BF16 it tries which is faster.

    In bfloat16 weights stay float32; masks come out in steps of 2 ** -8, relatively. `wanted`: the places of the
    sources that are used (None: all); the others as for Separator. Raises ModelError and ValueError.
    """
    from splitstrument import backend, models, networks

    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r}: it must be one of " + ", ".join(PRECISIONS))
    if above not in (None, "mean", "zero"):
        raise ValueError(f"above {above!r}: it must be mean or zero")
    keras = backend.keras_on(device)
    folder = models.find(name)
    card = models.read_card(folder)
    try:
        form = networks.form(card.network, card.options)
    except ValueError as error:
        raise models.ModelError(f"{folder}: {error}") from None
    processor = backend.processor_bfloat16() if precision == "auto" and device != "gpu" else ""
    if processor == "amx":  # which no network was slower with; to try costs seconds
        network = _network(keras, folder, "bfloat16")
    elif processor:
        tried = [_network(keras, folder, each) for each in ("float32", "bfloat16")]
        network = min(tried, key=lambda network: _seconds(network, form))
    else:
        network = _network(keras, folder, "float32" if precision == "auto" else precision)
    return Model(
        card,
        form if above is None else replace(form, above=above),
        network,
        tuple(range(len(card.sources))) if wanted is None else wanted,
        thorough,
        example_input(example, card, form) if form.example and example is not None else None,
    )


def quickest(network: Any) -> Any:
    """`network` with its convolutions in their quickest form for processors, compiled; GPUs need no such help."""
    import keras

    from splitstrument import winograd

    if not keras.distribution.list_devices("gpu") and winograd.is_wide(network):
        winograd.quicken(network)
        network.compile(jit_compile=True)
    return network


def _network(keras: Any, folder: Path, precision: str) -> Any:
    from splitstrument import models

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    try:
        network = models.load(folder)[1]
        return network if precision == "bfloat16" else quickest(network)
    finally:
        keras.config.set_dtype_policy(before)


def _seconds(network: Any, form: Form) -> float:
    """The time of one window, after a first one that compiles."""
    random = np.random.default_rng(0)
    window = {name: random.random((1, *shape), np.float32) for name, shape in form.shapes().items()}
    network.predict_on_batch(window)
    start = time.perf_counter()
    network.predict_on_batch(window)
    return time.perf_counter() - start
