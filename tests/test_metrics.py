"""Metrics: bss_eval gives what mir_eval gives, on every kind of sound; plain SDR and SI-SDR by their definitions."""

import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import fftconvolve, resample_poly

from evaluation import metrics
from evaluation.metrics import bss_eval, plain_sdr, reference_bss_eval, scale_invariant_sdr

MEANT = 100  # dB; above, rounding decides
KEYS = ("Source to Distortion", "Source to Interference", "Source to Artifact")


def noise(count, samples=6000, channels=1, seed=0):
    """`count` white sounds (samples, channels)."""
    return list(np.random.default_rng(seed).normal(0, 0.1, (count, samples, channels)))


def worse(sounds, leak=0.3, level=0.05):
    """Estimates of `sounds`: with some of each other in them, and noise of this level."""
    added = noise(len(sounds), *sounds[0].shape, seed=99)
    return [sound + leak * sum(sounds) + level / 0.1 * more for sound, more in zip(sounds, added, strict=True)]


def band_limited(count, samples=6000, channels=1):
    """Sounds that end at half of what their rate allows; their delayed versions are nearly dependent."""
    return [resample_poly(sound, 2, 1) for sound in noise(count, samples // 2, channels)]


def same(got, expected):
    """Assert that scores are the same to 0.001 dB, or both without meaning. How many have one."""
    got, meant = np.array(got), (expected := np.array(expected)) < MEANT
    np.testing.assert_allclose(got[meant], expected[meant], rtol=0, atol=1e-3)
    assert (got[~meant] > MEANT - 0.01).all()
    return meant.sum()


def agree(references, estimates):
    """Assert that bss_eval gives what mir_eval does; how many scores have a meaning."""
    return same(bss_eval(references, estimates), reference_bss_eval(references, estimates))


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_estimates_of_one_to_four_sources(count):
    references = noise(count)
    assert agree(references, worse(references)) == (3 * count if count > 1 else 2)  # one alone has no SIR


def test_estimates_that_are_the_references():
    references = noise(2)
    assert agree(references, references) == 0


def test_estimates_in_another_order_are_not_put_right():
    references = noise(2)
    estimates = worse(references)[::-1]
    scores = bss_eval(references, estimates)
    assert agree(references, estimates) == 6
    assert (scores[:, :2] < -5).all() and (scores[:, 2] > 5).all()


def test_estimates_that_are_all_the_mixture():
    """No artifacts: SDR and SIR are one and the same."""
    references = noise(2)
    mixture = sum(references)
    assert agree(references, [mixture] * 2) == 4
    scores = bss_eval(references, [mixture] * 2)
    np.testing.assert_allclose(scores[:, 0], scores[:, 1], atol=1e-6)


def test_a_reference_that_is_there_twice():
    """Nothing of one can interfere with the other."""
    (sound,) = noise(1, 4000)
    assert agree([sound, sound], worse([sound, sound])) == 4


def test_sources_of_very_different_level_and_estimates_of_any_gain():
    references = [sound * level for sound, level in zip(noise(2), (1, 0.003), strict=True)]
    estimates = worse(references, level=0.001)
    assert agree(references, estimates) == 6
    turned = [gain * sound for sound, gain in zip(estimates, (0.01, -3), strict=True)]
    np.testing.assert_allclose(bss_eval(references, turned), bss_eval(references, estimates), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "samples"), [(2, 4000), (3, 4500)])
def test_two_channels(count, samples):
    references = noise(count, samples, 2)
    assert agree(references, worse(references)) == 3 * count


def test_a_sound_that_both_channels_share_scores_as_with_one():
    """What is in the middle: one channel tells nothing that the other does not."""
    (sound,), (other,) = noise(1, 2000), noise(1, 2000, seed=1)
    (wide,) = bss_eval([np.hstack([sound, sound])], [np.hstack([sound + other, sound + other])])
    (narrow,) = bss_eval([sound], [sound + other])
    np.testing.assert_allclose(wide, narrow, atol=1e-3)


@pytest.mark.parametrize("measure", [bss_eval, reference_bss_eval])
def test_a_channel_may_be_silent(measure, monkeypatch):
    """NumPy's lstsq, which mir_eval takes here, would need seconds."""
    monkeypatch.setattr(np.linalg, "lstsq", lambda gram, d: [np.linalg.solve(gram + 1e-9 * np.eye(len(gram)), d)])
    (sound,), (other,) = noise(1, 2000), noise(1, 2000, seed=1)
    (aside,) = measure([np.hstack([sound, 0 * sound])], [np.hstack([sound + other, 0 * sound])])
    (alone,) = bss_eval([sound], [sound + other])
    np.testing.assert_allclose(aside, alone, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 2])
def test_band_limited_sounds(channels):
    references = band_limited(2, channels=channels)
    assert agree(references, worse(references)) == 6
    assert agree(references, worse(references, level=0)) == 4  # here the estimates end there too: no artifacts


@pytest.mark.parametrize("samples", [2, 100, 511, 512, 513])
def test_sounds_shorter_than_the_filter(samples):
    references = noise(1, samples)
    assert agree(references, worse(references, level=0.2)) == 2


def test_two_short_sounds_explain_every_estimate_between_them():
    references = noise(2, 300)
    assert agree(references, worse(references)) == 4


def test_sixteen_blocks_and_one_sample_more():
    block = metrics._FFT - metrics.TAPS + 1
    for samples in (block - 1, block, block + 1, 16 * block, 16 * block + 1):
        references = noise(1, samples)
        agree(references, worse(references))


@pytest.mark.slow
def test_how_a_sound_is_cut_into_blocks_does_not_matter(monkeypatch):
    lengths = [samples + more for samples in (1539, 2052, 4104) for more in (-1, 0, 1)]
    cases = [(references := noise(2, samples), worse(references)) for samples in lengths]
    whole = [bss_eval(*case) for case in cases]
    monkeypatch.setattr(metrics, "_FFT", 1024)  # blocks of 513 samples
    monkeypatch.setattr(metrics, "_BLOCKS", 2)
    np.testing.assert_allclose([bss_eval(*case) for case in cases], whole, atol=1e-6)


def test_float32_is_as_good():
    references = noise(2)
    narrow = [[sound.astype(np.float32) for sound in side] for side in (references, worse(references))]
    np.testing.assert_allclose(bss_eval(*narrow), bss_eval(references, worse(references)), atol=1e-4)


def test_a_filter_of_512_taps_is_no_error_and_a_longer_delay_is():
    truth, other = noise(2, 8000)
    truth[-512:] = 0  # so that no echo is cut off at the end
    echoes = np.random.default_rng(1).normal(0, 1, (512, 1)) * np.exp(-np.arange(512) / 80)[:, None]
    for estimate in (fftconvolve(truth, echoes)[:8000], np.roll(truth, 511, axis=0)):
        assert (bss_eval([truth, other], [estimate, other])[0] > 90).all()
    for delay in (512, -1):
        assert bss_eval([truth, other], [np.roll(truth, delay, axis=0), other])[0, 0] < -5


def test_a_filter_may_lead_from_one_channel_to_the_other():
    truth, other = noise(2, 4000, 2)
    truth[-100:] = 0
    crossed = truth[:, ::-1] + 0.5 * np.roll(truth, 100, axis=0)
    assert (bss_eval([truth, other], [crossed, other])[0] > 90).all()


@pytest.mark.parametrize("measure", [bss_eval, reference_bss_eval])
def test_what_cannot_be_compared_is_refused(measure):
    one, two = noise(2, 1000)
    silent, short, wide = np.zeros((1000, 1)), one[:-1], np.hstack([one, one])
    for references, estimates in (([one, silent], [one, two]), ([one, two], [silent, two])):
        with pytest.raises(ValueError, match="silent"):
            measure(references, estimates)
    for references, estimates in (
        ([one, two], [one]),
        ([one], [one, two]),
        ([], []),
        ([one, two], [one, short]),
        ([one, wide], [one, wide]),
        ([one[:, 0]], [two[:, 0]]),
    ):
        with pytest.raises(ValueError, match="all of one shape"):
            measure(references, estimates)


def test_plain_sdr_counts_every_difference():
    truth = np.array([[3.0, 0.0], [0.0, 4.0]])
    assert plain_sdr(truth, truth + [[0, 0.3], [0.4, 0]]) == pytest.approx(20)
    assert plain_sdr(truth, 0 * truth) == 0
    assert plain_sdr(truth, 0.9 * truth) == pytest.approx(20)
    assert plain_sdr(truth, 11 * truth) == pytest.approx(-20)
    assert plain_sdr(truth, truth) == np.inf
    (sound,), (other,) = noise(1), noise(1, seed=1)
    assert plain_sdr(7 * sound, 7 * other) == pytest.approx(plain_sdr(sound, other))


def test_si_sdr_does_not_count_the_gain():
    truth = np.array([[3.0, 0.0], [0.0, 4.0]])
    estimate = truth + [[0, 0.3], [0.4, 0]]  # what is added is orthogonal to the truth
    for gain in (1, 1e-3, -1, 40):
        assert scale_invariant_sdr(truth, gain * estimate) == pytest.approx(20)
        assert scale_invariant_sdr(gain * truth, estimate) == pytest.approx(20)
    assert scale_invariant_sdr(truth, truth) == np.inf
    assert scale_invariant_sdr(truth, truth[::-1]) == -np.inf
    (sound,), (other,) = noise(1), noise(1, seed=1)
    target = sound * np.sum(sound * other) / np.sum(sound**2)
    assert scale_invariant_sdr(sound, other) == pytest.approx(plain_sdr(target, other))


@pytest.mark.parametrize("measure", [plain_sdr, scale_invariant_sdr])
def test_float32_sums_are_exact(measure):
    """A long, quiet error is not lost among large sums."""
    truth = np.full((3_000_000, 1), 0.5, np.float32)
    estimate = truth + np.float32(2**-12) * np.resize([1, -1], truth.shape).astype(np.float32)
    assert measure(truth, estimate) == pytest.approx(20 * np.log10(2**11), abs=1e-6)


def check_published(folder):
    """Assert that bss_eval gives what mir_eval's stored cases say; the cases' numbers.

    A case is ref00/*.wav, est00/*.wav and output00.json; number n of its permutation is the estimate of reference n.
    Newer versions keep the scores below "Sources", beside those of other functions.
    """
    outputs = sorted(Path(folder).glob("output*.json"))
    for output in outputs:
        number = output.stem.removeprefix("output")
        expected = json.loads(output.read_text())
        expected = expected.get("Sources", expected)
        references, estimates = (
            [soundfile.read(path, always_2d=True)[0] for path in sorted((output.parent / f"{side}{number}").glob("*"))]
            for side in ("ref", "est")
        )
        matched = [estimates[index] for index in expected["Source permutation"]]
        assert same(bss_eval(references, matched), np.transpose([expected[key] for key in KEYS])) > 0, output
    return [output.stem.removeprefix("output") for output in outputs]


@pytest.mark.skipif("MIR_EVAL_DATA" not in os.environ, reason="MIR_EVAL_DATA does not name mir_eval's separation cases")
def test_the_cases_that_mir_eval_publishes():
    assert len(check_published(os.environ["MIR_EVAL_DATA"])) == 10


@pytest.mark.slow
def test_cases_as_mir_eval_publishes_them(tmp_path):
    """The check itself: cases written by mir_eval, whose estimates are to be put in order."""
    separation = pytest.importorskip("mir_eval.separation")
    for number, order in (("00", [2, 0, 1]), ("01", [0])):
        references = noise(len(order), 2000)
        estimates = worse(references)
        sides = {"ref": references, "est": [estimates[index] for index in order]}
        stacked = []
        for side, sounds in sides.items():
            (tmp_path / (side + number)).mkdir()
            for index, sound in enumerate(sounds):
                soundfile.write(tmp_path / (side + number) / f"{index}.wav", sound, 8000, "DOUBLE")
            stacked.append(np.stack(sounds)[..., 0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            *scores, permutation = separation.bss_eval_sources(*stacked)
        assert list(np.array(order)[permutation]) == list(range(len(order)))
        content = dict(zip(KEYS, map(list, scores), strict=True)) | {"Source permutation": permutation.tolist()}
        (tmp_path / f"output{number}.json").write_text(json.dumps({"Sources": content} if number == "01" else content))
    assert check_published(tmp_path) == ["00", "01"]
    (tmp_path / "output00.json").write_text((tmp_path / "output00.json").read_text().replace("[1, 2, 0]", "[2, 0, 1]"))
    with pytest.raises(AssertionError):
        check_published(tmp_path)


@pytest.mark.parametrize("channels", [1, 2])
def test_level_is_how_much_louder_the_estimate_is(channels):
    (sound,) = noise(1, channels=channels)
    assert metrics.level(sound, sound) == 0
    assert metrics.level(sound, -2 * sound) == pytest.approx(6.0206, abs=1e-4)
    assert metrics.level(sound, 0.1 * sound) == pytest.approx(-20)
    assert metrics.level(sound, 0 * sound) == -np.inf
    other = noise(1, channels=channels, seed=3)[0] + 0.2
    ratio = np.sqrt(np.mean(other**2)) / np.sqrt(np.mean(sound**2))
    assert metrics.level(sound, other) == pytest.approx(20 * np.log10(ratio))
