"""The contract of every network, and the numbers of the Stacked Hourglass."""

import json

import numpy as np
import pytest

from splitstrument import networks
from splitstrument.listing import networks_main
from tests import tiny


@pytest.fixture(params=networks.names())
def name(request):
    return request.param


def windows(network, count=2, seed=1):
    return np.random.default_rng(seed).random((count, *network.input_shape[1:])).astype(np.float32)


def test_mask_has_the_shape_of_the_input(name):
    network = tiny.network(name)
    settings = networks.settings(name, tiny.OPTIONS[name])
    assert network.input_shape[1:] == (settings.fft_length // 2 + 1, settings.frames, settings.channels)
    mask = network.predict_on_batch(windows(network))
    assert mask.shape == windows(network).shape
    assert np.isfinite(mask).all()
    assert mask.std() > 0


def test_any_number_of_channels(name):
    for channels in (1, 2, 3):
        assert tiny.network(name, channels=channels).output_shape[-1] == channels


def test_patches_of_other_sizes():
    for patch in ({"patch_bins": 8}, {"patch_frames": 4}, {"patch_bins": 16, "patch_frames": 1}):
        network = tiny.network("tfc_tdf", **patch)
        mask = network.predict_on_batch(windows(network))
        assert mask.shape == windows(network).shape
        assert mask.std() > 0


def test_level_does_not_matter_and_silence_is_finite(name):
    network = tiny.network(name)
    x = windows(network)
    np.testing.assert_allclose(network.predict_on_batch(x * 1000), network.predict_on_batch(x), atol=2e-4, rtol=1e-3)
    assert np.isfinite(network.predict_on_batch(x * 0)).all()


def test_saves_and_loads_to_identical_output(name, tmp_path):
    network = tiny.network(name, seed=1)
    network.save_weights(tmp_path / "a.weights.h5")
    other = tiny.network(name, seed=2)
    x = windows(network)
    assert not np.array_equal(other.predict_on_batch(x), network.predict_on_batch(x))
    other.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(other.predict_on_batch(x), network.predict_on_batch(x))


def test_trains(name):
    network = tiny.network(name)
    x = windows(network, 4)
    network.compile("adam", loss="mae", run_eagerly=True)  # to compile it takes longer than twelve steps
    losses = [float(network.train_on_batch(x, np.full_like(x, 0.25))) for _ in range(12)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(("filters", "parameters"), [(192, 7_713_857), (256, 12_546_689), (92, 2_671_757)])
def test_hourglass_has_the_thesis_number_of_parameters(filters, parameters, capsys):
    assert networks_main(["hourglass", "--set", f"filters={filters}", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["trainable_parameters"] == parameters
    assert listed["input_shape"] == [769, 64, 1]


def test_hourglass_has_7_723_073_parameters_in_all():
    assert networks.build("hourglass").count_params() == 7_723_073


def test_networks_are_listed(capsys):
    assert networks_main([]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in networks.names())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hourglas"], "did you mean hourglass?"),
        (["hourglass", "--set", "filtres=92"], "did you mean filters?"),
        (["hourglass", "--set", "filters=many"], "filters:"),
        (["hourglass", "--set", "dropout=1.5"], "dropout:"),
        (["hourglass", "--set", "fft_length=1000"], "multiple of 2 ** depth = 64"),
        (["tfc_tdf", "--set", "frames=13"], "multiple of"),
        (["tfc_tdf", "--set", "patch_frames=3"], "frames is 128 and must be a multiple of 3 * 2 ** depth"),
    ],
)
def test_wrong_names_and_options_are_one_line(arguments, said, capsys):
    assert networks_main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
