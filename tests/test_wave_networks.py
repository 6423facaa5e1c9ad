"""Wave-U-Net and Conv-TasNet: sizes as in the papers, and what their layers compute."""

import numpy as np
import pytest

from splitstrument import networks
from splitstrument.networks import conv_tasnet, wave_unet
from tests import tiny
from tests.runs import trained_step

# The layers of a Wave-U-Net of one level, computed below in NumPy.
SMALL = {"levels": 1, "filters": 2, "down_kernel": 5, "up_kernel": 3}


def waves(network, mixture):
    return np.asarray(network({"mixture": mixture}, training=False))


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.3, shape).astype(np.float32)


def test_wave_u_net_takes_and_gives_the_papers_numbers_of_samples():
    """Section 3.2.2 and table 1: 147,443 samples in and 16,389 out; three channels more in the last convolution."""
    settings = wave_unet.Settings(length=16389, context=True)
    assert wave_unet.sizes(settings) == (147_443, 16_389)
    assert wave_unet.sizes(wave_unet.Settings(length=16384, context=True)) == (147_443, 16_389)
    assert wave_unet.sizes(wave_unet.Settings(length=16390, context=True)) == (147_443 + 4096, 16_389 + 4096)


@pytest.mark.slow
def test_wave_u_net_has_the_papers_layers():
    """Table 1: widths of 24, 48, ... 288, then 312, of 15 samples down, of 5 up; one of 1 for the sources."""
    network = networks.build("wave_unet", {}, ("vocals", "accompaniment"))
    layers = [layer for layer in network.layers if hasattr(layer, "kernel")]
    found = [(layer.filters, layer.kernel_size[0]) for layer in layers]
    down = [(24 * level, 15) for level in range(1, 14)]
    up = [(24 * level, 5) for level in range(12, 0, -1)]
    assert found == [*down, *up, (2, 1)]
    inputs = [1, *(24 * level for level in range(1, 13)), *(24 * (2 * level + 1) for level in range(12, 0, -1)), 25]
    assert [layer.kernel.shape[1] for layer in layers] == inputs
    counted = sum((size * before + 1) * filters for (filters, size), before in zip(found, inputs, strict=True))
    assert networks.size(network) == counted == 10_263_028


def convolved(x, kernel, bias, same):
    """A convolution (as in networks: a correlation) over time; x: (samples, channels)."""
    size = len(kernel)
    if same:
        x = np.pad(x, ((size // 2, size // 2), (0, 0)))
    return np.stack([np.einsum("tc,tcf->f", x[t : t + size], kernel) + bias for t in range(len(x) - size + 1)])


@pytest.mark.parametrize("context", [False, True])
def test_a_small_wave_u_net_is_what_the_paper_describes(context):
    length = 14
    network = networks.build("wave_unet", SMALL | {"length": length, "context": context}, ("vocals", "drums"))
    random = np.random.default_rng(1)
    network.set_weights([random.normal(0, 0.3, weight.shape) for weight in network.get_weights()])
    down, lowest, up, last = (network.get_weights()[place : place + 2] for place in (0, 2, 4, 6))
    x = noise(1, length, 1)

    def level(x, weights):
        y = convolved(x, *weights, same=not context)
        return np.where(y < 0, 0.2 * y, y)

    mixture = x[0]
    if context:
        taken, given = wave_unet.sizes(wave_unet.Settings(length=length, context=True, **SMALL))
        before = (taken - given) // 2 + (given - length) // 2
        mixture = np.pad(mixture, ((before, taken - length - before), (0, 0)))
    skip = level(mixture, down)
    y = level(skip[::2], lowest)
    count = 2 * len(y) - context
    y = np.stack([np.interp(np.arange(count) / 2, np.arange(len(y)), each) for each in y.T], 1)
    cut = (len(skip) - count) // 2
    y = level(np.concatenate([skip[cut : cut + count], y], 1), up)
    cut = (len(mixture) - len(y)) // 2
    y = convolved(np.concatenate([mixture[cut : cut + len(y)], y], 1), *last, same=False)
    cut = (len(y) - length) // 2
    expected = np.tanh(y[cut : cut + length])
    np.testing.assert_allclose(waves(network, x)[0, :, 0], expected, atol=1e-5)


@pytest.mark.parametrize("ends", [False, True])
def test_upsampling_is_linear_interpolation(ends):
    x = noise(2, 7, 3)
    times = np.arange(13 if ends else 14) / 2
    expected = [[np.interp(times, np.arange(7), each) for each in window.T] for window in x]
    np.testing.assert_allclose(np.asarray(wave_unet.doubled(x, ends)), np.array(expected).transpose(0, 2, 1), atol=1e-6)


def test_a_window_between_silences_gives_what_a_longer_one_does():
    """With context: zeros around the window are what the network adds itself."""
    options = {"levels": 3, "filters": 3, "down_kernel": 5, "up_kernel": 3, "context": True}
    short = networks.build("wave_unet", options | {"length": 3 + 8 * 4}, ("vocals",))
    long = networks.build("wave_unet", options | {"length": 3 + 8 * 6}, ("vocals",))
    long.set_weights(short.get_weights())
    x = noise(2, 35, 1)
    longer = waves(long, np.pad(x, ((0, 0), (8, 8), (0, 0))))
    np.testing.assert_allclose(longer[:, 8:43], waves(short, x), atol=1e-6)


def test_with_difference_the_sources_add_up_to_the_mixture():
    for context in (False, True):
        network = tiny.network("wave_unet", sources=("vocals", "drums", "other"), difference=True, context=context)
        x = noise(2, 4096, 1)
        made = waves(network, x)
        np.testing.assert_allclose(made.sum(-1), x, atol=1e-6)
        assert made.std((0, 1, 2)).min() > 1e-4
    with pytest.raises(ValueError, match="difference: needs two sources or more"):
        tiny.network("wave_unet", difference=True)


@pytest.mark.slow
def test_conv_tasnet_has_about_the_papers_5_1_million_parameters_and_sees_its_1_53_seconds():
    """Counted by hand from the paper's letters, without the last block's unused convolution.

    Table II: a receptive field of 1.53 s at 8 kHz.
    """
    n, length, b, h, p, blocks = 512, 16, 128, 512, 3, 24
    block = (b * h + h) + (p * h + h) + 2 * (1 + 2 * h) + (h * b + b)
    counted = 2 * n * length + 2 * n + (n * b + b) + blocks * block + (blocks - 1) * (h * b + b)
    counted += 1 + (b + 1) * 2 * n
    network = networks.build("conv_tasnet", {}, ("a", "b"))
    assert networks.size(network) == 4_984_881 == counted
    assert abs(counted + h * b + b - 5.1e6) < 0.1e6
    dilations = [layer.dilation_rate[0] for layer in network.layers if "depthwise" in layer.name]
    assert dilations == 3 * [1, 2, 4, 8, 16, 32, 64, 128]
    frames = 1 + sum(2 * dilation for dilation in dilations)
    assert round((8 * (frames - 1) + 16) / 8000, 2) == 1.53


def test_global_layer_normalisation_is_that_of_the_formula():
    """Equations 5 to 7: mean and variance over time and channels."""
    import keras

    entrance = keras.Input((6, 4))
    network = keras.Model(entrance, conv_tasnet._normalised(entrance))
    scale, offset = noise(4, seed=1), noise(4, seed=2)
    network.set_weights([scale, offset])
    x = noise(3, 6, 4)
    mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    expected = (x - mean) / np.sqrt(variance + 1e-8) * scale + offset
    np.testing.assert_allclose(np.asarray(network(x)), expected, atol=1e-5)


def test_masks_of_one_give_what_encoder_and_decoder_give():
    """Features that are the frame's samples, masks of 1 and 0, halved and added up: the mixture, and silence."""
    network = tiny.network("conv_tasnet", sources=("vocals", "other"), filters=16, kernel=16, channels=1)
    identity = np.eye(16, dtype=np.float32).reshape(16, 1, 16)
    layers = {layer.name: layer for layer in network.layers}
    layers["encoder"].set_weights([identity])
    layers["decoder"].set_weights([identity / 2])
    (masks,) = (layer for layer in network.layers if getattr(layer, "filters", 0) == 32)
    masks.set_weights([0 * masks.kernel.numpy(), np.repeat(np.float32([60, -60]), 16)])
    x = noise(2, 4000, 1)
    made = waves(network, x)
    np.testing.assert_allclose(made[:, 8:-8, :, 0], x[:, 8:-8], atol=1e-6)
    np.testing.assert_allclose(made[:, :8, :, 0], x[:, :8] / 2, atol=1e-6)  # one frame, not two
    np.testing.assert_allclose(made[..., 1], 0, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"kernel": 32}, {"channels": 2}])
def test_every_source_of_an_untrained_conv_tasnet_is_roughly_the_mixture(options):
    import keras

    keras.utils.set_random_seed(0)
    small = {"length": 4000, "bottleneck": 8, "hidden": 8, "blocks": 1, "repeats": 1}
    x = noise(1, 4000, options.get("channels", 1))
    made = waves(networks.build("conv_tasnet", small | options, ("vocals", "other")), x)
    for source in np.moveaxis(made, -1, 0):
        assert np.vdot(source, x) / np.vdot(x, x) == pytest.approx(1, abs=0.2)
        assert (source - x).std() < 0.6 * x.std()


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["time_l1", "si_sdr"])
@pytest.mark.parametrize("name", ["wave_unet", "conv_tasnet"])
def test_losses_in_time_train_the_sources_of_a_whole_song(name, loss):
    network = tiny.network(name, sources=("vocals", "drums", "bass", "other"), channels=1)
    form = networks.form(name, tiny.OPTIONS[name] | {"channels": 1})
    before = [np.array(weight) for weight in network.trainable_weights]
    assert np.isfinite(trained_step(network, form, whole=True, loss=loss)["loss"])
    moved = [np.abs(np.array(new) - old).max() for new, old in zip(network.trainable_weights, before, strict=True)]
    assert min(moved) > 0
    assert np.isfinite(moved).all()
