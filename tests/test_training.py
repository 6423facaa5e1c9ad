"""Training: batches that the seed decides, losses against their formulas, a run that becomes a model and goes on."""

import csv

import numpy as np
import pytest
import soundfile
import yaml

from splitstrument import models, networks
from splitstrument.pairs import PairError, find_pairs
from tests import tiny
from training import config, losses
from training.batches import Batches
from training.train import main

RATE = 22050


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Four pairs of 3 s: a tone as instrument, noise as rest."""
    root = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for number in range(4):
        folder = root / "songs" / "tracks_22050hz" / f"track{number}"
        folder.mkdir(parents=True)
        tone = 0.05 * np.sin(2 * np.pi * (220 + 55 * number) * np.arange(3 * RATE) / RATE)
        soundfile.write(folder / f"instrument_track{number}.wav", tone, RATE, "PCM_16")
        soundfile.write(folder / f"rest_track{number}.wav", random.normal(0, 0.1, (3 * RATE, 2)), RATE, "PCM_16")
    return root


def run_settings(**changes):
    settings = {
        "name": "tone",
        "instrument": "tone",
        "network": "tfc_tdf",
        "options": tiny.OPTIONS["tfc_tdf"],
        "collections": [
            {
                "pairs": "songs",
                "validation": ["track3"],
                "sources": [{"name": "tones", "licence": "CC0-1.0"}],
            }
        ],
        "mixing": {"batch_size": 4},
        "epochs": 3,
        "steps": 30,
        "validation_steps": 2,
        "learning_rate": 0.005,
        "average": 0.8,
    }
    return settings | changes


def write_run(path, **changes):
    path.write_text(yaml.safe_dump(run_settings(**changes)))
    return str(path)


def batches(data, seed=0, **mixing):
    settings = networks.settings("tfc_tdf", tiny.OPTIONS["tfc_tdf"])
    return Batches([(1.0, find_pairs(data))], settings, 5, seed, config.Mixing(batch_size=3, **mixing))


def test_the_seed_decides_every_batch(data):
    first, again, other = batches(data), batches(data), batches(data, seed=1)
    for index in (0, 4):
        for a, b in zip(first[index], again[index], strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0][0], first[1][0])
    assert not np.array_equal(first[0][0], other[0][0])
    again.first = 2
    np.testing.assert_array_equal(again[1][0], first[3][0])


def test_a_batch_holds_the_magnitudes_of_its_mixture(data):
    x, y = batches(data)[0]
    assert x.shape == (3, 129, 16, 2)
    assert y.shape == (3, 129, 16, 8)
    np.testing.assert_allclose(x, np.hypot(y[..., 0:2], y[..., 2:4]), atol=1e-4)


def test_without_an_instrument_the_truth_is_silence(data):
    _, y = batches(data, silence=1.0)[0]
    assert not y[..., 4:].any()
    assert y[..., :4].any()


def test_losses_agree_with_their_formulas():
    random = np.random.default_rng(0)
    truth, mask = (
        random.standard_normal((2, 9, 4, 8)).astype(np.float32),
        random.random((2, 9, 4, 2)).astype(np.float32),
    )
    mixture, instrument = truth[..., 0:2] + 1j * truth[..., 2:4], truth[..., 4:6] + 1j * truth[..., 6:8]
    expected = np.abs(mask * np.abs(mixture) - np.abs(instrument)).mean()
    assert float(losses.l1(truth, mask)) == pytest.approx(expected, rel=1e-4)
    sdr = 10 * np.log10((np.abs(instrument) ** 2).sum() / (np.abs(instrument - mask * mixture) ** 2).sum())
    assert float(losses.plain_sdr(truth, mask)) == pytest.approx(sdr, rel=1e-4)
    for name, loss in losses.LOSSES.items():
        perfect = np.concatenate([truth[..., :4], 0.5 * truth[..., :4]], -1)
        least = float(loss(perfect, np.full_like(mask, 0.5)))
        assert least < 1e-3, name
        assert float(loss(perfect, mask)) > least + 0.01, name


def test_a_run_trains_becomes_a_model_and_goes_on(data, tmp_path, capsys):
    path = write_run(tmp_path / "tone.yaml")
    arguments = [path, "--pairs", str(data), "--output", str(tmp_path / "runs")]
    assert main(arguments) == 0
    assert "splitstrument separate SONG --model" in capsys.readouterr().out
    folder = tmp_path / "runs" / "tone"
    with open(folder / "history.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert float(rows[-1]["loss"]) < 0.8 * float(rows[0]["loss"])
    card, network = models.load(folder)
    assert (card.instrument, card.trained_on[0].name) == ("tone", "tones")
    x, y = batches(data, silence=0.0)[0]
    assert float(losses.plain_sdr(y, network.predict_on_batch(x))) > float(losses.plain_sdr(y, np.ones_like(x)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epoch": 3}, "did you mean epochs?"),
        ({"epochs": 0}, "epochs:"),
        ({"network": "tfc"}, "did you mean tfc_tdf?"),
        ({"loss": "l2"}, "did you mean l1?"),
        ({"mixing": {"mono": 2}}, "mixing.mono"),
        ({"collections": [{"pairs": "nowhere"}]}, "no pairs"),
        ({"initial": "no such run"}, "no model is called"),
    ],
)
def test_a_wrong_configuration_is_one_line(data, tmp_path, capsys, changes, said):
    path = write_run(tmp_path / "wrong.yaml", **changes)
    assert main([path, "--pairs", str(data), "--output", str(tmp_path / "runs")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_the_shipped_configurations_are_right():
    from pathlib import Path

    for path in Path(config.__file__).parent.glob("configs/*.yaml"):
        run = config.load(path)
        networks.settings(run.network, run.options)
        assert run.loss in losses.LOSSES
        assert all(source.licence for collection in run.collections for source in collection.sources)


def test_pairs_that_are_not_there_are_named(tmp_path):
    with pytest.raises(PairError, match="no pairs"):
        find_pairs(tmp_path)
