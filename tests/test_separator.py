"""Separator: parts that add up, no seams, every rate and channel count, the rule above the model's reach."""

import numpy as np
import pytest

from splitstrument import Separator
from splitstrument.extraction import Masking
from splitstrument.form import Form
from splitstrument.models import ModelError
from tests import tiny


@pytest.fixture(scope="module", params=["tfc_tdf", "hourglass", "tfc_tdf thorough"])
def separator(request, tmp_path_factory):
    network, _, thorough = request.param.partition(" ")
    folder = tiny.model(tmp_path_factory.mktemp("models") / "small", network)
    return Separator(folder, precision="float32", thorough=bool(thorough))


def noise(seconds, rate, channels, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (int(seconds * rate), channels)).astype(np.float32)


@pytest.mark.slow
def test_mono_shape_is_kept_and_equals_one_channel(separator):
    song = noise(1, 22050, 1)
    flat = separator.separate(song[:, 0], 22050)["guitar"]
    np.testing.assert_array_equal(flat, separator.separate(song, 22050)["guitar"][:, 0])


@pytest.mark.slow
def test_silence_stays_silent(separator):
    parts = separator.separate(np.zeros((30000, 2), np.float32), 44100)
    assert not parts["guitar"].any()
    assert not parts["rest"].any()


@pytest.mark.slow
def test_the_song_at_twice_the_rate_has_the_same_mask(separator):
    """A 44.1 kHz song is masked as its 22.05 kHz version is, below the model's reach."""
    from scipy.signal import resample_poly

    high = noise(2, 44100, 1)[:, 0]
    high = resample_poly(resample_poly(high, 1, 4), 4, 1).astype(np.float32)  # content below 5.5 kHz only
    low = resample_poly(high, 1, 2).astype(np.float32)
    expected = separator.separate(low, 22050)["guitar"]
    got = resample_poly(separator.separate(high, 44100)["guitar"], 1, 2)
    assert np.std(got - expected) < 0.02 * np.std(expected)


def song_masks(mask, form, bins):
    """What a network that always gives `mask` (its bins,) makes of a song with these bins: (channels, frames, bins)."""
    masks = np.broadcast_to(mask[:, None, None, None], (1, form.bins, form.length, form.channels, 1))
    masking = Masking(lambda windows: np.repeat(masks, len(windows), 0).astype(np.float32), form, 2)
    (spread,) = masking(np.ones((2, 30, bins), np.complex64), last=True)
    return spread


def test_above_the_reach_the_mask_goes_on_as_its_mean_over_the_tenth_below():
    """Models of 22.05 kHz know nothing above 11 kHz: mask = 1 from 80 to 90 % of Nyquist means 1 above, else 0."""
    form = Form("spectrum", 200, 101, 8, 1)
    for first, last, above in ((80, 90, 1), (0, 80, 0), (90, 101, 0), (80, 85, 0.5)):
        mask = np.zeros(101, np.float32)
        mask[first:last] = 1
        spread = song_masks(mask, form, 241)
        assert spread.shape == (2, 30, 241)
        np.testing.assert_allclose(spread[..., 90:], above)
        np.testing.assert_allclose(spread[0, 10, :90], mask[:90])


def test_above_the_bins_of_a_network_that_sees_the_lower_ones_its_last_tenth_goes_on_or_nothing():
    mask = np.linspace(0, 1, 100, dtype=np.float32)
    for above, value in (("mean", mask[90:].mean()), ("zero", 0)):
        spread = song_masks(mask, Form("spectrum", 400, 100, 8, 1, above=above), 201)
        np.testing.assert_allclose(spread[0, 10, :100], mask)
        np.testing.assert_allclose(spread[..., 100:], value, rtol=1e-5)
        np.testing.assert_allclose(song_masks(mask, Form("spectrum", 400, 100, 8, 1, above=above), 80)[0, 0], mask[:80])


@pytest.mark.slow
def test_above_can_be_chosen(tmp_path):
    song, model = noise(1, 44100, 2), tiny.model(tmp_path / "small", "spleeter", 44100)
    separators = {above: Separator(model, "float32", above=above) for above in ("mean", "zero")}
    high = {above: each.separate(song, 44100)["guitar"] for above, each in separators.items()}
    spectra = {above: np.abs(np.fft.rfft(sound[:, 0])) for above, sound in high.items()}
    top = slice(int(len(spectra["mean"]) * 0.6), None)  # the network has the lower half of the spectrum
    assert spectra["zero"][top].mean() < 0.05 * spectra["mean"][top].mean()
    np.testing.assert_array_equal(Separator(model, "float32").separate(song, 44100)["guitar"], high["mean"])
    with pytest.raises(ValueError, match="above 'most': it must be mean or zero"):
        Separator(model, above="most")


def test_windows_cross_fade_without_a_step():
    """A mask that climbs from 0 to 1 in each window would jump by 1 at each border; the cross-fade spreads the jump."""
    frames, overlap, calls = 64, 8, []

    def climbing(windows):
        calls.append(len(windows))
        return np.broadcast_to(np.linspace(0, 1, frames, dtype=np.float32)[:, None, None], (*windows.shape, 1))

    masking = Masking(climbing, Form("spectrum", 32, 17, frames, 1), overlap)
    pieces = [masking(np.ones((1, 50, 17), np.complex64), last=index == 9) for index in range(10)]
    curve = np.concatenate([piece for piece in pieces if piece is not None], 2)[0, 0, :, 5]
    assert len(curve) == 500
    assert sum(calls) == -(-500 // (frames - overlap))
    assert np.abs(np.diff(curve)).max() < 1.2 / overlap


@pytest.mark.slow
def test_a_steady_tone_has_no_step_at_window_borders(separator):
    rate = 22050
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4 * rate) / rate).astype(np.float32)
    guitar = separator.separate(tone, rate)["guitar"][rate // 2 : -rate // 2]
    change = np.abs(np.diff(guitar, 2))  # a step of height h is h here; the tone's own curvature is known
    assert change.max() < 1.3 * 0.5 * (2 * np.pi * 440 / rate) ** 2


@pytest.mark.slow
def test_channels_are_kept_apart_by_a_stereo_network_and_shared_by_a_mono_one(tmp_path):
    loud, quiet = noise(1, 22050, 1), np.zeros((22050, 1), np.float32)
    for network in ("tfc_tdf", "hourglass"):
        separator = Separator(tiny.model(tmp_path / network, network), precision="float32")
        guitar = separator.separate(np.concatenate([loud, quiet], 1), 22050)["guitar"]
        assert guitar[:, 0].std() > 0.01
        assert not guitar[:, 1].any()
    # Channels of opposite sign cancel in a mean; a mono network must hear them all the same.
    against = separator.separate(np.concatenate([loud, -loud], 1), 22050)["guitar"]
    np.testing.assert_allclose(against[:, 0], separator.separate(loud, 22050)["guitar"][:, 0], atol=1e-6)


@pytest.mark.slow
def test_a_thorough_mask_does_not_depend_on_the_order_of_the_channels(tmp_path):
    song, folder = noise(2, 22050, 2), tiny.model(tmp_path / "small")
    for thorough, least, most in ((False, 1e-3, 1), (True, 0, 1e-5)):
        separator = Separator(folder, precision="float32", thorough=thorough)
        turned = separator.separate(song[:, ::-1], 22050)["guitar"][:, ::-1]
        assert least <= np.abs(turned - separator.separate(song, 22050)["guitar"]).max() <= most


@pytest.mark.parametrize("shape", [(2, 44100), (10, 9), (3, 3, 3)])
def test_wrong_shapes_are_refused(separator, shape):
    with pytest.raises(ValueError, match="frames, channels"):
        separator.separate(np.zeros(shape, np.float32), 44100)


def test_wrong_rates_and_samples_are_refused(separator):
    with pytest.raises(ValueError, match="sample rate"):
        separator.separate(np.zeros(100), 1)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="NaN or infinite"):
            separator.separate(np.array([0.0, bad]), 44100)


@pytest.mark.slow
def test_bfloat16_is_close_to_float32(tmp_path):
    folder = tiny.model(tmp_path / "small")
    song = noise(1, 22050, 2)
    exact = Separator(folder, precision="float32").separate(song, 22050)["guitar"]
    rounded = Separator(folder, precision="bfloat16").separate(song, 22050)["guitar"]
    assert 0 < np.std(rounded - exact) < 0.02 * np.std(exact)


@pytest.mark.slow
def test_auto_takes_the_faster_precision_where_the_processor_has_bfloat16(tmp_path, monkeypatch):
    from splitstrument import backend, runtimes
    from splitstrument.runtimes import keras

    folder = tiny.model(tmp_path / "small")
    monkeypatch.setattr(backend, "processor_bfloat16", lambda: "avx512")
    for faster in ("float32", "mixed_bfloat16"):
        monkeypatch.setattr(keras, "_seconds", lambda network, form, faster=faster: network.dtype_policy.name != faster)
        assert runtimes.load(folder).network.dtype_policy.name == faster
    monkeypatch.setattr(keras, "_seconds", None)
    for processor, taken in (("", "float32"), ("amx", "mixed_bfloat16")):
        monkeypatch.setattr(backend, "processor_bfloat16", lambda processor=processor: processor)
        assert runtimes.load(folder).network.dtype_policy.name == taken


def test_an_unknown_model_or_precision_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no model is called"):
        Separator("no such model")
    with pytest.raises(ModelError, match="holds no model"):
        Separator(tmp_path)
    with pytest.raises(ValueError, match="must be one of"):
        Separator(tiny.model(tmp_path / "small"), precision="float8")
