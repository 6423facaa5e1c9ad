"""The U-Nets of the slides and of the proposal: sizes, what their layers compute, and configurations."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest

from splitstrument import networks
from tests import tiny
from training import config

CONFIGS = Path(config.__file__).parent / "configs"
DEPTHS = {"shallow": 2, "middle": 4, "deep": 6}


def masks(network, magnitudes):
    return np.asarray(network({"mixture": magnitudes}, training=False))


def magnitudes(name, seed=0):
    shape = networks.form(name, tiny.OPTIONS[name]).shapes()["mixture"]
    return np.random.default_rng(seed).random((1, *shape)).astype(np.float32)


@pytest.mark.slow
def test_the_enhanced_u_net_has_the_slides_number_of_parameters():
    network = networks.build("enhanced_unet", {}, ("drums", "bass", "vocals", "other"))
    assert networks.size(network) == network.count_params() == 8_967_941


def test_windows_of_the_enhanced_u_net_fit_into_four_seconds():
    form = networks.form("enhanced_unet")
    assert (form.samples, form.step, form.bins) == (87_552, 168 * 512, 1025)
    assert form.samples <= 4 * 22050 < form.samples + 8 * form.window // 4


def test_masks_are_between_0_and_1_also_in_silence():
    for name in ("enhanced_unet", "spectrogram_unet"):
        network = tiny.network(name, sources=("vocals", "drums"))
        for inputs in (magnitudes(name), 1e-9 * magnitudes(name), 0 * magnitudes(name)):
            result = masks(network, inputs)
            assert 0 <= result.min() <= result.max() <= 1


def test_instance_normalisation_is_that_of_the_formula():
    """(x - mean) / sqrt(variance + 1e-5) over bins and frames, for each filter, times its scale plus its offset."""
    import keras

    from splitstrument.networks.enhanced_unet import _normalised_convolution

    entrance = keras.Input((6, 5, 2))
    network = keras.Model(entrance, _normalised_convolution(entrance, 3))
    random = np.random.default_rng(1)
    network.set_weights([random.normal(0, 1, weight.shape).astype(np.float32) for weight in network.get_weights()])
    convolution, normalisation = network.layers[1:]
    x = random.normal(0, 1, (2, 6, 5, 2)).astype(np.float32)
    inner = np.asarray(convolution(x))
    scale, offset = (np.asarray(weight) for weight in normalisation.weights)
    spread = np.sqrt(inner.var((1, 2), keepdims=True) + 1e-5)
    expected = (inner - inner.mean((1, 2), keepdims=True)) / spread * scale + offset
    np.testing.assert_allclose(np.asarray(network(x)), expected, atol=1e-5)


def test_the_attention_gate_is_that_of_the_formula():
    """sigmoid(psi(relu(Wg g + Wx x))) times x; at each place of its own."""
    import keras

    from splitstrument.networks.enhanced_unet import _attended

    skip, gate = keras.Input((4, 3, 6)), keras.Input((4, 3, 5))
    network = keras.Model([skip, gate], _attended(skip, gate))
    random = np.random.default_rng(1)
    x, g = (random.normal(0, 1, (2, 4, 3, filters)).astype(np.float32) for filters in (6, 5))
    shapes = {weight.shape: np.asarray(weight)[0, 0] for weight in network.weights if len(weight.shape) == 4}
    of_gate, of_skip, psi = (shapes[1, 1, *shape] for shape in ((5, 3), (6, 3), (3, 1)))
    inner = np.maximum(g @ of_gate + x @ of_skip, 0) @ psi
    np.testing.assert_allclose(np.asarray(network([x, g])), x / (1 + np.exp(-inner)), atol=1e-5)


@pytest.mark.parametrize(("depth", "parameters"), [(2, 29_332), (4, 605_908), (6, 9_824_212)])
def test_depth_decides_the_size_of_a_spectrogram_u_net(depth, parameters):
    """Counted by hand: 5x5 convolutions of 16, 32, ... filters, two numbers for each normalised filter, four masks."""
    widths = [16 * 2**level for level in range(depth)]
    down = sum(25 * before * after + 2 * after for before, after in itertools.pairwise([1, *widths]))
    ups = list(reversed(widths))
    up = sum(
        25 * below * (1 + (number > 0)) * width + 2 * width
        for number, (below, width) in enumerate(itertools.pairwise(ups))
    )
    last = 25 * 2 * widths[0] * 4 + 4
    network = networks.build("spectrogram_unet", {"depth": depth}, ("vocals", "drums", "bass", "other"))
    assert networks.size(network) == parameters == down + up + last


def test_output_channels_are_the_sources():
    """One more source is one more filter of the last layer, and nothing else."""
    sizes = [
        networks.size(tiny.network("spectrogram_unet", sources=tuple("abcd"[:count]), channels=channels))
        for count, channels in ((1, 1), (2, 1), (4, 1), (2, 2))
    ]
    assert sizes[1] - sizes[0] == 25 * 8 + 1
    assert sizes[2] - sizes[1] == 2 * (25 * 8 + 1)
    assert sizes[3] - sizes[1] == 2 * (25 * 8 + 1) + 25 * 4  # and the first layer takes another channel


def test_the_three_depths_differ_in_depth_only():
    runs = {path.stem: config.load(path) for path in CONFIGS.glob("proposal/*.yaml")}
    assert {name: run.options["depth"] for name, run in runs.items()} == DEPTHS
    shared = [dataclasses.replace(run, name="any", options=run.options | {"depth": 0}) for run in runs.values()]
    assert shared[0] == shared[1] == shared[2]
