"""Scores by hand, silence, and how they are summarised."""

import numpy as np
import pytest

from evaluation import results, scoring
from evaluation.metrics import BLOCK
from evaluation.scoring import MEASURES, score
from tests.evaluated import RATE, sound


def apart(instrument=1.0, rest=1.0, artifact=0.0):
    """Three sounds that never overlap, nor come within 512 samples: what is projected where is known exactly."""
    placed = np.zeros((3, 9000, 1), np.float32)
    for number, energy in enumerate((instrument, rest, artifact)):
        noise = sound(2 * number, 2000 / RATE)
        placed[number, 3000 * number : 3000 * number + 2000] = noise * np.sqrt(energy / np.sum(noise**2))
    return placed


@pytest.mark.parametrize("four", [False, True])
def test_scores_by_hand(four):
    """An estimate of energy 1 that holds 0.04 of the rest and 0.01 of nothing that was there; the rest has 4."""
    instrument, rest, artifact = apart(1, 4, 0.01)
    truth = {"instrument": instrument, "rest": rest}
    if four:  # of which a model takes out one; the others add up to the rest
        truth = {"drums": 0.3 * rest, "bass": 0.5 * rest, "other": 0.2 * rest, "vocals": instrument}
    name = "vocals" if four else "instrument"
    estimates = {name: instrument + 0.1 * rest + artifact, "rest": rest}
    left = {"rest": ("vocals",)} if four else {}
    found = score(truth, estimates, instrument + rest, left=left)
    assert list(found) == [name, "rest"]
    expected = {
        "sdr": 10 * np.log10(1 / 0.05),
        "sir": 20 * np.log10(1 / 0.2),
        "sar": 10 * np.log10(1.04 / 0.01),
        "plain_sdr": 10 * np.log10(1 / 0.05),
        "plain_sdr_improvement": 10 * np.log10(1 / 0.05) - 10 * np.log10(1 / 4),
        "si_sdr": 10 * np.log10(1 / 0.05),
        "si_sdr_improvement": 10 * np.log10(1 / 0.05) - 10 * np.log10(1 / 4),
        "level": 10 * np.log10(1.05),
        "leak": None,  # the one block that there is has all parts
        "silent": None,
    }
    assert found[name] == pytest.approx(expected, abs=2e-3)
    assert found["rest"]["plain_sdr"] == found["rest"]["si_sdr"] == 100
    assert found["rest"]["plain_sdr_improvement"] == pytest.approx(100 - 10 * np.log10(4), abs=2e-3)
    assert found["rest"]["level"] == 0
    quick = score(truth, estimates, instrument + rest, "none", left)
    assert quick == {part: scores | dict.fromkeys(("sdr", "sir", "sar")) for part, scores in found.items()}


def test_the_mixture_improves_nothing():
    instrument, rest, _ = apart(1, 4)
    found = score(
        {"instrument": instrument, "rest": rest},
        dict.fromkeys(("instrument", "rest"), instrument + rest),
        instrument + rest,
    )
    for part, decibels in (("instrument", -10 * np.log10(4)), ("rest", 10 * np.log10(4))):
        assert found[part]["sdr"] == found[part]["sir"] == pytest.approx(decibels, abs=2e-3)
        assert found[part]["sar"] == 100
        assert found[part]["plain_sdr_improvement"] == found[part]["si_sdr_improvement"] == 0


def numbers(scores):
    """All figures of a track's scores that are there."""
    return [value for part in scores.values() for name in MEASURES if (value := part[name]) is not None]


SOUND, SILENCE = sound(0, 0.5), np.zeros_like(sound(0, 0.5))


@pytest.mark.parametrize("quiet", [SILENCE, np.full_like(SOUND, 0.99e-4)], ids=["nothing", "below -80 dBFS"])
@pytest.mark.parametrize("estimated", ["the mixture", "the truth", "half", "nothing"])
def test_silent_truths_are_not_scored(quiet, estimated):
    for silent, heard in (("instrument", "rest"), ("rest", "instrument")):
        truth = {silent: quiet, heard: SOUND}
        mixture = SOUND + quiet
        wrong = {"the mixture": mixture, "half": 0.5 * mixture, "nothing": SILENCE}
        found = score(truth, truth if estimated == "the truth" else dict.fromkeys(truth, wrong[estimated]), mixture)
        leak = found[silent]["leak"]
        if estimated == "the truth":
            assert leak < -50
        else:
            expected = {"the mixture": 0, "half": -20 * np.log10(2), "nothing": -100}[estimated]
            assert leak == pytest.approx(expected, abs=1e-3)
        assert found[silent] == dict.fromkeys(MEASURES) | {"leak": leak, "silent": "reference"}
        assert found[heard]["sir"] is None  # nothing is left that could interfere
        assert found[heard]["silent"] == ("estimate" if estimated == "nothing" else None)
        assert (found[heard]["sdr"] is None) == (estimated == "nothing")
        assert np.isfinite(numbers(found)).all()
        least, most = {"half": (6.02, 6.03), "nothing": (0, 0)}.get(estimated, (40, 100))
        assert least <= found[heard]["plain_sdr"] <= most


def test_only_blocks_in_which_the_part_is_silent_and_the_song_is_not_count_as_leak():
    instrument, rest = sound(0, 4 * BLOCK / RATE), sound(2, 4 * BLOCK / RATE)
    instrument[: 2 * BLOCK] = 0
    rest[:BLOCK] = 0
    estimate = 0.9 * instrument + 0.1 * rest
    found = score({"instrument": instrument, "rest": rest}, {"instrument": estimate}, instrument + rest)
    assert found["instrument"]["leak"] == pytest.approx(-20, abs=1e-3)
    assert found["instrument"]["plain_sdr"] > 0
    instrument[BLOCK] = 2e-4  # heard: now there is no block left
    assert (
        score({"instrument": instrument, "rest": rest}, {"instrument": estimate}, instrument + rest)["instrument"][
            "leak"
        ]
        is None
    )


def test_where_all_is_silent_there_are_no_scores():
    found = score({"instrument": SILENCE, "rest": SILENCE}, {"instrument": SOUND, "rest": SILENCE}, SILENCE)
    assert numbers(found) == [] and {part["silent"] for part in found.values()} == {"reference"}


def test_parts_that_cancel_in_the_mixture_are_scored():
    found = score({"instrument": SOUND, "rest": -SOUND}, {"instrument": SOUND, "rest": SILENCE}, SILENCE)
    assert found["instrument"]["plain_sdr"] == 100 and found["instrument"]["si_sdr_improvement"] is None
    assert np.isfinite(numbers(found)).all()


def test_a_silent_estimate_has_a_plain_sdr_only_and_leaves_the_other_score_as_it_was():
    instrument, rest, artifact = apart(1, 4, 0.01)
    truth, estimate = {"instrument": instrument, "rest": rest}, instrument + 0.1 * rest + artifact
    found = score(truth, {"instrument": estimate, "rest": 0 * rest}, instrument + rest)
    assert found["rest"] == dict.fromkeys(MEASURES) | {
        "plain_sdr": 0,
        "plain_sdr_improvement": pytest.approx(-6.0206, abs=1e-3),
        "silent": "estimate",
    }
    assert found["instrument"] == score(truth, {"instrument": estimate, "rest": rest}, instrument + rest)["instrument"]


def test_estimates_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="rest: the estimate has the shape"):
        score({"instrument": SOUND, "rest": SOUND}, {"instrument": SOUND, "rest": SOUND[1:]}, 2 * SOUND)


def test_silent_tracks_are_counted():
    truths = [(SOUND, SOUND), (SILENCE, SOUND), (SOUND, SILENCE), (SILENCE, SOUND)]
    scores = {}
    for number, (instrument, rest) in enumerate(truths):
        truth = {"instrument": instrument, "rest": rest}
        estimates = {"instrument": SILENCE if number == 0 else SOUND, "rest": SOUND}
        scores[f"song{number}"] = score(truth, estimates, instrument + rest)
    summary = results.summarise(scores)
    assert (summary["instrument"].silent_references, summary["instrument"].silent_estimates) == (2, 1)
    assert (summary["rest"].silent_references, summary["rest"].silent_estimates) == (1, 0)
    counts = {measure: spread.tracks for measure, spread in summary["instrument"].measures.items()}
    assert (counts["sdr"], counts["sir"], counts["plain_sdr"]) == (1, 0, 2)
    assert summary["instrument"].measures["sir"] == results.Spread(0)


@pytest.mark.parametrize("values", [[3.0], [1.0, 2.0], [5.0, -1.0, 2.5, None, 9.0, 0.0]])
def test_medians_and_quartiles_are_numpy_s(values):
    known = [value for value in values if value is not None]
    got = results.spread(values)
    assert got.tracks == len(known)
    quartiles = [got.lower_quartile, got.median, got.upper_quartile]
    np.testing.assert_allclose(quartiles, np.quantile(known, (0.25, 0.5, 0.75)), atol=1e-4)
    assert got.mean == pytest.approx(np.mean(known), abs=1e-4)


def test_excerpts_begin_where_all_parts_are_heard():
    loud, quiet = np.full((10 * RATE, 1), 0.5, np.float32), np.zeros((10 * RATE, 1), np.float32)
    truth = {"instrument": np.vstack([loud, quiet, 0.01 * loud]), "rest": np.vstack([quiet, loud, loud])}
    assert scoring.excerpt_start(truth, RATE) == 5 * RATE  # half of each part's best ten seconds
    assert scoring.excerpt_start({"instrument": loud[:-1], "rest": loud[:-1]}, RATE) == 0
