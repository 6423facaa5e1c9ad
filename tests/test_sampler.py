"""Windows of a batch: the seed decides them, they are the files' samples; epochs, random places, files that go away."""

import os
import threading
import time

import numpy as np
import pytest
import soundfile

from splitstrument.tracks import PAIR, TrackError, find_pairs, track_in
from training.batches import AHEAD, THREADS, Batches, ahead
from training.config import Augmentation, Windows
from training.sampler import Place, Sampler
from training.selection import Material

RATE = 8000
LENGTH, HOP = 100, 80
FOUR = ("vocals", "drums", "bass", "other")


def ramp(number, samples, channels=1):
    """Of track `number`: integers that tell the track and the sample; other channels are 10,000 lower."""
    return (5000 * number + np.arange(samples))[:, None] - 10000 * np.arange(channels)


def write_track(root, number, samples, subtype="PCM_16", channels=1):
    """A pair whose instrument is a ramp and whose rest is minus that; sounds that tell where they come from."""
    name = f"track{number}"
    (root / name).mkdir()
    for part, sign in (("instrument", 1), ("rest", -1)):
        sound = sign * ramp(number, samples, channels)
        soundfile.write(root / name / f"{part}_{name}.wav", sound / 32768, RATE, subtype)


def tracks(root, *lengths, weights=None, **sound):
    """Tracks of so many samples each, in this order."""
    for number, samples in enumerate(lengths):
        write_track(root, number, samples, **sound)
    found = sorted(find_pairs(root), key=lambda pair: pair.name)
    weights = weights or [1.0] * len(found)
    return [material(pair, weight) for pair, weight in zip(found, weights, strict=True)]


def material(pair, weight=1.0):
    return Material(pair, tuple((pair.wave(part),) for part in PAIR), weight)


def sampler(found, channels=1, seed=0, most=0, **windows):
    return Sampler(found, Windows(**{"batch_size": 3} | windows), Augmentation(), LENGTH, HOP, channels, seed, most)


def where(place):
    """(number of the track, start)."""
    return int(place.track.name.removeprefix("track")), place.start


def epoch_of(made, epoch=0):
    return [where(place) for step in range(made.steps) for place in made.places(epoch, step)]


def all_windows(*lengths):
    return [(number, start) for number, length in enumerate(lengths) for start in range(0, length - LENGTH + 1, HOP)]


def expected(places, channels=1):
    """What the files hold at places, (windows, 2, LENGTH, channels)."""
    sounds = [ramp(number, start + LENGTH, channels)[start:] / 32768 for number, start in places]
    return np.stack([np.stack([sound, -sound]) for sound in sounds])


@pytest.mark.parametrize("sampling", ["sequential", "random"])
@pytest.mark.parametrize("shuffle", ["track", "epoch"])
def test_the_seed_decides_every_batch(tmp_path, sampling, shuffle):
    found = tracks(tmp_path, 4000, 4000)
    options = {"sampling": sampling, "shuffle": shuffle, "steps": 20}
    one, again, other = (sampler(found, seed=seed, **options) for seed in (5, 5, 6))
    batches = {}
    for epoch, step in ((0, 0), (1, 3), (0, 3), (1, 0)):
        batch = one.batch(epoch, step)
        assert batch.shape == (3, 2, LENGTH, 1)
        assert batch.dtype == np.float32
        batches[batch.tobytes()] = epoch, step
        np.testing.assert_array_equal(batch, one.batch(epoch, step))
        np.testing.assert_array_equal(batch, expected([where(place) for place in one.places(epoch, step)]))
        assert not np.array_equal(batch, other.batch(epoch, step))
    assert len(batches) == 4
    # Another order of asking, and a sampler that has made nothing before.
    for content, (epoch, step) in reversed(batches.items()):
        assert again.batch(epoch, step).tobytes() == content


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_batch_holds_the_samples_of_its_files(tmp_path, subtype, channels):
    found = tracks(tmp_path, 900, 700, subtype=subtype, channels=channels)
    made = sampler(found, channels, shuffle="none")
    windows = all_windows(900, 700)
    for step in range(made.steps):
        np.testing.assert_array_equal(made.batch(0, step), expected(windows[3 * step : 3 * step + 3], channels))


def test_full_scale_is_1(tmp_path):
    for subtype, least in (("PCM_16", -1), ("PCM_U8", -1), ("PCM_32", -1), ("FLOAT", -1.5)):
        root = tmp_path / subtype
        root.mkdir()
        found = tracks(root, 400, subtype=subtype)
        sound = np.full(400, float(least))
        sound[: 3 * HOP] = 0.5
        soundfile.write(found[0].track.path("rest"), sound, RATE, subtype)
        batch = sampler(tracks(root), shuffle="none").batch(0, 0, slice(2, 3))
        assert batch[0, 1, :HOP].tolist() == [[0.5]] * HOP
        assert batch[0, 1, HOP:].tolist() == [[least]] * (LENGTH - HOP)


@pytest.mark.parametrize("shuffle", ["none", "track", "epoch"])
@pytest.mark.parametrize("batch_size", [1, 3, 4])
def test_an_epoch_has_every_whole_window_once(tmp_path, shuffle, batch_size):
    # Windows start every 80 samples and have 100: 1 of 100 and 179 samples, 2 of 180.
    lengths = 100, 179, 180, 1233, 99, 640
    made = sampler(tracks(tmp_path, *lengths), shuffle=shuffle, batch_size=batch_size)
    windows = all_windows(*lengths)
    assert len(windows) == 1 + 1 + 2 + 15 + 0 + 7
    assert made.steps == len(windows) // batch_size
    for epoch in (0, 1):
        order = epoch_of(made, epoch)
        assert len(order) == made.steps * batch_size
        assert len(set(order)) == len(order)
        assert set(order) <= set(windows)


def test_without_shuffling_windows_stand_in_order(tmp_path):
    made = sampler(tracks(tmp_path, 900, 300, 700), shuffle="none", batch_size=2)
    for epoch in (0, 1):
        assert epoch_of(made, epoch) == all_windows(900, 300, 700)


def test_tracks_come_one_after_another_shuffled_within(tmp_path):
    lengths = 2500, 2500, 1700
    made = sampler(tracks(tmp_path, *lengths), shuffle="track", batch_size=1)
    orders = [epoch_of(made, epoch) for epoch in range(2)]
    for order in orders:
        assert [number for number, _ in order] == [0] * 31 + [1] * 31 + [2] * 21
        assert sorted(order) == all_windows(*lengths)
        starts = [[start for number, start in order if number == track] for track in range(3)]
        assert all(each != sorted(each) for each in starts)
        assert starts[0] != starts[1]
    assert orders[0] != orders[1]


def test_an_epoch_may_be_shuffled_everywhere(tmp_path):
    lengths = 2500, 2500, 1700
    made = sampler(tracks(tmp_path, *lengths), shuffle="epoch", batch_size=1)
    orders = [epoch_of(made, epoch) for epoch in range(2)]
    for order in orders:
        assert sorted(order) == all_windows(*lengths)
        changes = sum(one[0] != other[0] for one, other in zip(order, order[1:], strict=False))
        assert changes > 30  # of 82; 2 where tracks come one after another
    assert [number for number, _ in orders[0]] != [number for number, _ in orders[1]]


def test_windows_of_a_track_are_at_most_so_many(tmp_path):
    found = tracks(tmp_path, 2500, 180, 1700)
    in_order = epoch_of(sampler(found, shuffle="none", per_track=5, batch_size=1))
    assert [number for number, _ in in_order] == [0] * 5 + [1] * 2 + [2] * 5
    # The middle ones of 31 and of 21 windows.
    assert in_order[:5] == [(0, number * HOP) for number in range(13, 18)]
    assert in_order[7:] == [(2, number * HOP) for number in range(8, 13)]
    made = sampler(found, shuffle="track", per_track=5, batch_size=1)
    epochs = [epoch_of(made, epoch) for epoch in range(12)]
    for order in epochs:
        assert [number for number, _ in order] == [0] * 5 + [1] * 2 + [2] * 5
        assert len(set(order)) == 12
    assert len(set(map(tuple, epochs))) == 12
    # Others each time: the chance that one of 31 never comes in 12 epochs is 12 %, so that all but a few do.
    assert len({place for order in epochs for place in order if place[0] == 0}) > 22


def test_random_windows_come_from_anywhere(tmp_path):
    # Six places of the first track, one of the second, which its samples fill.
    made = sampler(tracks(tmp_path, LENGTH + 5, LENGTH), sampling="random", batch_size=4, steps=600)
    assert made.steps == 600
    starts = epoch_of(made)
    counted = [starts.count((0, start)) for start in range(6)]
    assert sum(counted) + starts.count((1, 0)) == 2400
    # 200 expected of each, with a standard deviation of 14.
    assert all(140 < count < 260 for count in counted)
    assert starts[:40] != epoch_of(made, 1)[:40]


def test_random_windows_come_by_weight(tmp_path):
    found = tracks(tmp_path, 400, 4000, 800, weights=[0.5, 0.3, 0.2])
    made = sampler(found, sampling="random", batch_size=5, steps=400)
    numbers = [number for number, _ in epoch_of(made)]
    # Of 2000, with standard deviations of 22 and less: the lengths do not count.
    assert [numbers.count(number) for number in range(3)] == pytest.approx([1000, 600, 400], abs=90)


def test_random_epochs_are_as_long_as_sequential_ones_unless_said(tmp_path):
    found = tracks(tmp_path, 1300, 700)  # 16 and 8 windows side by side
    assert sampler(found, sampling="random", batch_size=5).steps == 4
    assert sampler(found, sampling="random", batch_size=50).steps == 1
    assert sampler(found, sampling="random", batch_size=5, steps=77).steps == 77


@pytest.mark.parametrize("shuffle", ["track", "epoch"])
def test_sequential_epochs_may_be_shorter(tmp_path, shuffle):
    found = tracks(tmp_path, 1300, 700)
    whole = sampler(found, shuffle=shuffle)
    assert whole.steps == 8
    short, longer = (sampler(found, shuffle=shuffle, steps=steps) for steps in (3, 99))
    assert (short.steps, longer.steps) == (3, 8)
    assert epoch_of(short) == epoch_of(whole)[:9]


def test_a_batch_of_random_windows_holds_their_samples(tmp_path):
    made = sampler(tracks(tmp_path, 4000, 4000), sampling="random", steps=5)
    for step in range(5):
        places = [where(place) for place in made.places(2, step)]
        np.testing.assert_array_equal(made.batch(2, step), expected(places))
    assert any(start % HOP for _, start in places)


@pytest.mark.parametrize("most", [1, 3, 6])
def test_fewer_batches_are_spread_over_all(tmp_path, most):
    lengths = 1300, 1300, 1300, 1300
    windows = all_windows(*lengths)
    made = sampler(tracks(tmp_path, *lengths), shuffle="none", most=most)
    order = epoch_of(made)
    assert made.steps == most
    assert len(order) == len(set(order)) == 3 * most
    for step in range(most):
        assert len({track for track, _ in order[3 * step : 3 * step + 3]}) == 3  # each batch has some of everything
    steps = np.diff([*sorted(windows.index(place) for place in order), len(windows)])
    assert steps.max() - steps.min() <= 1


def test_more_batches_than_there_are_are_all(tmp_path):
    made = sampler(tracks(tmp_path, 1300), shuffle="none", most=50)
    assert made.steps == 5
    assert epoch_of(made) == all_windows(1300)[:15]


@pytest.mark.parametrize("sampling", ["sequential", "random"])
def test_workers_make_the_windows_of_one_batch_together(tmp_path, sampling):
    found = tracks(tmp_path, 4000, 4000)
    whole, first, second = (sampler(found, sampling=sampling, batch_size=5) for _ in range(3))
    for step in (0, 3):
        batch = whole.batch(1, step)
        # The second worker has never made the first half.
        parts = first.batch(1, step, slice(0, 3)), second.batch(1, step, slice(3, 5))
        np.testing.assert_array_equal(np.concatenate(parts), batch)
        np.testing.assert_array_equal(second.batch(1, step, slice(1, None, 2)), batch[1::2])


def test_a_mono_network_hears_the_mean(tmp_path):
    found = tracks(tmp_path, 400, channels=2)
    batch = sampler(found, channels=1, shuffle="none").batch(0, 0)
    assert batch.shape == (3, 2, LENGTH, 1)
    wanted = expected([(0, 0), (0, HOP), (0, 2 * HOP)], 2).mean(-1, keepdims=True)
    np.testing.assert_array_equal(batch, wanted)


def test_a_stereo_network_doubles_mono_and_keeps_stereo(tmp_path):
    for channels in (1, 2):
        (tmp_path / str(channels)).mkdir()
        found = tracks(tmp_path / str(channels), 400, channels=channels)
        batch = sampler(found, channels=2, shuffle="none").batch(0, 0, slice(1))
        wanted = expected([(0, 0)], channels)
        np.testing.assert_array_equal(batch, np.repeat(wanted, 2, -1) if channels == 1 else wanted)


def test_halves_may_have_other_channels(tmp_path):
    (track,) = tracks(tmp_path, 400)
    soundfile.write(track.track.path("rest"), -ramp(0, 400, 2) / 32768, RATE, "PCM_16")
    batch = sampler(tracks(tmp_path), channels=2, shuffle="none").batch(0, 0, slice(1))
    np.testing.assert_array_equal(batch[0, 0], np.repeat(expected([(0, 0)])[0, 0], 2, -1))
    np.testing.assert_array_equal(batch[0, 1], expected([(0, 0)], 2)[0, 1])


def test_behind_the_end_there_is_silence(tmp_path):
    found = tracks(tmp_path, 400)
    made = sampler(found)
    cut = made.cut(Place(found[0], 370), 1, LENGTH)
    assert cut.shape == (LENGTH, 1)
    np.testing.assert_array_equal(cut[:30], -ramp(0, 400)[370:] / 32768)
    assert not cut[30:].any()
    assert str(Place(found[0], 370)) == f"{tmp_path}/track0 at 0.05 s"


@pytest.mark.parametrize(("per_track", "count"), [(0, 6), (1, 2)])
def test_too_few_windows_for_a_batch_are_an_error(tmp_path, per_track, count):
    found = tracks(tmp_path, 400, 180)
    with pytest.raises(ValueError, match=f"{count + 1} is more than the {count} windows of all tracks"):
        sampler(found, per_track=per_track, batch_size=count + 1)
    assert sampler(found, per_track=per_track, batch_size=count).steps == 1
    assert sampler(found, sampling="random", steps=2, batch_size=count + 1).steps == 2


def gone(path):
    path.unlink()


def cut_in_half(path):
    os.truncate(path, path.stat().st_size // 2)


def cut_to_nothing(path):
    os.truncate(path, 0)


def replaced_by_a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [gone, cut_in_half, cut_to_nothing, replaced_by_a_folder])
@pytest.mark.parametrize("part", ["instrument", "rest"])
def test_a_file_that_goes_away_is_named(tmp_path, harm, part):
    found = tracks(tmp_path, 400, 4000)
    made = sampler(found, shuffle="none", batch_size=4)
    last = made.steps - 1
    made.batch(0, last)
    path = found[1].track.path(part)
    harm(path)
    with pytest.raises(TrackError) as caught:
        made.batch(0, last)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    made.batch(0, 0)  # of the track that is still there
    with pytest.raises(TrackError):
        Batches(made, 0, 0, made.steps)[last]


def test_batches_are_those_of_the_sampler(tmp_path):
    made = sampler(tracks(tmp_path, 4000, 4000), batch_size=2)
    batches = Batches(made, 3, 5, 12)
    assert len(batches) == 7
    for index in (0, 6):
        np.testing.assert_array_equal(batches[index], made.batch(3, 5 + index))
    half = Batches(made, 3, 5, 12, slice(1, 2))
    np.testing.assert_array_equal(half[4], made.batch(3, 9)[1:])
    assert batches.failure is None


def test_batches_come_in_order_and_ahead(tmp_path):
    made = sampler(tracks(tmp_path, 4000), batch_size=2)
    for first, last in ((0, 20), (3, 5), (4, 4)):
        given = list(ahead(Batches(made, 1, first, last)))
        assert len(given) == last - first
        for step, batch in enumerate(given, first):
            np.testing.assert_array_equal(batch, made.batch(1, step))


class Slow:
    """Makes batches that are their own step; early ones take long, the one at `broken` fails."""

    def __init__(self, broken=None):
        self.broken, self.made, self.threads = broken, [], set()
        self.error = TrackError("song: its disk is gone")

    def batch(self, epoch, step, wanted):
        time.sleep(0.02 if step % 3 == 0 else 0.001)
        self.made.append(step)
        self.threads.add(threading.current_thread())
        if step == self.broken:
            raise self.error
        return epoch, step, wanted


def test_slow_batches_come_in_order_too():
    slow = Slow()
    batches = Batches(slow, 7, 2, 20, slice(3))
    assert list(ahead(batches)) == [(7, step, slice(3)) for step in range(2, 20)]
    assert sorted(slow.made) == list(range(2, 20))
    assert threading.current_thread() not in slow.threads


def test_only_a_few_are_made_ahead():
    slow = Slow()
    given = ahead(Batches(slow, 0, 0, 1000))
    assert next(given)[1] == 0
    while len(slow.made) < 2:
        time.sleep(0.01)
    time.sleep(0.2)  # for more than are allowed, if they are made
    assert len(slow.made) <= 1 + AHEAD + THREADS
    given.close()
    made = len(slow.made)
    time.sleep(0.1)
    assert len(slow.made) == made


@pytest.mark.slow
def test_batches_that_nobody_wants_any_more_are_not_made():
    class Waiting(Slow):
        def batch(self, epoch, step, wanted):
            self.made.append(step)
            if step:
                assert go_on.wait(600)
            return step

    go_on, waiting = threading.Event(), Waiting()
    given = ahead(Batches(waiting, 0, 0, 100))
    assert next(given) == 0
    end = time.monotonic() + 600
    while len(waiting.made) < 1 + THREADS and time.monotonic() < end:
        time.sleep(0.01)
    closing = threading.Thread(target=given.close)
    closing.start()
    time.sleep(1.0)
    go_on.set()
    closing.join(600)
    assert not closing.is_alive()
    assert sorted(waiting.made) == list(range(1 + THREADS))


def test_what_stops_a_batch_is_raised_in_its_place_and_kept():
    slow = Slow(broken=9)
    batches = Batches(slow, 0, 2, 30)
    given = []
    with pytest.raises(TrackError) as caught:
        for batch in ahead(batches):
            given.append(batch[1])
    assert given == list(range(2, 9))
    assert caught.value is slow.error
    assert batches.failure is slow.error
    assert max(slow.made) < 20


def test_parts_are_sums_of_files_or_silence(tmp_path):
    first, second = tracks(tmp_path, 400, 400)
    both = Material(first.track, (first.parts[0], (), first.parts[0] + second.parts[0]))
    made = sampler([both], shuffle="none")
    assert made.shape == (3, LENGTH, 1)
    batch = made.batch(0, 0, slice(1, 2))
    assert batch.shape == (1, 3, LENGTH, 1)
    np.testing.assert_array_equal(batch[0, 0], ramp(0, HOP + LENGTH)[HOP:] / 32768)
    assert not batch[0, 1].any()
    np.testing.assert_array_equal(batch[0, 2], (ramp(0, HOP + LENGTH) + ramp(1, HOP + LENGTH))[HOP:] / 32768)


def test_an_example_is_another_excerpt_of_the_first_source_and_changes_nothing_else(tmp_path):
    found = tracks(tmp_path, 4000, 4000)
    plain = sampler(found)
    made = Sampler(found, plain.windows, Augmentation(), LENGTH, HOP, 1, 0, example=True)
    starts = set()
    for step in range(6):
        windows, places = made.batch(0, step), made.places(0, step)
        assert windows.shape == (3, 3, LENGTH, 1)
        np.testing.assert_array_equal(windows[:, :2], plain.batch(0, step))
        np.testing.assert_array_equal(windows, made.batch(0, step))
        for place, excerpt in zip(places, windows[:, 2, :, 0] * 32768, strict=True):
            number, start = divmod(int(excerpt[0]), 5000)
            assert number == where(place)[0]
            np.testing.assert_array_equal(excerpt, ramp(number, start + LENGTH)[start:, 0])
            starts.add(start)
    assert len(starts) > 15


def named_material(root, number, *parts):
    """A track whose parts are constant: 100 times the part's number and the track's."""
    (root / f"track{number}").mkdir(parents=True)
    track = track_in(root / f"track{number}", parts)
    for part, path, _ in track.files:
        sound = np.full((4 * LENGTH, 1), 100 * (1 + FOUR.index(part)) + number) / 32768
        soundfile.write(path, sound, RATE)
    return Material(track, tuple((track.wave(part),) if part in parts else () for part in FOUR))


@pytest.mark.parametrize("remixed", [0, 1])
def test_each_of_many_parts_keeps_its_place_and_may_come_from_a_track_of_its_own(tmp_path, remixed):
    found = [named_material(tmp_path, number, *FOUR) for number in range(4)]
    found.append(named_material(tmp_path, 4, "drums", "other"))
    random = Windows(sampling="random", steps=100)
    made = Sampler(found, random, Augmentation(other_track=remixed), LENGTH, HOP, 1, 0)
    values = np.concatenate([made.batch(0, step) for step in range(made.steps)])[:, :, 0, 0] * 32768
    kinds, numbers = np.divmod(np.round(values).astype(int), 100)
    lacking = kinds == 0
    assert np.array_equal(np.where(lacking, [1, 2, 3, 4], kinds), np.tile([1, 2, 3, 4], (len(kinds), 1)))
    assert not lacking[:, [1, 3]].any() and lacking[:, [0, 2]].mean() == pytest.approx(0.2, abs=0.05)
    numbers[lacking] = 4
    alike = (numbers[:, 1:] == numbers[:, :1]).mean(0)
    assert alike == pytest.approx([0.2] * 3 if remixed else [1] * 3, abs=0.06)
    assert (numbers[:, 1] == numbers[:, 2]).mean() == pytest.approx(0.2 if remixed else 1, abs=0.06)
