"""Which parts of a track are scored for a system."""

import pytest

from evaluation import systems, targets
from evaluation.systems import MIXTURE
from splitstrument.stages.run import StageError
from splitstrument.tracks import PAIR, STEMS, Track


def track(*parts, name="song"):
    return Track(name, None, tuple((part, None, 0) for part in parts))


def system_of(name, *sources, whole=False, kind="model"):
    return systems.System(name, kind, "", sources=sources, whole=whole)


GUITAR, PIANO = system_of("g", "guitar"), system_of("p", "piano")


TWO, FOUR = (
    system_of("two", "vocals", "accompaniment", whole=True),
    system_of("four", "vocals", "drums", "bass", "other", whole=True),
)


NMF = system_of("nmf", "bass", "drums", "other", "vocals", kind="baseline")


def planned(system, tracks, *others, instrument=None):
    """{name: (truth, estimate, minus)} of what `system` is scored on, on the first track, beside others."""
    plan = targets.plan([MIXTURE, *others, system], tracks, instrument)
    return {t.name: (t.truth, t.estimate, t.minus) for t in plan.targets(system, tracks[0])}


def test_a_pair_s_instrument_is_what_a_model_takes_out_or_what_is_said():
    pair = track(*PAIR)
    expected = {"instrument": (("instrument",), "guitar", ()), "rest": (("rest",), "rest", ())}
    assert planned(GUITAR, [pair]) == expected
    assert planned(GUITAR, [pair], PIANO) == expected
    assert planned(TWO, [pair])["rest"] == (("rest",), "accompaniment", ())
    vocals = planned(FOUR, [pair], instrument="vocals")
    assert vocals == {"instrument": (("instrument",), "vocals", ()), "rest": (("rest",), "", ("vocals",))}
    backing = planned(TWO, [pair], instrument="accompaniment")
    assert backing["rest"] == (("rest",), "", ("accompaniment",))
    with pytest.raises(StageError, match="p: takes out piano; --instrument says guitar"):
        planned(PIANO, [pair], GUITAR, instrument="guitar")
    with pytest.raises(StageError, match="four: takes out vocals, drums, bass, other; use --instrument to say which"):
        planned(FOUR, [pair])


def test_every_part_that_is_shared_is_scored_and_what_is_left():
    songs = [track(*STEMS)]
    others = ("drums", "bass", "other")
    assert planned(TWO, songs) == {
        "vocals": (("vocals",), "vocals", ()),
        "accompaniment": (others, "accompaniment", ()),
    }
    assert planned(FOUR, songs) == {stem: ((stem,), stem, ()) for stem in STEMS}
    assert planned(MIXTURE, songs, TWO).keys() == {"vocals", "accompaniment"}
    assert planned(MIXTURE, songs, TWO, FOUR).keys() == {"accompaniment", *STEMS}
    # A baseline takes out whatever it is asked for, so it is also scored on what models leave.
    assert planned(NMF, songs).keys() == {*STEMS}
    assert planned(NMF, songs, TWO)["accompaniment"] == (others, "", ("vocals",))
    # Of the five stems that a model knows the track has one; the others are in what it leaves.
    mixed = track("guitar", "vocals", "rest")
    assert planned(FOUR, [mixed]) == {
        "vocals": (("vocals",), "vocals", ()),
        "rest": (("guitar", "rest"), "", ("vocals",)),
    }
    assert planned(system_of("both", "guitar", "vocals"), [mixed])["rest"] == (("rest",), "rest", ())
    assert planned(system_of("both", "guitar", "vocals"), [track("guitar", "vocals")]).keys() == {"guitar", "vocals"}


def test_what_is_left_of_two_songs_has_two_names():
    songs = [track("guitar", "piano", "rest")]
    assert planned(GUITAR, songs) == {
        "guitar": (("guitar",), "guitar", ()),
        "rest": (("piano", "rest"), "rest", ()),
    }
    assert [*planned(GUITAR, songs, PIANO)] == ["guitar", "rest without guitar"]
    assert [*planned(PIANO, songs, GUITAR)] == ["piano", "rest without piano"]
    assert [*planned(MIXTURE, songs, GUITAR, PIANO)] == [
        "guitar", "rest without guitar", "piano", "rest without piano"
    ]  # fmt: skip
    both = system_of("both", "guitar", "piano")
    assert planned(both, songs, GUITAR)["rest"] == (("rest",), "rest", ())
    assert [*planned(GUITAR, songs, both)] == ["guitar", "rest without guitar"]
    # The same sounds have one name, whatever two models call them.
    assert [*planned(system_of("v", "vocals"), [track(*STEMS)], TWO)] == ["vocals", "accompaniment"]
    plan = targets.plan([MIXTURE, GUITAR, PIANO], songs)
    assert plan.left(songs[0]) == {"rest without guitar": ("guitar",), "rest without piano": ("piano",)}
    assert targets.plan([GUITAR], [track(*PAIR)]).left(track(*PAIR)) == {}


def test_tracks_may_have_different_parts():
    songs = [track("guitar", "rest", name="a"), track("piano", "rest", name="b")]
    plan = targets.plan([MIXTURE, GUITAR, PIANO], songs)
    names = [[t.name for t in plan.targets(system, song)] for song in songs for system in (MIXTURE, GUITAR, PIANO)]
    assert names == [["guitar", "rest"]] * 2 + [[]] + [["piano", "rest"], [], ["piano", "rest"]]


def test_what_tracks_and_models_do_not_share_is_told():
    with pytest.raises(StageError, match="g: takes out guitar; the tracks have drums, bass, other, vocals"):
        planned(GUITAR, [track(*STEMS)], TWO)
    # What a model leaves of a song is not what tracks call so.
    with pytest.raises(StageError, match="two: takes out piano, other; the tracks have drums"):
        planned(system_of("two", "piano", "other", whole=True), [track(*STEMS)])
    with pytest.raises(StageError, match="--instrument only works with pairs; these tracks have named parts: drums"):
        planned(TWO, [track(*STEMS)], instrument="vocals")
    with pytest.raises(StageError, match="has named parts; use a folder with only one kind"):
        planned(GUITAR, [track(*PAIR), track("guitar", "rest")])
