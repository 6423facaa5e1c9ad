"""The contract of every network, and the numbers of the Stacked Hourglass and of Spleeter's U-Net."""

import functools
import json

import numpy as np
import pytest

from splitstrument import Separator, networks
from splitstrument.listing import networks_main
from tests import tiny
from tests.runs import trained_step

NAMES = sorted(tiny.OPTIONS)
RATE = 22050
EXAMPLE = np.random.default_rng(5).normal(0, 0.1, (RATE, 2)).astype(np.float32), RATE


@pytest.fixture(autouse=True)
def own_networks(monkeypatch):
    tiny.with_own_networks(monkeypatch)


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def windows(name, count=2, seed=1, **options):
    """Inputs of a tiny network of this name."""
    random = np.random.default_rng(seed)
    shapes = networks.form(name, tiny.OPTIONS[name] | options).shapes()
    return {each: random.random((count, *shape)).astype(np.float32) for each, shape in shapes.items()}


def outputs(network, inputs):
    """What a network makes of inputs; not compiled, which would take longer than to compute it once."""
    return np.asarray(network(inputs, training=False))


@pytest.fixture(scope="module")
def separator(tmp_path_factory):
    """Makes a Separator with a tiny model of a network, each once, for networks compile for seconds."""

    @functools.cache
    def separator(name, sources=("guitar", "piano"), whole=False):
        folder = tmp_path_factory.mktemp("models") / name
        example = EXAMPLE if networks.form(name, tiny.OPTIONS[name]).example else None
        return Separator(tiny.model(folder, name, sources=sources, whole=whole), precision="float32", example=example)

    return separator


def noise(frames, channels, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, channels)).astype(np.float32)


def test_every_network_is_held_to_the_contract():
    assert networks.names() == NAMES


@pytest.mark.slow
def test_shapes_are_as_the_form_says(name):
    sources = ("guitar", "piano", "bass")
    network, form = tiny.network(name, sources=sources), networks.form(name, tiny.OPTIONS[name])
    result = outputs(network, windows(name))
    assert result.shape == (2, *form.shapes()["mixture"], len(sources))
    assert np.isfinite(result).all()
    assert min(result[..., place].std() for place in range(len(sources))) > 0


@pytest.mark.slow
def test_any_number_of_channels(name):
    for channels in (1, 3):
        result = outputs(tiny.network(name, channels=channels), windows(name, channels=channels))
        assert result.shape[-2:] == (channels, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (22050, 2), (44100, 3), (48000, 2), (192000, 1)])
def test_parts_add_up_at_every_rate_channel_count_and_length(name, rate, channels, separator):
    separate = separator(name).separate
    for frames in (0, 1, 2, 220, 5001, int(1.3 * rate)):
        song = noise(frames, channels)
        parts = separate(song, rate)
        assert list(parts) == ["guitar", "piano", "rest"]
        assert all(part.shape == song.shape and part.dtype == np.float32 for part in parts.values())
        np.testing.assert_allclose(sum(parts.values()), song, atol=5e-7)
    assert (song - parts["rest"]).std() > 0.05 * song.std()


@pytest.mark.slow
def test_blocks_of_any_size_give_the_same(name, separator):
    song, taken = noise(3 * RATE, 2), separator(name)
    pieces = [list(taken.stream(np.array_split(song, count), 44100, 2)) for count in (1, 7, 400)]
    joined = [np.concatenate([parts["guitar"] for _, parts in piece]) for piece in pieces]
    np.testing.assert_allclose(joined[0], joined[1], atol=1e-6)
    np.testing.assert_allclose(joined[0], joined[2], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_a_constant_mask_gives_that_share(name, share, rate, separator, monkeypatch):
    taken = separator(name)
    waves = taken.models[0].form.domain == "waveform"
    shares = np.array([share, 0], np.float32)  # of guitar and piano
    monkeypatch.setattr(
        taken.models[0], "predict", lambda mixture: shares * (mixture if waves else np.ones_like(mixture))[..., None]
    )
    song = noise(2 * rate, 2)
    if waves:  # what goes to another rate and back loses a little of its highest frequencies
        times = np.arange(len(song))[:, None] / rate
        song = (0.4 * np.sin(2 * np.pi * np.array([440.0, 1600.0]) * times)).astype(np.float32)
    guitar = taken.separate(song, rate)["guitar"]
    edge = 400 if waves else 0  # a sine that begins at once has all frequencies
    np.testing.assert_allclose(guitar[edge : len(song) - edge], share * song[edge : len(song) - edge], atol=2e-5)


@pytest.mark.slow
def test_silence_stays_finite(name, separator):
    network = tiny.network(name)
    assert np.isfinite(outputs(network, {each: 0 * x for each, x in windows(name).items()})).all()
    parts = separator(name).separate(np.zeros((30000, 2), np.float32), 44100)
    assert all(np.isfinite(part).all() for part in parts.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["spleeter"])
@pytest.mark.parametrize("options", [{}, {"activation": "elu"}, {"activation": "elu", "output": "softmax"}])
def test_masks_of_a_whole_song_sum_to_one(name, options):
    masks = outputs(tiny.network(name, sources=("vocals", "drums", "bass", "other"), **options), windows(name))
    np.testing.assert_allclose(masks.sum(-1), 1, atol=1e-5)
    assert masks.std() > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", ["spleeter", "tiny_waves"])
def test_a_whole_model_gives_all_its_sources_and_no_rest(name, separator):
    song, taken = noise(RATE, 2), separator(name, ("vocals", "drums", "other"), whole=True)
    parts = taken.separate(song, RATE)
    assert list(parts) == ["vocals", "drums", "other"]
    np.testing.assert_allclose(sum(parts.values()), song, atol=5e-7)
    assert (taken.sources, taken.remainder) == (("vocals", "drums"), "other")


@pytest.mark.slow
def test_saves_and_loads_to_identical_output(name, tmp_path):
    network = tiny.network(name, seed=1, sources=("guitar", "piano"))
    network.save_weights(tmp_path / "a.weights.h5")
    other = tiny.network(name, seed=2, sources=("guitar", "piano"))
    x = windows(name)
    expected = outputs(network, x)
    assert not np.array_equal(outputs(other, x), expected)
    other.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(outputs(other, x), expected)


@pytest.mark.slow
def test_trains_a_step(name):
    """By the trainer itself: a finite loss of two sources, and weights that have moved."""
    network, form = tiny.network(name, sources=("guitar", "piano")), networks.form(name, tiny.OPTIONS[name])
    before = [np.array(weight) for weight in network.trainable_weights]
    assert np.isfinite(trained_step(network, form)["loss"])
    moved = [np.abs(np.array(new) - old).max() for new, old in zip(network.trainable_weights, before, strict=True)]
    assert np.mean(np.array(moved) > 0) > 0.9
    assert np.isfinite(moved).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["enhanced_unet", "hourglass", "spectrogram_unet", "tfc_tdf"])
def test_level_does_not_matter_to_networks_that_scale_what_they_get(name):
    network, x = tiny.network(name), windows(name)["mixture"]
    at = [outputs(network, {"mixture": level * x}) for level in (1, 1000)]
    np.testing.assert_allclose(at[1], at[0], atol=2e-4, rtol=1e-3)


def test_an_example_decides_what_is_taken_out(tmp_path):
    song, model = noise(RATE, 2), tiny.model(tmp_path / "small", "tiny_example")
    quiet = (1e-3 * EXAMPLE[0], RATE)
    separators = [Separator(model, "float32", example=example) for example in (EXAMPLE, quiet)]
    taken = [each.separate(song, RATE)["guitar"] for each in separators]
    assert np.abs(taken[0] - taken[1]).max() > 0.01
    with pytest.raises(ValueError, match="small: needs an example of the sound to take out"):
        Separator(model)
    with pytest.raises(ValueError, match="other: needs no example"):
        Separator(tiny.model(tmp_path / "other"), example=EXAMPLE)


def test_an_example_of_another_rate_and_length_counts_by_its_loudest_stretch(tmp_path):
    from scipy.signal import resample_poly

    song, model = noise(RATE, 2), tiny.model(tmp_path / "small", "tiny_example")
    loud = np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE).astype(np.float32)[:, None].repeat(2, 1)
    behind = np.concatenate([np.zeros((3 * RATE, 2), np.float32), loud, np.zeros((RATE, 2), np.float32)])
    examples = ((loud, RATE), (behind, RATE), (resample_poly(loud, 2, 1).astype(np.float32), 2 * RATE))
    taken = [Separator(model, "float32", example=example).separate(song, RATE)["guitar"] for example in examples]
    np.testing.assert_allclose(taken[1], taken[0], atol=1e-3)
    np.testing.assert_allclose(taken[2], taken[0], atol=1e-2)


def test_waves_come_back_where_they_were(separator, monkeypatch):
    """A click goes to the model's rate and back, and is where it was, to the sample."""
    taken = separator("tiny_waves")
    monkeypatch.setattr(taken.models[0], "predict", lambda mixture: mixture[..., None] * np.float32([1, 0]))
    for rate in (8000, 44100, 48000):
        song = np.zeros((2 * rate, 1), np.float32)
        song[rate] = 1
        assert abs(int(np.abs(taken.separate(song, rate)["guitar"][:, 0]).argmax()) - rate) <= 0


@pytest.mark.slow
def test_spectra_and_waves_separate_a_song_together(tmp_path):
    from splitstrument import models

    folders = [tiny.model(tmp_path / "spectra")]
    folders.append(tiny.model(tmp_path / "waves", "tiny_waves", sources=("piano",)))
    assert [models.read_card(folder).sources for folder in folders] == [("guitar",), ("piano",)]
    song = noise(2 * 44100, 2)
    parts = Separator(folders, "float32").separate(song, 44100)
    assert list(parts) == ["guitar", "piano", "rest"]
    np.testing.assert_allclose(sum(parts.values()), song, atol=5e-7)
    for folder, part in zip(folders, ("guitar", "piano"), strict=True):
        np.testing.assert_allclose(parts[part], Separator(folder, "float32").separate(song, 44100)[part], atol=1e-6)


@pytest.mark.slow
def test_patches_of_other_sizes():
    for patch in ({"patch_bins": 8}, {"patch_frames": 4}, {"patch_bins": 16, "patch_frames": 1}):
        mask = outputs(tiny.network("tfc_tdf", **patch), windows("tfc_tdf"))
        assert mask.shape == (*windows("tfc_tdf")["mixture"].shape, 1)
        assert mask.std() > 0


@pytest.mark.slow
@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_normalisations_train_their_scale_and_keep_their_statistics(frozen):
    """As Deezer's weights need it; batches that a normalisation saw would move its mean, and another mask come out."""
    network, x = tiny.network("spleeter", frozen=frozen, dropout=0.0), windows("spleeter", 4)
    before = [np.array(weight) for weight in network.non_trainable_weights]
    gap = np.abs(np.asarray(network(x, training=True)) - np.asarray(network(x, training=False))).max()
    assert gap == 0 if frozen else gap > 1e-3
    network.compile("adam", loss="mae", run_eagerly=True)
    network.train_on_batch(x, np.zeros((*x["mixture"].shape, 1)))
    moved = max(
        np.abs(np.array(new) - old).max() for new, old in zip(network.non_trainable_weights, before, strict=True)
    )
    assert moved == 0 if frozen else moved > 0
    assert {layer.gamma.trainable for layer in network.layers if hasattr(layer, "gamma")} == {True}


def test_one_of_spleeters_u_nets_has_9_824_711_weights():
    assert networks.build("spleeter", {}, ("vocals",)).count_params() == 9_824_711
    assert networks.build("spleeter", {}, ("vocals", "accompaniment")).count_params() == 2 * 9_824_711


@pytest.mark.slow
@pytest.mark.parametrize(("filters", "parameters"), [(192, 7_713_857), (256, 12_546_689), (92, 2_671_757)])
def test_hourglass_has_the_thesis_number_of_parameters(filters, parameters, capsys):
    assert networks_main(["hourglass", "--set", f"filters={filters}", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["trainable_parameters"] == parameters
    assert listed["input_shape"] == [769, 64, 1]


def test_hourglass_has_7_723_073_parameters_in_all():
    assert networks.build("hourglass").count_params() == 7_723_073


@pytest.mark.slow
def test_networks_are_listed(capsys):
    assert networks_main([]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in NAMES)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hourglas"], "did you mean hourglass?"),
        (["hourglass", "--set", "filtres=92"], "did you mean filters?"),
        (["hourglass", "--set", "filters=many"], "filters:"),
        (["hourglass", "--set", "dropout=1.5"], "dropout:"),
        (["hourglass", "--set", "fft_length=1000"], "multiple of 2 ** depth = 64"),
        (["enhanced_unet", "--set", "frames=172"], "frames: Input should be a multiple of 8"),
        (["conv_tasnet", "--set", "length=20"], "length is 20 and must be a multiple of kernel / 2 = 8"),
        (["wave_unet", "--set", "length=5000"], "length is 5000 and must be a multiple of 2 ** levels = 4096"),
        (["wave_unet", "--set", "up_kernel=4"], "up_kernel is 4 and must be odd"),
        (["spectrogram_unet", "--set", "depth=8"], "frames is 128 and must be a multiple of 2 ** depth = 256"),
        (["tfc_tdf", "--set", "frames=13"], "multiple of"),
        (["tfc_tdf", "--set", "patch_frames=3"], "frames is 128 and must be a multiple of 3 * 2 ** depth"),
    ],
)
def test_wrong_names_and_options_are_one_line(arguments, said, capsys):
    assert networks_main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
