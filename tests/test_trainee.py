"""A step of training: what networks of every Form get, what losses see, runs of several sources, starting weights."""

import numpy as np
import pytest
import yaml

from splitstrument import models, networks
from splitstrument.form import Form
from splitstrument.networks import spleeter
from splitstrument.spectrogram import Grid
from tests import runs, tiny
from training import config, losses
from training.initial import begin_with_initial
from training.train import main
from training.trainee import Trainee

WINDOW, FRAMES, RATE = 64, 8, 8000


class Recorder:
    """A network that keeps what it is given, and answers with a mask for each source or with shares of the mixture."""

    def __init__(self, levels, waves=False):
        self.levels, self.waves, self.inputs = levels, waves, None
        self.output_shape = (None, len(levels))

    def __call__(self, inputs, training=False):
        self.inputs = inputs
        mixture = np.asarray(inputs["mixture"])
        shares = mixture if self.waves else np.ones_like(mixture)
        return np.stack([level * shares for level in self.levels], -1).astype(np.float32)


def called(form, network, windows, whole=False):
    """(the inputs of the network, the Estimate of a step)."""
    trainee = Trainee(network, form, RATE, losses.find("l1"), whole)
    estimate = trainee._estimate(trainee.call(windows))
    return network.inputs, estimate


def spectra(sound, window=WINDOW):
    return Grid(window).spectra(sound).transpose(2, 1, 0)


def windows_of(parts, samples, batch=2):
    return np.random.default_rng(0).normal(0, 0.3, (batch, parts, samples, 2)).astype(np.float32)


@pytest.mark.parametrize("bins", [WINDOW // 2 + 1, 20])
def test_networks_get_true_levels_and_losses_the_bins_that_networks_see(bins):
    form = Form("spectrum", WINDOW, bins, FRAMES, 2)
    windows = windows_of(3, form.samples)
    inputs, estimate = called(form, Recorder([0.25, 0.5]), windows)
    mixtures = [spectra(window.sum(0))[:bins] for window in windows]
    np.testing.assert_allclose(inputs["mixture"], np.abs(mixtures), atol=1e-4)
    tops = [np.abs(mixture).max() for mixture in mixtures]
    # Windows of the sources beside each other: those of the first window of the batch, then those of the second.
    assert np.asarray(estimate.mask)[:, 0, 0, 0].tolist() == [0.25, 0.5, 0.25, 0.5]
    for number in range(4):
        window, source = divmod(number, 2)
        truth = spectra(windows[window, source])[:bins] / tops[window]
        real, imaginary = (np.asarray(part)[number] for part in estimate.source)
        np.testing.assert_allclose(real + 1j * imaginary, truth, atol=1e-5)
        real, imaginary = (np.asarray(part)[number] for part in estimate.mixture)
        np.testing.assert_allclose(real + 1j * imaginary, mixtures[window] / tops[window], atol=1e-5)


def test_of_sources_that_are_the_whole_song_the_last_one_is_a_part_too():
    form = Form("spectrum", WINDOW, WINDOW // 2 + 1, FRAMES, 2)
    windows = windows_of(2, form.samples)
    inputs, estimate = called(form, Recorder([1, 0]), windows, whole=True)
    np.testing.assert_allclose(inputs["mixture"][0], np.abs(spectra(windows[0].sum(0))), atol=1e-4)
    assert estimate.source[0].shape[0] == 4


@pytest.fixture(scope="module")
def three_and_each():
    """(the Estimate of a step with three sources, those of a run of each alone, on the same windows)."""
    form = Form("spectrum", WINDOW, WINDOW // 2 + 1, FRAMES, 2)
    windows, levels = windows_of(4, form.samples), [0.2, 0.7, 0.4]
    _, together = called(form, Recorder(levels), windows)
    alone = []
    for number, level in enumerate(levels):
        rest = windows.sum(1) - windows[:, number]
        alone.append(called(form, Recorder([level]), np.stack([windows[:, number], rest], 1))[1])
    return together, alone


@pytest.mark.parametrize("name", losses.LOSSES)
def test_a_loss_is_the_mean_over_sources(three_and_each, name):
    together, alone = three_and_each
    loss = losses.find(name)
    mean = np.mean([float(loss(estimate)) for estimate in alone])
    assert float(loss(together)) == pytest.approx(mean, rel=1e-4)


def test_networks_of_waveforms_get_the_mixture_and_every_loss_sees_spectra():
    form = Form("waveform", 0, 0, 2000, 2)
    windows = windows_of(2, form.samples)
    inputs, estimate = called(form, Recorder([0.4], waves=True), windows)
    np.testing.assert_allclose(inputs["mixture"], windows.sum(1), atol=1e-6)
    # The window of 93 ms at this rate, 744 samples.
    assert estimate.window == 744
    for part, mixture in zip(estimate.spectra(), estimate.mixture, strict=True):
        np.testing.assert_allclose(part, 0.4 * np.asarray(mixture), atol=1e-5)
    for name in losses.LOSSES:
        assert np.isfinite(float(losses.find(name)(estimate))), name


@pytest.mark.parametrize("frames", [5, 3 * FRAMES])
def test_an_example_is_given_beside_the_mixture(frames):
    form = Form("spectrum", WINDOW, 20, FRAMES, 2, example=frames)
    windows = windows_of(3, form.samples)
    inputs, _ = called(form, Recorder([0.5]), windows)
    assert inputs["example"].shape == (2, 20, frames, 2)
    excerpt = spectra(np.pad(windows[1, 2], ((0, 5000), (0, 0))))[:20, :frames]
    np.testing.assert_allclose(inputs["example"][1], np.abs(excerpt), atol=1e-4)
    np.testing.assert_allclose(inputs["mixture"][0], np.abs(spectra(windows[0, :2].sum(0)))[:20], atol=1e-4)


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """Four tracks of named parts, of which one has no piano."""
    root = tmp_path_factory.mktemp("named")
    for number in range(4):
        parts = ("guitar", "drums") if number == 2 else ("guitar", "piano", "drums")
        runs.write_track(root / "songs", f"track{number}", parts, number)
    return root


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sources", "whole", "rest"), [(["piano", "guitar"], False, "rest"), (["guitar", "other"], True, "other")]
)
def test_a_run_of_several_sources_is_a_model_of_them(songs, tmp_path, sources, whole, rest):
    from splitstrument import Separator

    fields = {"instrument": None, "sources": sources, "whole": whole, "epochs": 1, "loss": "complete"}
    path = runs.write_run(tmp_path / "tones.yaml", **fields)
    assert main([path, "--pairs", str(songs), "--output", str(tmp_path)]) == 0
    card = models.read_card(tmp_path / "tones")
    assert (card.sources, card.whole) == (tuple(sources), whole)
    assert yaml.safe_load((tmp_path / "tones" / "configuration.yaml").read_text())["sources"] == sources
    sound = np.random.default_rng(0).normal(0, 0.1, (runs.RATE, 2)).astype(np.float32)
    parts = Separator(tmp_path / "tones").separate(sound, runs.RATE)
    assert set(parts) == {*sources, rest}
    np.testing.assert_allclose(sum(parts.values()), sound, atol=1e-6)


def run_of(**fields):
    return config.Run(**runs.settings(network="spleeter", options=tiny.OPTIONS["spleeter"], **fields))


def weights_of(network, unet):
    """{the place of a layer in its U-Net: its weights}."""
    layers = [layer for layer in network.layers if layer.name.startswith(f"{unet}_") and layer.weights]
    return {layer.name.removeprefix(unet): layer.get_weights() for layer in layers}


def assert_same(one, other):
    assert one.keys() == other.keys() and one
    for name in one:
        for ours, theirs in zip(one[name], other[name], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-3)  # files have 11 bits


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return tiny.model(tmp_path_factory.mktemp("start") / "two", "spleeter", sources=("vocals", "piano"), whole=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sources", "asked", "expected"),
    [
        (("guitar",), "piano", ["unet1"]),
        (("piano",), "", ["unet1"]),
        (("piano", "vocals"), "", ["unet1", "unet0"]),
        (("piano", "guitar"), "vocals", ["unet0", "unet0"]),
    ],
)
def test_each_source_begins_with_the_weights_of_one(start, tmp_path, sources, asked, expected):
    run = run_of(instrument=None, sources=sources, initial=str(start), initial_source=asked)
    network, theirs = tiny.network("spleeter", 5, sources), models.load(start)[1]
    said = begin_with_initial(network, run, tmp_path)
    total = len(network.weights)
    assert said.startswith(f"starts with {total} of {total} weights from {start} (")
    for place, unet in enumerate(expected):
        assert_same(weights_of(network, f"unet{place}"), weights_of(theirs, unet))
    statistics = [weight for weight in network.weights if "moving_mean" in weight.path]
    assert statistics and any(np.any(np.array(weight)) for weight in statistics)


@pytest.mark.slow
def test_what_has_another_shape_begins_anew(start, tmp_path):
    run = run_of(initial=str(start), initial_source="vocals", sample_rate=44100)
    mono = tiny.network("spleeter", 5, channels=1)
    total = len(mono.weights)
    assert f"starts with {total - 3} of {total} weights" in begin_with_initial(mono, run, tmp_path)


@pytest.mark.slow
def test_what_reads_an_example_begins_anew(start, tmp_path, monkeypatch):
    monkeypatch.setattr(spleeter, "KNOWLEDGE", 2)  # in proportion to the rest of so small a network
    run = run_of(initial=str(start), initial_source="piano")
    network = tiny.network("spleeter", 5, example_frames=32, depth=5)
    anew = {name: weights for name, weights in weights_of(network, "unet0").items() if "_example" in name}
    begin_with_initial(network, run, tmp_path)
    ours, theirs = weights_of(network, "unet0"), weights_of(models.load(start)[1], "unet1")
    assert_same({name: ours[name] for name in anew}, anew)
    # With a level less, what comes up from below the lowest one has other channels, so that begins anew too.
    assert ours["_up4"][0].shape != theirs["_up4"][0].shape
    anew = ("_up4", "_down4_normalisation")
    same = {name: weights for name, weights in theirs.items() if "5" not in name and name not in anew}
    assert_same({name: ours[name] for name in same}, same)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "initial_source: {0} has no source tone; it has vocals, piano"),
        ({"initial_source": "drums"}, "initial_source: {0} has no source drums; it has vocals, piano"),
        (
            {"initial_source": "piano", "options": tiny.OPTIONS["spleeter"] | {"filters": 3}},
            "{0} has a different network",
        ),
        ({"initial_source": "piano", "network": "hourglass", "options": runs.HOURGLASS}, "{0} has a different network"),
    ],
)
def test_starting_weights_that_do_not_fit_are_one_line(start, tmp_path, fields, says):
    settings = {"network": "spleeter", "options": tiny.OPTIONS["spleeter"], "initial": str(start)} | fields
    run = config.Run(**runs.settings(**settings))
    network = networks.build(run.network, run.options, run.source_names)
    with pytest.raises(ValueError) as caught:
        begin_with_initial(network, run, tmp_path)
    assert says.format(start) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_card_names_what_its_starting_weights_were_trained_on(songs, tmp_path):
    from splitstrument.cards import Source

    vocals = (Source("voices", "CC0-1.0"),)
    tiny.model(
        tmp_path / "first", "hourglass", runs.RATE, sources=("guitar",), options=runs.HOURGLASS, trained_on=vocals
    )
    path = runs.write_run(tmp_path / "tones.yaml", instrument="guitar", initial="first", epochs=1)
    assert main([path, "--pairs", str(songs), "--output", str(tmp_path)]) == 0
    assert [source.name for source in models.read_card(tmp_path / "tones").trained_on] == ["tones", "voices"]
    assert "weights from first (guitar)" in (tmp_path / "tones" / "log.txt").read_text()
