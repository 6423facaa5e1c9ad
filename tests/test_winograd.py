"""Winograd's convolutions against the ordinary ones."""

import keras
import numpy as np
import pytest

from splitstrument import networks
from splitstrument.runtimes.winograd import A, B, G, is_wide, quicken


def test_the_matrices_are_a_filter_of_three_taps():
    """A' [(G g) * (B' d)] is the correlation of any six inputs with any three taps."""
    random = np.random.default_rng(0)
    inputs, taps = random.standard_normal(6), random.standard_normal(3)
    outputs = np.array(A) @ ((G @ taps) * (np.array(B) @ inputs))
    np.testing.assert_allclose(outputs, np.correlate(inputs, taps, "valid"), atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 16, 63])
@pytest.mark.parametrize("bins", [1, 6])
def test_a_quickened_network_gives_the_same(frames, bins):
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            keras.Input((bins, frames, 128)),
            keras.layers.Conv2D(70, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(5, 3, padding="same"),
        ]
    )
    x = np.random.default_rng(0).standard_normal((2, bins, frames, 128)).astype(np.float32)
    expected = network.predict_on_batch(x)
    quicken(network)
    assert "convolution_op" in vars(network.layers[0])
    network.compile()
    np.testing.assert_allclose(network.predict_on_batch(x), expected, atol=1e-5)


def test_narrow_strided_and_unpadded_convolutions_stay_as_they_are():
    network = keras.Sequential(
        [
            keras.Input((9, 9, 8)),
            keras.layers.Conv2D(128, 3, padding="same"),
            keras.layers.Conv2D(128, 3, 2, padding="same"),
            keras.layers.Conv2D(128, 3),
            keras.layers.Conv2D(64, 1),
        ]
    )
    quicken(network)
    assert not any("convolution_op" in vars(layer) for layer in network.layers)


@pytest.mark.slow
def test_the_hourglass_is_wide_and_the_compact_network_is_not():
    assert is_wide(networks.build("hourglass"))
    assert not is_wide(networks.build("tfc_tdf"))
