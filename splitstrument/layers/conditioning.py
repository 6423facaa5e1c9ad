"""Conditioning: what is known of an example scales and shifts features (FiLM, Perez and others 2018)."""

from typing import Any


def conditioned(x: Any, knowledge: Any, name: str | None = None) -> Any:
    """Features (batch, height, width, channels), each scaled and shifted by what a layer makes of `knowledge`.

    The scales begin near 1 and the shifts near 0: larger ones saturate masks within a few steps, for good. `name`: the
    beginning of the layers' names.
    """
    from keras import initializers, layers, ops

    width = x.shape[-1]
    made = [
        layers.Dense(width, kernel_initializer=initializers.RandomNormal(stddev=0.02), name=name and f"{name}_{what}")(
            knowledge
        )
        for what in ("scale", "shift")
    ]
    scale, shift = (ops.reshape(each, (-1, 1, 1, width)) for each in made)
    return x * (1.0 + scale) + shift
