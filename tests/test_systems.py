"""What is scored: models, baselines and ideal masks."""

import numpy as np
import pytest

from evaluation import scoring
from evaluation.scoring import score
from evaluation.systems import ORACLES, find_systems
from evaluation.targets import Target
from splitstrument.models import ModelError
from splitstrument.tracks import STEMS
from tests.evaluated import RATE, sound


@pytest.mark.parametrize(("wrong", "meant"), [("harmonik", "harmonic"), ("guitarr", "guitar"), ("nfm", "nmf")])
def test_the_nearest_model_or_baseline_is_suggested(wrong, meant):
    with pytest.raises(ModelError, match=f"no model or baseline is called '{wrong}'; did you mean {meant}\\?"):
        find_systems([wrong])


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(ModelError, match="holds no model"):
        find_systems([str(tmp_path)])


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.name)
@pytest.mark.parametrize("parts", [("instrument", "rest"), STEMS])
def test_ideal_masks_add_up_and_better_the_mixture(oracle, parts):
    truth = {part: sound(number, 1.7, 2) for number, part in enumerate(parts)}
    mixture = sum(truth.values())
    parts_alone = [Target(part, (part,)) for part in parts]
    estimates = oracle.separate(mixture, RATE, truth, parts_alone)
    assert list(estimates) == list(parts)
    assert all(each.shape == mixture.shape and each.dtype == np.float32 for each in estimates.values())
    np.testing.assert_allclose(sum(estimates.values()), mixture, atol=1e-5)
    for part in parts:
        found = score({part: truth[part]}, {part: estimates[part]}, mixture)[part]
        assert found["plain_sdr_improvement"] > 2 and found["si_sdr_improvement"] > 2
    silent = {part: 0 * each for part, each in truth.items()}
    assert not any(each.any() for each in oracle.separate(0 * mixture, RATE, silent, parts_alone).values())


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.name)
def test_the_ideal_mask_of_what_is_left_is_that_of_the_sum(oracle):
    truth = {part: sound(number, 1.7, 2) for number, part in enumerate(STEMS)}
    mixture = sum(truth.values())
    rest = mixture - truth["bass"]
    left = oracle.separate(mixture, RATE, truth, [Target("left", ("drums", "other", "vocals"))])["left"]
    pair = {"instrument": truth["bass"], "rest": rest}
    expected = oracle.separate(mixture, RATE, pair, [Target("rest", ("rest",))])["rest"]
    assert scoring.score(pair, {"rest": expected}, mixture)["rest"]["plain_sdr_improvement"] > 1
    # Ratios are rounded; a bin may lie at the edge between two.
    assert np.sqrt(np.mean((left - expected) ** 2)) < 1e-3 * np.sqrt(np.mean(expected**2))
