"""Runs any model with Keras, on the processor or a GPU, in float32 or bfloat16, whichever is faster."""

import time
from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from splitstrument import backend, models, networks
from splitstrument.form import Form


class Keras:
    """The network of the model in `folder`. "auto" uses bfloat16 on processors with AMX; on those with AVX512-BF16 it
    measures which precision is faster.

    In bfloat16 the weights stay in float32, and masks have a relative resolution of 2 ** -8. Raises ModelError and
    ValueError.
    """

    name = "keras"

    def __init__(self, folder: Path, precision: str = "auto", device: str | None = None) -> None:
        keras = backend.keras_on(device)
        processor = backend.processor_bfloat16() if precision == "auto" and device != "gpu" else ""
        if processor == "amx":  # no network was slower with it, and measuring takes seconds
            self.network = _network(keras, folder, "bfloat16")
        elif processor:
            card = models.read_card(folder)
            form = networks.form(card.network, card.options)
            tried = [_network(keras, folder, each) for each in ("float32", "bfloat16")]
            self.network = min(tried, key=lambda network: _seconds(network, form))
        else:
            self.network = _network(keras, folder, "float32" if precision == "auto" else precision)
        # One window at a time: the backend splits each operation over the cores; more would not fit the caches.
        self.workers: Executor = ThreadPoolExecutor(1, thread_name_prefix="window")

    def predict(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """See Runtime."""
        return np.asarray(self.network.predict_on_batch(dict(inputs)), np.float32)


def quickest(network: Any) -> Any:
    """Give `network` its fastest convolutions for processors and compile it. On a GPU nothing is changed."""
    import keras

    from splitstrument.runtimes import winograd

    if not keras.distribution.list_devices("gpu") and winograd.is_wide(network):
        winograd.quicken(network)
        network.compile(jit_compile=True)
    return network


def _network(keras: Any, folder: Path, precision: str) -> Any:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    try:
        network = models.load(folder)[1]
        return network if precision == "bfloat16" else quickest(network)
    finally:
        keras.config.set_dtype_policy(before)


def _seconds(network: Any, form: Form) -> float:
    """The time for one window, after a first call that compiles."""
    random = np.random.default_rng(0)
    window = {name: random.random((1, *shape), np.float32) for name, shape in form.shapes().items()}
    network.predict_on_batch(window)
    start = time.perf_counter()
    network.predict_on_batch(window)
    return time.perf_counter() - start
