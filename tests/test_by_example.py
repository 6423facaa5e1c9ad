"""Runs by example: each part of the tracks is the source in turn, and the example is a part of the same name."""

import numpy as np
import pytest

from splitstrument.tracks import TrackError
from tests import runs, tiny
from tests.runs import RATE, write_run, write_track
from training import config
from training.config import Augmentation, Windows
from training.sampler import Sampler
from training.selection import select

LENGTH = 800
PARTS = {"first": ("bass", "drums", "guitar", "other"), "second": ("bass", "guitar"), "third": ("drums", "guitar")}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    for number, (name, parts) in enumerate(PARTS.items()):
        write_track(root / "songs", name, parts, seed=number)
    return root


def run(**fields):
    fields = {"by_example": True, "collections": [{"pairs": "songs", "validation": ["third"]}]} | fields
    return config.Run(name="like", instrument="like", network="conditioned_unet", sample_rate=RATE, **fields)


def sampler(found, **augmentation):
    windows = Windows(sampling="random", steps=60, batch_size=4)
    return Sampler(found, windows, Augmentation(**augmentation), LENGTH, LENGTH, 1, 0, example=True)


def test_every_part_with_a_name_of_its_own_is_the_source_once(data):
    selected = select(run(), data, LENGTH)
    made = {(material.name, material.kind): material for material in selected.training}
    assert set(made) == {("first", "bass"), ("first", "drums"), ("first", "guitar"), ("second", "bass")} | {
        ("second", "guitar")
    }
    assert {(material.name, material.kind) for material in selected.validation} == {
        ("third", "drums"), ("third", "guitar")
    }  # fmt: skip
    for (name, kind), material in made.items():
        (wanted,), rest = material.parts
        assert wanted.path.name == f"{kind}_{name}.wav"
        assert {wave.path.name for wave in rest} == {f"{part}_{name}.wav" for part in PARTS[name] if part != kind}
    # A part of a track of many parts is the source less often than of one of few. Drums are 1/3 of the one track's
    # parts, guitars 1/3 + 1/2: with the square roots of that, they are 1 : 1.58 instead of 1 : 2.5.
    weights = {each: material.weight for each, material in made.items()}
    assert weights["second", "bass"] == pytest.approx(1.5 * weights["first", "bass"])
    guitars = weights["first", "guitar"] + weights["second", "guitar"]
    assert guitars / weights["first", "drums"] == pytest.approx(2.5**0.5)
    assert not selected.left_out


def test_examples_are_of_the_same_name_in_any_track(data):
    made = sampler(select(run(), data, LENGTH).training)
    seen = set()
    for step in range(30):
        windows = made.batch(0, step)
        assert windows.shape == (4, 3, LENGTH, 1)
        for place, (wanted, _, example) in zip(made.places(0, step), windows, strict=True):
            material = place.track
            np.testing.assert_array_equal(wanted, made.cut(place, 0, LENGTH))
            seen.add((material.name, material.kind, origin(made, example, material.kind)))
    assert ("first", "guitar", "second") in seen and ("second", "guitar", "first") in seen
    assert ("first", "guitar", "first") in seen
    assert all(track is not None for _, _, track in seen)


def origin(made, example, kind):
    """The track whose part of this name `example` is cut from."""
    for material in made.kinds[kind]:
        whole = material.parts[0][0].read(0, material.samples).mean(1)
        for start in np.flatnonzero(np.isclose(whole[: len(whole) - LENGTH + 1], example[0, 0], atol=1e-7)):
            if np.allclose(whole[start : start + LENGTH], example[:, 0], atol=1e-7):
                return material.name
    return None


def test_of_a_wrong_example_nothing_is_to_be_taken_out(data):
    found = select(run(), data, LENGTH).training
    right, wrong = sampler(found), sampler(found, wrong_example=1.0)
    seen = set()
    for step in range(30):
        pairs = zip(right.batch(0, step), wrong.batch(0, step), right.places(0, step), strict=True)
        for (wanted, rest, _), (nothing, everything, example), place in pairs:
            kinds = set(PARTS[place.track.name])
            if kinds >= {"bass", "drums", "guitar"}:  # there is no part that it lacks
                np.testing.assert_array_equal(nothing, wanted)
                continue
            assert not nothing.any()
            np.testing.assert_allclose(everything, wanted + rest, atol=1e-6)
            assert origin(wrong, example, "drums")
            seen.add(place.track.name)
    assert seen == {"second"}


def test_an_example_may_be_of_the_track_itself(data):
    made = sampler(select(run(), data, LENGTH).training, own_example=1.0)
    for step in range(10):
        for place, (_, _, example) in zip(made.places(0, step), made.batch(0, step), strict=True):
            assert origin(made, example, place.track.kind) == place.track.name


def test_another_track_never_brings_the_part_that_is_wanted(data):
    found = select(run(collections=[{"pairs": "songs", "validation": ["first"]}]), data, LENGTH).training
    made = sampler(found, other_track=1.0)
    named = {material.name: material for material in found}
    seen = set()
    for step in range(30):
        for place, (wanted, rest, _) in zip(made.places(0, step), made.batch(0, step), strict=True):
            np.testing.assert_array_equal(wanted, made.cut(place, 0, LENGTH))
            others = [name for name, parts in PARTS.items() if place.track.kind not in parts and name in named]
            own = made.cut(place, 1, LENGTH)
            if np.array_equal(rest, own):  # no other track was found
                continue
            assert others and place.track.kind != "guitar"  # which both tracks have
            seen.add(place.track.kind)
    assert seen == {"bass", "drums"}


def test_what_does_not_fit_is_told(data, tmp_path):
    runs.write_pairs(tmp_path)
    with pytest.raises(TrackError, match="is a pair of instrument and rest; a run by example needs tracks of named"):
        select(run(collections=[{"pairs": "songs"}]), tmp_path, LENGTH)
    with pytest.raises(ValueError, match="by_example: needs instrument"):
        config.Run(name="x", sources=("a", "b"), network="x", collections=[{"pairs": "songs"}], by_example=True)
    with pytest.raises(ValueError, match="second_instrument would add another kind of instrument; leave it out"):
        run(augmentation={"second_instrument": 0.2})
    path = write_run(tmp_path / "run.yaml", network="tfc_tdf", options=tiny.OPTIONS["tfc_tdf"], by_example=True)
    with pytest.raises(ValueError, match="by_example: .*conditioned_unet"):
        config.load(path)


@pytest.mark.slow
def test_a_run_by_example_trains_and_separates(data, tmp_path):
    from splitstrument import Separator
    from training.train import main

    options = {"fft_length": 128, "frames": 8, "example_frames": 8, "depth": 2, "filters": 4}
    path = write_run(
        tmp_path / "run.yaml",
        name="like",
        instrument="like",
        network="conditioned_unet",
        options=options,
        by_example=True,
        collections=[{"pairs": "songs", "validation": ["third"]}],
        windows={"sampling": "random", "steps": 4, "batch_size": 2},
        augmentation={"wrong_example": 0.3},
        epochs=1,
    )
    assert main([str(path), "--pairs", str(data), "--output", str(tmp_path / "runs")]) == 0
    song = np.random.default_rng(0).normal(0, 0.1, (RATE, 1)).astype(np.float32)
    parts = Separator(tmp_path / "runs/like", example=(song, RATE)).separate(song, RATE)
    np.testing.assert_allclose(parts["like"] + parts["rest"], song, atol=1e-6)
