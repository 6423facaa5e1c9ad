"""A model's network made ready to run: on a device, in the precision that is faster there."""

import time

import numpy as np

PRECISIONS = ("auto", "float32", "bfloat16")


def load(model, precision="auto", device=None):
    """(card, network) of a model for inference. "auto" tries bfloat16 where the processor has it, and keeps the faster.

    In bfloat16 weights stay float32; masks come out in steps of 2 ** -8, relatively.
    """
    from splitstrument import backend, models

    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r}: it must be one of " + ", ".join(PRECISIONS))
    keras = backend.keras_on(device)
    folder = models.find(model)
    if precision == "auto" and device != "gpu" and backend.processor_has_bfloat16():
        loaded = [_load(keras, models, folder, name) for name in ("float32", "bfloat16")]
        return min(loaded, key=lambda item: _seconds(item[1]))
    return _load(keras, models, folder, "float32" if precision == "auto" else precision)


def quickest(network):
    """`network` with its convolutions in their quickest form for processors, compiled; GPUs need no such help."""
    import keras

    from splitstrument import winograd

    if not keras.distribution.list_devices("gpu") and winograd.is_wide(network):
        winograd.quicken(network)
        network.compile(jit_compile=True)
    return network


def _load(keras, models, folder, precision):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    try:
        card, network = models.load(folder)
        return card, network if precision == "bfloat16" else quickest(network)
    finally:
        keras.config.set_dtype_policy(before)


def _seconds(network):
    """The time of one window, after a first one that compiles."""
    window = np.random.default_rng(0).random((1, *network.input_shape[1:]), np.float32)
    network.predict_on_batch(window)
    start = time.perf_counter()
    network.predict_on_batch(window)
    return time.perf_counter() - start
