"""Networks that take out what sounds like an example: what the example changes, and what it does not."""

import numpy as np
import pytest

from splitstrument import networks
from tests import tiny

SPLEETER = {"frames": 16, "bins": 32, "depth": 3, "example_frames": 24, "level": 8.0}
NETWORKS = {"conditioned_unet": {}, "spleeter": SPLEETER}


@pytest.fixture(scope="module", params=NETWORKS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def network(name):
    return tiny.network(name, **NETWORKS[name])


@pytest.fixture
def given(name):
    random = np.random.default_rng(0)
    shapes = networks.form(name, tiny.OPTIONS[name] | NETWORKS[name]).shapes()
    return {input: random.random((1, *shape)).astype(np.float32) for input, shape in shapes.items()}


def masks(network, mixture, example):
    return np.asarray(network({"mixture": mixture, "example": example}, training=False))


def test_the_example_decides_and_its_level_and_order_do_not(network, given):
    found = masks(network, **given)
    assert found.shape == (*given["mixture"].shape, 1)
    assert 0 < found.min() < found.max() < 1
    other = masks(network, given["mixture"], given["example"] ** 4)
    assert np.abs(other - found).max() > 1e-3
    np.testing.assert_allclose(masks(network, given["mixture"], 1e-3 * given["example"]), found, atol=1e-5)
    np.testing.assert_allclose(masks(network, 1e-3 * given["mixture"], given["example"]), found, atol=1e-5)


def test_silence_gives_masks_too(network, given):
    for silent in given:
        found = masks(network, **(given | {silent: 0 * given[silent]}))
        assert np.isfinite(found).all()


@pytest.mark.parametrize("field", ["fft_length", "frames", "example_frames"])
def test_sizes_that_cannot_be_halved_are_refused(field):
    with pytest.raises(ValueError, match=r"must be a multiple of 2 \*\* depth = 32"):
        networks.settings("conditioned_unet", {field: 136})


@pytest.mark.parametrize("field", ["bins", "frames", "example_frames"])
def test_sizes_that_spleeter_cannot_halve_are_refused(field):
    with pytest.raises(ValueError, match=rf"{field} is 136 and must be a multiple of 2 \*\* depth = 64"):
        networks.settings("spleeter", {field: 136})
