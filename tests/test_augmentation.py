"""Augmentation of training windows: each does what it says and no more; tones and clicks through filter and stretch."""

import numpy as np
import pytest
import soundfile

from splitstrument.tracks import find_pairs
from tests.test_sampler import material, tracks
from training.augmentation import filtered, stretched
from training.config import Augmentation, Windows
from training.sampler import Sampler
from training.selection import Material

RATE = 22050
LENGTH = 2048
SCALE = 32768


def track(root, name, instrument, rest):
    folder = root / name
    folder.mkdir(parents=True)
    for part, sound in (("instrument", instrument), ("rest", rest)):
        soundfile.write(folder / f"{part}_{name}.wav", sound, RATE, "FLOAT")
    return folder


def sampler(root, length=LENGTH, channels=1, seed=0, **augmentation):
    """Windows side by side, in order, one a batch."""
    found = sorted(find_pairs(root), key=lambda pair: pair.name)
    tracks = [material(pair) for pair in found]
    windows = Windows(shuffle="none", batch_size=1)
    return Sampler(tracks, windows, Augmentation(**augmentation), length, length, channels, seed)


def epoch(made):
    """All windows, (windows, 2, length, channels)."""
    return np.concatenate([made.batch(0, step) for step in range(made.steps)])


@pytest.fixture(scope="module")
def ramps(tmp_path_factory):
    """Three tracks of 40 windows whose samples tell which they are: sample / 2^20 of the instrument, minus of the rest.

    The second channel is a quarter of the first.
    """
    root, samples = tmp_path_factory.mktemp("ramps"), 40 * LENGTH
    for number in range(3):
        sound = (number * samples + np.arange(samples) + 1) / 2**20
        sound = np.stack([sound, sound / 4], 1)
        track(root, f"track{number}", sound, -sound)
    return root


@pytest.fixture(scope="module")
def noises(tmp_path_factory):
    """A track of 150 windows of noise in stereo."""
    root, random = tmp_path_factory.mktemp("noises"), np.random.default_rng(0)
    track(root, "noise", *(random.normal(0, 0.1, (150 * LENGTH, 2)) for _ in range(2)))
    return root


def decibels(ratio):
    return 20 * np.log10(np.abs(ratio))


def share(found):
    return np.mean(np.asarray(found, float))


@pytest.mark.parametrize("off", [{}, {"pitch": 7, "tempo": 0.3}, {"gain": 0, "mono": 0.0}])
def test_off_it_changes_nothing(ramps, off):
    windows = epoch(sampler(ramps, channels=2, **off))
    assert windows.dtype == np.float32
    samples = 3 * 40 * LENGTH
    expected = (np.arange(samples) + 1).reshape(-1, 1, LENGTH, 1) / 2**20 * [[[1, 0.25]], [[-1, -0.25]]]
    np.testing.assert_array_equal(windows, expected.astype(np.float32))


EACH = {
    "other_track": 1,
    "second_instrument": 1,
    "second_rest": 1,
    "silence": 0.5,
    "gain": 6,
    "polarity": 0.5,
    "swap": 0.5,
    "filtering": 1,
    "mono": 0.5,
    "stretched": 1,
    "resampled": 1,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", EACH)
def test_each_changes_windows_and_the_seed_decides_how(noises, name):
    kind = {name: EACH[name]}
    plain = sampler(noises, channels=2)
    one, again, other = (sampler(noises, channels=2, seed=seed, **kind) for seed in (1, 1, 2))
    steps = range(12)
    whole = [one.batch(0, step) for step in steps]
    assert all(batch.shape == (1, 2, LENGTH, 2) and batch.dtype == np.float32 for batch in whole)
    assert any(not np.array_equal(batch, plain.batch(0, step)) for step, batch in enumerate(whole))
    assert all(np.array_equal(batch, again.batch(0, step)) for step, batch in reversed(list(enumerate(whole))))
    assert any(not np.array_equal(batch, other.batch(0, step)) for step, batch in enumerate(whole))
    assert any(not np.array_equal(batch, one.batch(1, step)) for step, batch in enumerate(whole))


def test_workers_change_the_windows_of_one_batch_as_one_would(ramps):
    kinds = {name: chance for name, chance in EACH.items() if name not in ("stretched", "resampled")}
    made = sampler(ramps, channels=2, **kinds)
    made.windows = Windows(shuffle="epoch", batch_size=7)
    for step in (0, 5):
        whole = made.batch(0, step)
        parts = [made.batch(0, step, wanted) for wanted in (slice(0, 3), slice(3, 4), slice(4, 7))]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("sampling", ["sequential", "random"])
def test_which_windows_come_does_not_depend_on_augmentation(ramps, sampling):
    plain, all_on = sampler(ramps), sampler(ramps, **EACH)
    for made in (plain, all_on):
        made.windows = Windows(sampling=sampling, shuffle="epoch", batch_size=4, steps=9)
    for step in range(9):
        assert plain.places(1, step) == all_on.places(1, step)


def test_rests_of_other_tracks(ramps):
    plain, windows = epoch(sampler(ramps)), epoch(sampler(ramps, other_track=1))
    np.testing.assert_array_equal(windows[:, 0], plain[:, 0])
    rests = np.round(-windows[:, 1, :, 0] * 2**20 / 0.625) - 1  # the mean of both channels
    starts = rests[:, 0].astype(int)
    np.testing.assert_array_equal(rests, starts[:, None] + np.arange(LENGTH))
    numbers, places = np.divmod(starts, 40 * LENGTH)
    assert places.max() <= 39 * LENGTH
    assert share(places % LENGTH != 0) > 0.9
    # 120 of three tracks: 40 of each, with a standard deviation of 5; each has its own in a third of the windows.
    assert np.bincount(numbers).tolist() == pytest.approx([40, 40, 40], abs=18)
    assert share(numbers == np.arange(120) // 40) == pytest.approx(1 / 3, abs=0.15)


@pytest.fixture
def three(ramps):
    """(augmentation -> all windows of the ramps with three parts: the instrument twice, and the rest)."""

    def windows(**chances):
        made = sampler(ramps, **chances)
        made.tracks = [Material(each.track, (each.parts[0], each.parts[0], each.parts[1])) for each in made.tracks]
        made.parts = 3
        made._order.cache_clear()
        return epoch(made)

    return windows


def test_with_several_sources_each_part_comes_from_a_track_of_its_own(three):
    plain, windows = three(), three(other_track=1)
    assert plain.shape[1] == 3
    np.testing.assert_array_equal(windows[:, 0], plain[:, 0])
    starts = np.abs(windows[:, 1:, 0, 0])
    assert share(starts == np.abs(plain[:, 1:, 0, 0])) < 0.1
    assert share(starts[:, 0] == starts[:, 1]) < 0.1


def test_of_several_sources_each_is_silent_by_itself(three):
    windows = three(silence=0.5)
    silent = ~windows.any((2, 3))
    assert not silent[:, 2].any()
    assert len(np.unique(silent, axis=0)) == 4
    assert silent[:, :2].mean(0) == pytest.approx([0.5, 0.5], abs=0.15)


@pytest.mark.parametrize(
    ("name", "changed"), [("second_instrument", [True, True, False]), ("second_rest", [False, False, True])]
)
def test_second_parts_are_added_to_sources_or_to_the_rest(three, name, changed):
    differences = (three(**{name: 1}) != three()).any((2, 3))
    assert (differences == changed).all()


def test_rests_come_by_the_weight_of_their_tracks(ramps):
    made = sampler(ramps, other_track=1)
    made.chances = np.array([0, 0.2, 0.8])
    numbers = (-epoch(made)[:, 1, 0, 0] * 2**20 / 0.625).astype(int) // (40 * LENGTH)
    assert np.bincount(numbers).tolist() == pytest.approx([0, 24, 96], abs=14)


@pytest.mark.parametrize(("name", "part"), [("second_instrument", 0), ("second_rest", 1)])
def test_second_parts_are_added(ramps, name, part):
    plain, windows = epoch(sampler(ramps, channels=2)), epoch(sampler(ramps, channels=2, **{name: 1}))
    np.testing.assert_array_equal(windows[:, 1 - part], plain[:, 1 - part])
    added = (windows - plain)[:, part, :, 0].astype(float) * (1, -1)[part]
    gains = (added[:, -1] - added[:, 0]) / (LENGTH - 1) * 2**20
    assert np.abs(decibels(gains)).max() < 8.1
    assert np.ptp(decibels(gains)) > 12
    starts = added[:, 0] / gains * 2**20 - 1
    assert starts.min() > -100
    assert starts.max() < 3 * 40 * LENGTH - LENGTH + 100
    assert len(set(np.round(starts))) > 110
    assert share(np.abs(starts - np.arange(120) * LENGTH) < 2000) < 0.2


def test_silence_is_the_instruments(ramps):
    plain, windows = epoch(sampler(ramps)), epoch(sampler(ramps, silence=1))
    assert not windows[:, 0].any()
    np.testing.assert_array_equal(windows[:, 1], plain[:, 1])
    with_second = epoch(sampler(ramps, silence=1, second_instrument=1))
    assert not with_second[:, 0].any()


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
def test_chances_are_met(ramps, chance):
    windows = np.concatenate([epoch(sampler(ramps, seed=seed, silence=chance)) for seed in range(3)])
    # Of 360, with a standard deviation of 2.6 % and less.
    assert share(~windows[:, 0].any((1, 2))) == pytest.approx(chance, abs=0.09)


def test_gains_are_within_bounds_and_each_parts_own(ramps):
    ratios = epoch(sampler(ramps, gain=6)) / epoch(sampler(ramps))
    assert np.ptp(ratios, 2).max() < 1e-5  # the same all through a window
    gains = decibels(ratios[:, :, 0, 0])
    assert (ratios > 0).all()
    assert np.abs(gains).max() <= 6.001
    assert gains.min(0).max() < -5
    assert gains.max(0).min() > 5
    assert np.abs(gains.mean(0)).max() < 1.2  # standard deviation 0.32
    assert abs(np.corrcoef(gains.T)[0, 1]) < 0.35


def test_polarity_is_each_parts_own(ramps):
    signs = epoch(sampler(ramps, polarity=0.5)) / epoch(sampler(ramps))
    assert set(np.unique(signs)) == {-1, 1}
    assert (np.ptp(signs, 2) == 0).all()
    kinds = signs[:, :, 0, 0]
    assert len(np.unique(kinds, axis=0)) == 4
    assert np.abs(kinds.mean(0)).max() < 0.45
    assert (epoch(sampler(ramps, polarity=1)) == -epoch(sampler(ramps))).all()


def test_channels_are_swapped_part_by_part(ramps):
    plain = epoch(sampler(ramps, channels=2))
    np.testing.assert_array_equal(epoch(sampler(ramps, channels=2, swap=1)), plain[..., ::-1])
    windows = epoch(sampler(ramps, channels=2, swap=0.5))
    swapped = (windows == plain[..., ::-1]).all((2, 3))
    assert ((windows == plain).all((2, 3)) ^ swapped).all()
    assert len(np.unique(swapped, axis=0)) == 4
    np.testing.assert_array_equal(epoch(sampler(ramps, swap=1)), epoch(sampler(ramps)))  # a mono network's


def test_mono_is_the_mean_in_every_channel(ramps):
    plain, windows = epoch(sampler(ramps, channels=2)), epoch(sampler(ramps, channels=2, mono=1))
    np.testing.assert_allclose(windows, np.repeat(plain.mean(-1, keepdims=True), 2, -1), rtol=1e-6)
    windows = epoch(sampler(ramps, channels=2, mono=0.5))
    same = (windows[..., 0] == windows[..., 1]).all(2)
    assert (same[:, 0] == same[:, 1]).all()  # both parts or none
    assert share(same) == pytest.approx(0.5, abs=0.18)


def test_filtering_changes_levels_but_no_phases(noises):
    plain, windows = (
        np.fft.rfft(epoch(sampler(noises, channels=2, **kind)), axis=2) for kind in ({}, {"filtering": 1})
    )
    ratios = windows / plain
    assert np.abs(np.angle(ratios)).max() < 0.01
    gains = decibels(ratios)
    np.testing.assert_allclose(gains[..., 0], gains[..., 1], atol=0.05)  # both channels alike
    assert np.abs(gains[:, 0] - gains[:, 1]).max(axis=(1, 2)).min() > 0.5  # each part has its own curve
    # Six values with a standard deviation of 3 dB; the last is the gain at the Nyquist frequency.
    assert gains[:, :, -1].std() == pytest.approx(3, abs=0.6)
    assert abs(gains[:, :, -1].mean()) < 0.6
    # Smooth: the curve goes from one value to the next in straight lines over octaves.
    assert np.abs(np.diff(gains[:, :, 200:], axis=2)).max() < 0.2


def tone(frequency, length=LENGTH):
    """A cosine of `frequency` times that of Nyquist."""
    return np.cos(np.pi * frequency * np.arange(length))[:, None].astype(np.float32)


FREQUENCIES = [0.01, 0.03, 0.08, 0.25, 0.4, 0.5, 0.75, 0.9]


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_a_flat_curve_is_a_gain(frequency):
    sound = tone(frequency)
    np.testing.assert_allclose(filtered(sound, [6] * 6), 10 ** (6 / 20) * sound, atol=1e-4)
    np.testing.assert_allclose(filtered(sound, [0] * 6), sound, atol=1e-5)


@pytest.mark.parametrize("bin_", [4, 16, 64, 90, 256, 400, 512, 700, 900, 1023])
def test_tones_come_out_by_the_curve(bin_):
    """The last three values are those of the highest octaves, the first three of those below an eighth of Nyquist."""
    frequency = bin_ / (LENGTH // 2)
    sound = tone(frequency)
    curve = [-9, -9, -9, 5, 5, 5]
    gain = -9 if frequency < 0.1 else 5
    assert frequency < 0.1 or frequency >= 0.25
    changed = filtered(sound, curve)
    np.testing.assert_allclose(changed, 10 ** (gain / 20) * sound, atol=1e-4)  # at once: without any delay


def test_the_curve_is_straight_over_octaves():
    top = [decibels(filtered(tone(frequency), [0, 0, 0, 0, 0, 9])[0, 0]) for frequency in (0.25, 0.5, 0.75, 1)]
    # An octave below Nyquist nothing, log2(1.5) of the way at three quarters. The lines bend a little towards 0 Hz.
    assert top == pytest.approx([0, 0, 9 * np.log2(1.5), 9], abs=0.5)


def test_a_filtered_click_stays_where_it_is():
    click = np.zeros((LENGTH, 2), np.float32)
    click[700, 0] = 1
    changed = filtered(click, [-6, 3, 2, -4, 1, -2])
    assert changed.dtype == np.float32
    assert changed.shape == click.shape
    assert np.abs(changed[:, 0]).argmax() == 700
    np.testing.assert_allclose(changed[700 - 300 : 700, 0], changed[700 + 300 : 700 : -1, 0], atol=1e-6)
    assert not changed[:, 1].any()


STRETCHES = [(1.0, 1.0), (2 ** (2 / 12), 1.0), (2 ** (-5 / 12), 1.0), (1.0, 1.2), (1.0, 0.75), (1.3, 0.9), (0.8, 1.1)]


def peak(sound):
    """The strongest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 8 * len(sound)))
    return spectrum.argmax() * RATE / (8 * len(sound))


@pytest.mark.slow
@pytest.mark.parametrize(("pitch", "tempo"), STRETCHES)
def test_a_stretched_tone_has_another_frequency(pitch, tempo):
    length = 2 * LENGTH
    times = np.arange(int(np.ceil(length * tempo))) / RATE
    sound = 0.5 * np.stack([np.sin(2 * np.pi * frequency * times) for frequency in (500, 1250)], 1)
    changed = stretched(sound.astype(np.float32), pitch, tempo, length)
    assert changed.shape == (length, 2)
    assert changed.dtype == np.float32
    inner = changed[1024:-1024]
    assert [peak(inner[:, 0]), peak(inner[:, 1])] == pytest.approx([500 * pitch, 1250 * pitch], rel=0.01)
    assert inner.std(0) == pytest.approx(0.5 / np.sqrt(2), rel=0.2)
    assert np.abs(changed[-60:]).max() > 0.1  # up to the end


@pytest.mark.slow
@pytest.mark.parametrize(("pitch", "tempo"), STRETCHES)
def test_beats_of_a_stretched_sound_come_as_fast_as_the_tempo(pitch, tempo):
    length, spacing = 16 * LENGTH, 4000
    times = np.arange(int(np.ceil(length * tempo)))
    sound = np.sin(np.pi * times / spacing) ** 8 * np.sin(2 * np.pi * 1000 * times / RATE)
    changed = stretched(sound[:, None].astype(np.float32), pitch, tempo, length)[:, 0]
    assert len(changed) == length
    rates = np.linspace(0.4, 2, 161)  # beats in `spacing` samples
    waves = np.exp(-2j * np.pi * np.outer(rates / spacing, np.arange(length))) @ changed**2
    strongest = np.abs(waves).argmax()
    assert rates[strongest] == pytest.approx(tempo, abs=0.021)
    # The first beat is half a spacing late, as in the sound itself.
    late = np.exp(-2j * np.pi * tempo / spacing * np.arange(length)) @ changed**2
    assert np.abs(np.angle(-late)) / (2 * np.pi) * spacing < 200


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    """A track of 24 windows, whose instrument and rest are the same tone of 1 kHz with clicks in it."""
    root = tmp_path_factory.mktemp("tones")
    sound = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(24 * LENGTH) / RATE)
    sound[::700] = 1
    track(root, "tone", sound, sound)
    return root


def test_instrument_and_rest_are_stretched_together(tones):
    windows = epoch(sampler(tones, stretched=1, pitch=3, tempo=0.3))
    np.testing.assert_array_equal(windows[:, 0], windows[:, 1])
    frequencies = np.array([peak(window[:, 0]) for window in windows[:, 0]])
    semitones = 12 * np.log2(frequencies / 1000)
    assert np.abs(semitones).max() < 3.3
    assert semitones.min() < -1.5
    assert semitones.max() > 1.5
    # There is sound up to the end of each, but for the last, which may have less left than its tempo takes.
    assert np.abs(windows[:-1, 0, -100:]).max((1, 2)).min() > 0.003


def test_the_pitch_stays_where_only_the_tempo_may_change(tones):
    windows, plain = epoch(sampler(tones, stretched=1, pitch=0, tempo=0.3)), epoch(sampler(tones))
    assert [peak(window[:, 0]) for window in windows[:, 0]] == pytest.approx([1000] * 24, rel=0.01)
    assert share([np.abs(one - other).max() > 0.1 for one, other in zip(windows, plain, strict=True)]) > 0.8


def test_resampled_they_are_as_much_higher_as_faster(tones):
    windows = epoch(sampler(tones, resampled=1, pitch=3))
    np.testing.assert_array_equal(windows[:, 0], windows[:, 1])
    frequencies = np.array([peak(window[:, 0]) for window in windows[:-1, 0]])
    semitones = 12 * np.log2(frequencies / 1000)
    assert np.abs(semitones).max() < 3.1
    assert semitones.min() < -1.5
    assert semitones.max() > 1.5
    for window, frequency in zip(windows[:-1, 0], frequencies, strict=True):
        spaces = np.diff(np.flatnonzero(window[:, 0] > 0.45))  # a click may lie on two samples
        assert np.median(spaces[spaces > 2]) == pytest.approx(700 * 1000 / frequency, rel=0.02)


def test_some_are_stretched_and_the_others_stay(tones):
    windows, plain = epoch(sampler(tones, stretched=0.5)), epoch(sampler(tones))
    same = (windows == plain).all((1, 2, 3))
    assert 5 <= same.sum() <= 19


@pytest.fixture
def drawn(tmp_path):
    """(sampler of random windows by these chances -> its tracks, and their windows by track)."""

    def draw(**chances):
        found = tracks(tmp_path, 4000, 4000, 4000, 4000)
        windows = Windows(sampling="random", batch_size=5, steps=100)
        made = Sampler(found, windows, Augmentation(**chances), 100, 80, 1, 0)
        by_track = [[] for _ in found]
        for step in range(100):
            for place, window in zip(made.places(0, step), made.batch(0, step), strict=True):
                by_track[found.index(place.track)].append((made.cut(place, 0, 100), window[0]))
        return by_track

    return draw


def test_random_windows_of_every_track_are_silent_alike(drawn):
    shares = [np.mean([not window.any() for _, window in track]) for track in drawn(silence=0.5)]
    assert shares == pytest.approx([0.5] * 4, abs=0.15)


def test_random_windows_of_every_track_have_all_gains(drawn):
    for track in drawn(gain=6):
        gains = [20 * np.log10(np.abs(window[-1, 0] / plain[-1, 0])) for plain, window in track]
        assert min(gains) < -5
        assert max(gains) > 5
