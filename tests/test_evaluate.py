"""Evaluation: what tracks and systems there are, scores by hand, and the command from pairs to tables and pictures."""

import csv
import json
import os
import shutil

import numpy as np
import pytest
import soundfile
import yaml

from evaluation import evaluate, results, scoring, systems, targets
from evaluation.metrics import BLOCK
from evaluation.scoring import MEASURES, score
from evaluation.systems import MIXTURE, ORACLES, find_systems
from evaluation.targets import Target
from splitstrument import Separator, models
from splitstrument.__main__ import main
from splitstrument.files.audio import AudioError
from splitstrument.models import ModelError
from splitstrument.stages.run import StageError
from splitstrument.tracks import PAIR, STEMS, Track, TrackError, find_pairs, find_tracks
from tests import audio_files, tiny

RATE = 8000
OTHERS = ["mixture", "ideal ratio mask", "ideal binary mask"]


def sound(seed, seconds=3.0, channels=1, level=0.03, rate=RATE):
    """Noise that swells and fades, dull where the seed is odd: float32 (samples, channels)."""
    samples = int(seconds * rate)
    noise = np.random.default_rng(seed).normal(0, level, (samples + 3, channels))
    noise = noise[3:] + noise[:-3] + noise[1:-2] + noise[2:-1] if seed % 2 else noise[3:]
    return (noise * (1.2 + np.sin(np.arange(samples) / 900 + seed))[:, None]).astype(np.float32)


def write_wav(path, samples, rate=RATE, subtype="FLOAT"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype)
    return path


def write_pair(root, name, instrument, rest, rate=RATE):
    write_wav(root / name / f"instrument_{name}.wav", instrument, rate)
    write_wav(root / name / f"rest_{name}.wav", rest, rate)
    return root


def write_pairs(root, count=2, seconds=3.0):
    for number in range(count):
        write_pair(root, f"song{number}", sound(2 * number, seconds), sound(2 * number + 1, seconds))
    return root


def write_stems(root, name, stems=STEMS):
    for number, stem in enumerate(stems):
        write_wav(root / name / f"{stem}.wav", sound(number, 0.5))
    return root


def write_parts(root, name, *parts, seconds=0.5):
    """A track of named parts, each of which has its own sound wherever it is."""
    for part in parts:
        write_wav(root / name / f"{part}_{name}.wav", sound(sum(part.encode()) % 97, seconds))
    return root


def command(pairs, output, *arguments, jobs="1", excerpts="0"):
    """The exit code of the command."""
    given = ["evaluate", *arguments, "--pairs", pairs, "--output", output, "--jobs", jobs, "--excerpts", excerpts]
    return main([str(argument) for argument in given])


def found_in(folder):
    """The Evaluation in the folder "output" of `folder`."""
    return results.read(folder / "output" / results.FILE)


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small model of guitar, called "small"."""
    return tiny.model(tmp_path_factory.mktemp("models") / "small", graph=True)


def another(model, folder, **card):
    """A copy of a model with other words on its card: its path as text."""
    shutil.copytree(model, folder)
    fields = yaml.safe_load((model / "model.yaml").read_text()) | {"name": folder.name} | card
    (folder / "model.yaml").write_text(yaml.safe_dump(fields))
    return str(folder)


@pytest.fixture(scope="module")
def singer(tmp_path_factory):
    """A small model that takes whole songs apart, into vocals and accompaniment."""
    folder = tmp_path_factory.mktemp("models") / "singer"
    return tiny.model(folder, seed=3, sources=("vocals", "accompaniment"), whole=True, graph=True)


@pytest.fixture(scope="module")
def band(tmp_path_factory):
    """A small model that takes out two instruments."""
    return tiny.model(tmp_path_factory.mktemp("models") / "band", seed=4, sources=("piano", "guitar"), graph=True)


@pytest.fixture
def one_precision(monkeypatch):
    """Models in float32 each time, whatever is quicker at that moment."""
    monkeypatch.setattr("splitstrument.backend.processor_bfloat16", lambda: "")
    systems._separator.cache_clear()


@pytest.fixture
def unseen(monkeypatch):
    """Without pictures, which take most of the time."""
    monkeypatch.setattr(evaluate, "draw", lambda output, evaluation: None)


@pytest.fixture
def separated(monkeypatch):
    """The names of the systems that have separated anything, one by one."""
    names, separate = [], systems.System.separate

    def noted(self, *arguments):
        names.append(self.name)
        return separate(self, *arguments)

    monkeypatch.setattr(systems.System, "separate", noted)
    return names


# Tracks


def test_pairs_are_tracks_of_two_parts_in_the_order_of_pairs(tmp_path):
    write_pairs(tmp_path, 3)
    tracks = find_tracks(tmp_path)
    assert [track.name for track in tracks] == [pair.name for pair in find_pairs(tmp_path)]
    assert all(track.parts == ("instrument", "rest") for track in tracks)
    (first,) = (track for track in tracks if track.name == "song0")
    parts, rate = first.read()
    assert rate == RATE and parts["rest"].dtype == np.float32
    np.testing.assert_array_equal(parts["instrument"], sound(0))
    np.testing.assert_array_equal(parts["rest"], sound(1))


def test_folders_of_four_stems_are_tracks(tmp_path):
    write_stems(tmp_path / "test", "Otters - Creek", (*STEMS, "mixture"))
    write_stems(tmp_path / "test", "without drums", STEMS[1:])
    track, lacking = find_tracks(tmp_path)
    assert (track.name, track.parts) == ("Otters - Creek", STEMS)
    with pytest.raises(AudioError, match="without drums/drums.wav: cannot be opened: no such file"):
        lacking.read()
    parts, _ = track.read()
    for number, stem in enumerate(STEMS):
        np.testing.assert_array_equal(parts[stem], sound(number, 0.5))


def test_stem_files_are_tracks_whose_first_stream_is_not_read(tmp_path):
    stems = [audio_files.song(0.5, seed=seed) for seed in range(1, 5)]
    (tmp_path / "test").mkdir()
    audio_files.write_av(tmp_path / "test/Otters - Creek.stem.mp4", [sum(stems), *stems], container="mp4")
    (track,) = find_tracks(tmp_path)
    assert (track.name, track.parts) == ("Otters - Creek", STEMS)
    parts, rate = track.read()
    assert rate == 44100
    for stem, truth in zip(STEMS, stems, strict=True):
        assert np.corrcoef(parts[stem][5000:, 0], truth[5000:, 0])[0, 1] > 0.95


def test_without_panning_a_track_is_the_mean_of_its_channels(tmp_path):
    left, right = sound(0), sound(2)
    write_pair(tmp_path, "a", np.hstack([left, right]), np.hstack([right, right]))
    parts, _ = find_tracks(tmp_path)[0].read(remove_panning=True)
    assert all(part.shape == left.shape for part in parts.values())
    np.testing.assert_allclose(parts["instrument"], (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize(
    ("rest", "rate", "words"),
    [
        (sound(1, 2.5), RATE, "has 20000 samples, instrument_a.wav has 24000"),
        (sound(1), 11025, "has 11025 Hz, instrument_a.wav has 8000"),
        (sound(1, channels=2), RATE, "has 2 channels, instrument_a.wav has 1"),
    ],
)
def test_parts_that_do_not_fit_are_told(tmp_path, rest, rate, words):
    write_pair(tmp_path, "a", sound(0), sound(1))
    write_wav(tmp_path / "a/rest_a.wav", rest, rate)
    with pytest.raises(TrackError, match=f"rest_a.wav: {words}"):
        find_tracks(tmp_path)[0].read()


def test_a_cut_file_is_not_scored_as_if_it_were_whole(tmp_path):
    (track,) = find_tracks(write_pairs(tmp_path, 1))
    for part in ("instrument", "rest"):
        os.truncate(tmp_path / f"song0/{part}_song0.wav", 60000)
    with pytest.raises(AudioError, match="the file is cut"):
        track.read()


def test_folders_that_cannot_be_scored_are_refused(tmp_path):
    with pytest.raises(TrackError, match="no such folder"):
        find_tracks(tmp_path / "none")
    with pytest.raises(TrackError, match="no tracks below"):
        find_tracks(tmp_path)
    write_stems(tmp_path / "one", "a")
    write_stems(tmp_path / "other", "a")
    with pytest.raises(
        TrackError, match="one/a and .*other/a have the same name; choose one of their folders: .*/one or .*/other$"
    ):
        find_tracks(tmp_path)
    shutil.rmtree(tmp_path / "other")
    write_pair(tmp_path / "other", "b", sound(0, 0.1), sound(1, 0.1))
    with pytest.raises(TrackError, match="has tracks with named parts .* and songs with four stems .*; give"):
        find_tracks(tmp_path)
    write_pair(tmp_path / "one/tracks_22050hz", "b", sound(0, 0.1), sound(1, 0.1))
    shutil.rmtree(tmp_path / "one/a")
    with pytest.raises(TrackError, match="have the same name"):
        find_tracks(tmp_path)


# Systems


@pytest.mark.parametrize(("wrong", "meant"), [("harmonik", "harmonic"), ("guitarr", "guitar"), ("nfm", "nmf")])
def test_the_nearest_model_or_baseline_is_suggested(wrong, meant):
    with pytest.raises(ModelError, match=f"no model or baseline is called '{wrong}'; did you mean {meant}\\?"):
        find_systems([wrong])


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(ModelError, match="holds no model"):
        find_systems([str(tmp_path)])


@pytest.mark.slow
def test_baselines_take_out_what_models_do_or_what_tracks_name(tmp_path, model):
    bass = another(model, tmp_path / "bass", sources=["bass"])
    assert [system.name for system in find_systems([bass, "harmonic"])] == [*OTHERS, "bass", "harmonic"]
    assert {system.sources for system in find_systems([bass, "harmonic"])[3:]} == {("bass",)}
    assert find_systems(["harmonic"])[3].sources == ("guitar",)
    assert find_systems(["harmonic"], instrument="drums")[3].sources == ("drums",)
    assert find_systems([bass, "harmonic"], STEMS)[4].sources == STEMS
    assert find_systems([bass, "harmonic"], ("guitar", "piano", "rest"))[4].sources == ("guitar", "piano")
    with pytest.raises(StageError, match="harmonic: use --instrument to say what it should take out of these pairs"):
        find_systems([str(model), bass, "harmonic"])


@pytest.mark.slow
def test_a_thorough_model_is_scored_beside_itself(model, one_precision):
    mixture = sound(0, 4)
    once, averaged = find_systems([str(model)], thorough=True)[3:]
    assert [once.name, averaged.name] == ["small", "small, thorough"]
    asked = {"instrument": mixture, "rest": mixture}, [Target("instrument", ("instrument",), "guitar")]
    for system, thorough in ((once, False), (averaged, True)):
        found = system.separate(mixture, RATE, *asked)["instrument"]
        np.testing.assert_allclose(found, Separator(model, thorough=thorough).separate(mixture, RATE)["guitar"])
    assert np.abs(found - once.separate(mixture, RATE, *asked)["instrument"]).max() > 1e-5


def test_two_runs_of_one_name_are_told_apart_and_one_given_twice_is_one(tmp_path, model):
    runs = [another(model, tmp_path / folder / "tones") for folder in ("monday", "tuesday")]
    assert [system.name for system in find_systems(runs)[3:]] == runs
    assert [system.name for system in find_systems([runs[0], "nmf", runs[0]])[3:]] == ["tones", "nmf"]
    with pytest.raises(StageError, match="nmf: two systems would have this name"):
        find_systems([another(model, tmp_path / "nmf"), "nmf"])


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


# What a system is scored on


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


# Scores


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


# The command


@pytest.fixture(scope="module")
def scored(tmp_path_factory, model):
    """Three pairs, one of them without the instrument, scored once with a model and a baseline: the folders."""
    root = tmp_path_factory.mktemp("scored")
    write_pairs(root / "pairs", 2)
    write_pair(root / "pairs", "without", 0 * sound(0), sound(5))
    assert command(root / "pairs", root / "output", model, "frequency", excerpts="1") == 0
    return root


def test_the_command_writes_what_it_found(scored):
    evaluation = found_in(scored)
    assert [system.name for system in evaluation.systems] == [*OTHERS, "small", "frequency"]
    assert (evaluation.tracks, evaluation.metrics, evaluation.remove_panning) == (3, "own", False)
    assert evaluation.hours == pytest.approx(9 / 3600, abs=1e-4)
    assert evaluation.command.startswith("splitstrument evaluate ") and "--jobs 1" in evaluation.command
    *others, small, frequency = evaluation.systems
    assert small.card.network == "tfc_tdf" and small.parameters > 1000 and small.training is None
    assert small.speed > 0 and frequency.speed > 0 and others[0].speed is None
    for system in evaluation.systems:
        assert sorted(system.tracks) == ["song0", "song1", "without"]
        assert system.summary == results.summarise(system.tracks)
        assert system.summary["instrument"].silent_references == 1
        assert system.summary["rest"].measures["sir"].tracks == 2
    median = {system.name: system.summary["rest"].measures["plain_sdr"].median for system in evaluation.systems}
    assert median["ideal ratio mask"] > median["mixture"] + 3


def test_no_figure_is_nan_or_infinite(scored):
    text = (scored / "output/evaluation.yaml").read_text() + (scored / "output/evaluation.csv").read_text()
    assert not [word for word in ("nan", "inf") if word in text.lower().replace("instrument", "")]


def test_the_tables_say_the_same(scored):
    evaluation = found_in(scored)
    every, summary = rows(scored / "output/evaluation.csv"), rows(scored / "output/scores.csv")
    assert len(every) == 5 * 3 * 2 and len(summary) == 5 * 2 * len(MEASURES)
    known = {(system.name, part): system.summary[part] for system in evaluation.systems for part in system.summary}
    for row in summary:
        own = [each for each in every if (each["system"], each["part"]) == (row["system"], row["part"])]
        values = [float(each[row["measure"]]) for each in own if each[row["measure"]]]
        assert int(row["tracks"]) == len(values)
        if not values:  # nothing leaks into a part that is never silent
            assert row["measure"] == "leak" and row["median"] == row["mean"] == ""
            continue
        figures = [float(row[name]) for name in ("lower_quartile", "median", "upper_quartile")]
        np.testing.assert_allclose(figures, np.percentile(values, (25, 50, 75)), atol=1e-4)
        assert float(row["median"]) == known[row["system"], row["part"]].measures[row["measure"]].median
    tables = (scored / "output/scores.md").read_text()
    median = known["small", "rest"].measures["sdr"].median
    (line,) = (line for line in tables.split("rest, median")[1].splitlines() if line.startswith("| small"))
    assert f" {median:.2f} " in line and "instrument, median in dB" in tables


def test_pictures_and_excerpts_are_kept(scored):
    output = scored / "output"
    first = find_tracks(scored / "pairs")[0].name
    kept = {str(path.relative_to(output / "excerpts")) for path in (output / "excerpts").rglob("*") if path.is_file()}
    sounds = {f"{first}/{name}.flac" for name in ("mixture", "instrument", "rest")}
    sounds |= {
        f"{first}/{name}/{part}.flac" for name in [*OTHERS[1:], "small", "frequency"] for part in ("instrument", "rest")
    }
    assert kept == sounds | {f"{first}/small/instrument.{suffix}" for suffix in ("png", "svg")}
    for path in (output / "distributions", output / "excerpts" / first / "small" / "instrument"):
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
        assert b"<svg" in path.with_suffix(".svg").read_bytes()[:1000]
    parts = [
        soundfile.read(output / "excerpts" / first / f"{part}.flac")[0] for part in ("instrument", "rest", "mixture")
    ]
    np.testing.assert_allclose(parts[0] + parts[1], parts[2], atol=2e-4)


def test_given_again_nothing_is_computed_and_nothing_changes(scored, model, unseen, separated, capsys):
    output = scored / "output"
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    assert command(scored / "pairs", output, model, "frequency", excerpts="1") == 0
    assert separated == []
    assert "tracks: 0 done, 3 already there" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before


def test_other_settings_into_the_same_folder_are_refused(scored, unseen, separated, capsys):
    before = (scored / "output/evaluation.yaml").read_bytes()
    for option in ("--remove-panning", "--reference-metrics"):
        assert command(scored / "pairs", scored / "output", "frequency", option) == 2
        error = capsys.readouterr().err
        assert "was made with other settings" in error and error.count("\n") == 1
    assert separated == [] and (scored / "output/evaluation.yaml").read_bytes() == before


def test_json_is_all_of_standard_output(scored, model, unseen, tmp_path, capsys):
    shutil.copytree(scored / "output", tmp_path / "output")
    assert command(scored / "pairs", tmp_path / "output", model, "frequency", "--json") == 0

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    printed = json.loads(capsys.readouterr().out, parse_constant=refuse)
    written = yaml.safe_load((tmp_path / "output/evaluation.yaml").read_text())
    assert printed == written


def test_mir_eval_agrees(scored, unseen, tmp_path):
    assert command(scored / "pairs/song0", tmp_path / "output", "frequency", "--reference-metrics") == 0
    theirs, ours = found_in(tmp_path), found_in(scored)
    assert theirs.metrics == "mir_eval"
    by_name = {system.name: system.tracks for system in ours.systems}
    for system in theirs.systems:
        for track, parts in system.tracks.items():
            for part, scores in parts.items():
                assert scores == pytest.approx(by_name[system.name][track][part], abs=2e-3)


def test_two_processes_find_the_same(scored, unseen, tmp_path):
    assert command(scored / "pairs", tmp_path / "output", "frequency", jobs="2") == 0
    alone = {system.name: system.tracks for system in found_in(scored).systems}
    together = {system.name: system.tracks for system in found_in(tmp_path).systems}
    assert together == {name: tracks for name, tracks in alone.items() if name != "small"}


def test_a_stop_half_way_goes_on_there(tmp_path, model, unseen, separated, monkeypatch, capsys):
    pairs = write_pairs(tmp_path / "pairs", 2, 0.5)
    noted = systems.System.separate

    def stopped(self, *arguments):
        if len(separated) == 5:  # in the second track, at its second system
            raise KeyboardInterrupt
        return noted(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(systems.System, "separate", stopped)
        assert command(pairs, tmp_path / "output", model) == 130
    assert "stopped; run the command again to continue" in capsys.readouterr().err
    assert separated == [*OTHERS, "small", "mixture"] and not (tmp_path / "output/evaluation.yaml").exists()
    separated.clear()
    assert command(pairs, tmp_path / "output", model) == 0
    assert separated == [*OTHERS[1:], "small"]
    assert found_in(tmp_path).tracks == 2


@pytest.mark.slow
def test_what_has_changed_is_scored_anew(tmp_path, model, unseen, separated):
    pairs, model = write_pairs(tmp_path / "pairs", 2, 0.5), another(model, tmp_path / "small")
    assert command(pairs, tmp_path / "output", model) == 0
    before = found_in(tmp_path)

    separated.clear()
    write_pair(pairs, "song1", sound(7, 0.5), sound(8, 0.5))
    assert command(pairs, tmp_path / "output", model) == 0
    assert separated == [*OTHERS, "small"]
    after = found_in(tmp_path)
    for old, new in zip(before.systems, after.systems, strict=True):
        assert new.tracks["song0"] == old.tracks["song0"] and new.tracks["song1"] != old.tracks["song1"]

    separated.clear()
    models.save(tiny.network("tfc_tdf", seed=5), models.read_card(model), model)
    assert command(pairs, tmp_path / "output", model) == 0
    assert separated == ["small", "small"]
    retrained = found_in(tmp_path)
    assert retrained.systems[0] == after.systems[0]
    assert retrained.systems[3].tracks["song0"] != after.systems[3].tracks["song0"]


@pytest.mark.slow
def test_another_model_is_added_without_scoring_the_others_again(scored, model, unseen, separated, tmp_path):
    shutil.copytree(scored / "output", tmp_path / "output")
    second = str(tiny.model(tmp_path / "another", seed=7))
    assert command(scored / "pairs", tmp_path / "output", second, "frequency") == 0
    assert separated == ["another"] * 3
    assert [system.name for system in found_in(tmp_path).systems] == [*OTHERS, "another", "frequency"]


def test_half_an_evaluation_is_told_and_made_anew(scored, model, unseen, separated, tmp_path):
    shutil.copytree(scored / "output", tmp_path / "output")
    path = tmp_path / "output/evaluation.yaml"
    whole = path.read_bytes()
    halves = [whole[: int(len(whole) * share)] for share in (0.1, 0.3, 0.5, 0.7, 0.9, 0.999)]
    halves += [whole[: whole.index(b"- name: " + name.encode())] for name in OTHERS[1:]]  # whole lines, valid YAML
    for content in (*halves, b"", b"tracks: 3\n", b"- 1\n", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="evaluation.yaml: ") as caught:
            results.read(path)
        assert "\n" not in str(caught.value)
    assert command(scored / "pairs", tmp_path / "output", model, "frequency") == 0
    assert separated == [] and results.read(path).systems == found_in(scored).systems
    with pytest.raises(ValueError, match="cannot be opened"):
        results.read(tmp_path / "none.yaml")


def test_records_that_cannot_be_read_are_made_anew(tmp_path, unseen, separated):
    pairs = write_pairs(tmp_path / "pairs", 2, 0.5)
    assert command(pairs, tmp_path / "output", "frequency") == 0
    whole = found_in(tmp_path)
    for content in ("", "{", "[]", "null", "{}", "\0"):
        separated.clear()
        scoring.record_path(tmp_path / "output", find_tracks(pairs)[0]).write_text(content)
        assert command(pairs, tmp_path / "output", "frequency") == 0
        assert separated == [*OTHERS, "frequency"]
    again = found_in(tmp_path)
    assert [system.tracks for system in again.systems] == [system.tracks for system in whole.systems]


def test_a_broken_track_fails_alone(tmp_path, unseen, capsys):
    pairs = write_pairs(tmp_path / "pairs", 3, 0.5)
    os.truncate(pairs / "song1/rest_song1.wav", 9000)
    assert command(pairs, tmp_path / "output", "frequency") == 1
    printed = capsys.readouterr().out
    assert "failed: song1: " in printed and "the file is cut" in printed and "2 done" in printed
    assert sorted(found_in(tmp_path).systems[0].tracks) == ["song0", "song2"]
    assert command(pairs, tmp_path / "output", "frequency", "--json") == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["tracks"] == 2 and "song1: " in captured.err
    for name in ("song0", "song2"):
        (pairs / name / f"rest_{name}.wav").write_bytes(b"no sound at all" * 9)
    assert command(pairs, tmp_path / "output", "frequency") == 1
    assert "0 done, 0 already there, 0 skipped, 3 failed" in capsys.readouterr().out


def test_a_model_is_known_by_its_weights(scored, model, unseen, separated, tmp_path):
    """By another name, from another folder, it is the same; retrained, it is not (see above)."""
    shutil.copytree(scored / "output", tmp_path / "output")
    renamed = another(model, tmp_path / "renamed", training="told in other words")
    assert command(scored / "pairs", tmp_path / "output", renamed, "frequency") == 0
    assert separated == []
    by_name = {system.name: system for system in found_in(tmp_path).systems}
    assert [*by_name] == [*OTHERS, "renamed", "frequency"]
    assert by_name["renamed"].tracks == found_in(scored).systems[3].tracks


@pytest.mark.slow
def test_songs_of_four_stems(tmp_path, model, singer, unseen, one_precision):
    stems = write_stems(tmp_path / "stems", "Otters - Creek")
    alone = another(model, tmp_path / "alone", sources=["vocals"])
    four = tiny.model(tmp_path / "four", "spleeter", 8000, sources=("vocals", "drums", "bass", "other"), whole=True)
    assert command(stems, tmp_path / "output", singer, alone, four, "harmonic", excerpts="1") == 0
    evaluation = found_in(tmp_path)
    parts = {system.name: {*system.tracks["Otters - Creek"]} for system in evaluation.systems}
    expected = {"singer": {"vocals", "accompaniment"}, "alone": {"vocals", "accompaniment"}, "four": {*STEMS}}
    assert parts == dict.fromkeys([*OTHERS, "harmonic"], {*STEMS, "accompaniment"}) | expected
    takes = {system.name: system.sources for system in evaluation.systems}
    assert takes["singer"] == ("vocals", "accompaniment") and takes["harmonic"] == STEMS and takes["mixture"] == ()
    assert evaluation.left == {"accompaniment": ("vocals",)}
    tables = (tmp_path / "output/scores.md").read_text()
    assert tables.startswith("vocals, median in dB") and "\naccompaniment (all but vocals), median in dB" in tables
    (line,) = (x for x in tables.split("accompaniment (all")[1].splitlines() if x.startswith("| singer"))
    assert line.split("|")[2].strip() == "vocals, accompaniment"
    kept = {path.name for path in (tmp_path / "output/excerpts/Otters - Creek").glob("*.flac")}
    assert kept == {f"{name}.flac" for name in ("mixture", "accompaniment", *STEMS)}
    truth, rate = find_tracks(stems)[0].read()
    mixture = sum(truth.values())
    separated = Separator(singer).separate(mixture, rate)
    expected = score(truth, separated, mixture, left=evaluation.left)
    assert evaluation.systems[3].tracks["Otters - Creek"] == expected


@pytest.mark.slow
def test_tracks_of_named_parts_and_models_of_different_instruments(
    tmp_path, model, band, singer, unseen, one_precision, capsys
):
    songs = write_parts(tmp_path / "songs", "a", "guitar", "piano", "vocals", "rest")
    write_parts(songs, "b", "guitar", "rest")
    assert command(songs, tmp_path / "output", model, band, singer, "frequency", "--quick", "--json") == 0
    written = json.loads(capsys.readouterr().out)
    assert [system["sources"] for system in written["systems"][3:]] == [
        ["guitar"], ["piano", "guitar"], ["vocals", "accompaniment"], ["guitar", "piano", "vocals"]
    ]  # fmt: skip
    by_name = {system.name: system for system in found_in(tmp_path).systems}
    assert {track: [*parts] for track, parts in by_name["small"].tracks.items()} == {
        "a": ["guitar", "rest without guitar"],
        "b": ["guitar", "rest"],
    }
    assert [*by_name["band"].tracks["a"]] == ["guitar", "piano", "rest without guitar, piano"]
    assert [*by_name["band"].tracks["b"]] == ["guitar", "rest"]
    assert {track: [*parts] for track, parts in by_name["singer"].tracks.items()} == {"a": ["vocals", "accompaniment"]}
    for name in (*OTHERS, "frequency"):
        assert {*by_name[name].tracks["a"]} == {
            *("guitar", "piano", "vocals", "accompaniment", "rest without guitar", "rest without guitar, piano"),
            *(("rest",) if name == "frequency" or name in OTHERS else ()),
        }
    for system in by_name.values():
        for scores in system.tracks.values():
            assert all(values["sdr"] is None and values["plain_sdr"] is not None for values in scores.values())
    tables = (tmp_path / "output/scores.md").read_text()
    assert "plain SDR" in tables and " SAR " not in tables
    # What is left of a song, scored by hand: the song minus the estimate, against the song minus the truth.
    truth, rate = next(track for track in find_tracks(songs) if track.name == "a").read()
    mixture = sum(truth.values())
    parts = Separator(band).separate(mixture, rate)
    pair = {"instrument": truth["guitar"] + truth["piano"], "rest": truth["vocals"] + truth["rest"]}
    expected = score(pair, {"rest": parts["rest"]}, mixture, "none")["rest"]
    scored_rest = by_name["band"].tracks["a"]["rest without guitar, piano"]
    assert scored_rest["plain_sdr"] == pytest.approx(expected["plain_sdr"], abs=1e-3)
    assert scored_rest["level"] == pytest.approx(expected["level"], abs=1e-3)


def test_models_of_different_instruments_on_pairs(tmp_path, model, singer, band, unseen, capsys):
    pairs = write_pairs(tmp_path / "pairs", 1, 0.5)
    assert command(pairs, tmp_path / "output", model, singer, "--quick") == 0
    captured = capsys.readouterr()
    assert captured.err.count("note: ") == 1 and "small takes out guitar, singer takes out vocals; each" in captured.err
    assert {tuple(system.tracks["song0"]) for system in found_in(tmp_path).systems} == {PAIR}
    for arguments, words in {
        (model, singer, "--instrument", "vocals"): "small: takes out guitar; --instrument says vocals",
        (band,): "band: takes out piano, guitar; use --instrument to say which of them",
        (model, singer, "nmf"): "nmf: use --instrument to say what it should take out",
    }.items():
        assert command(pairs, tmp_path / "output", *arguments, "--quick") == 2
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1
    assert command(pairs, tmp_path / "output", model, band, "--instrument", "guitar", "--quick") == 0
    assert "note" not in capsys.readouterr().err
    assert [*found_in(tmp_path).systems[4].tracks["song0"]] == [*PAIR]


def test_only_what_is_missing_is_scored_when_a_model_of_another_part_comes(tmp_path, model, band, unseen, separated):
    songs = write_parts(tmp_path / "songs", "a", "guitar", "piano", "rest")
    assert command(songs, tmp_path / "output", model) == 0
    separated.clear()
    assert command(songs, tmp_path / "output", band) == 0
    assert separated == [*OTHERS, "band"]
    separated.clear()
    assert command(songs, tmp_path / "output", band) == 0
    assert separated == []


def test_a_model_of_what_the_stems_do_not_have_is_refused(tmp_path, model, capsys):
    stems = write_stems(tmp_path / "stems", "Otters - Creek")
    assert command(stems, tmp_path / "output", model) == 2
    assert "small: takes out guitar; the tracks have drums, bass, other, vocals" in capsys.readouterr().err


def test_what_cannot_begin_is_one_line(tmp_path, capsys):
    pairs = write_pairs(tmp_path / "pairs", 1, 0.1)
    (tmp_path / "file").write_text("")
    cases = {
        "no model or baseline is called": (pairs, tmp_path / "output", "x/y"),
        "no such folder": (tmp_path / "none", tmp_path / "output", "frequency"),
        "cannot be written": (pairs, tmp_path / "file/output", "frequency"),
    }
    for words, given in cases.items():
        assert command(*given) == 2
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["file", "pairs"]


def test_a_model_s_part_of_four_stems_is_scored_among_all_of_them():
    """As a baseline's is: so SIR and SAR stand side by side. Its rest is scored against the sum of the others."""
    truth = {stem: sound(number) for number, stem in enumerate(STEMS)}
    mixture = sum(truth.values())
    estimate = truth["vocals"] + 0.3 * truth["drums"] + 0.1 * sound(9)
    alone = score(truth, {"vocals": estimate, "rest": mixture - estimate}, mixture, left={"rest": ("vocals",)})
    assert alone["vocals"] == score(truth, truth | {"vocals": estimate}, mixture)["vocals"]
    pair = {"instrument": truth["vocals"], "rest": mixture - truth["vocals"]}
    rest = score(pair, {"instrument": estimate, "rest": mixture - estimate}, mixture)["rest"]
    assert alone["rest"] == pytest.approx(rest, abs=1e-3)


def test_too_short_a_track_is_not_scored(tmp_path, capsys):
    pairs = write_pair(write_pairs(tmp_path / "pairs", 1), "short", sound(0, 0.2), sound(1, 0.2))
    assert command(pairs, tmp_path / "output", "frequency") == 1
    said = capsys.readouterr().out
    assert "failed: short: " in said and "1600 samples are too few to score; the minimum is 2048" in said
    assert [*found_in(tmp_path).systems[0].tracks] == ["song0"]


def test_one_folder_in_two_spellings_is_one_model(model, monkeypatch):
    monkeypatch.chdir(model.parent)
    found = find_systems(["small", "./small", str(model)])
    assert [system.name for system in found if system.kind == "model"] == ["small"]


@pytest.mark.slow
def test_excerpts_that_lost_a_file_are_made_again_and_only_then_drawn(tmp_path):
    pairs, output = write_pairs(tmp_path / "pairs", 1), tmp_path / "output"
    assert command(pairs, output, "frequency", excerpts="1") == 0
    picture = output / "excerpts/song0/frequency/instrument.png"
    drawn = picture.stat().st_mtime_ns
    assert command(pairs, output, "frequency", excerpts="1") == 0
    assert picture.stat().st_mtime_ns == drawn
    (output / "excerpts/song0/mixture.flac").unlink()
    assert command(pairs, output, "frequency", excerpts="1") == 0
    assert (output / "excerpts/song0/mixture.flac").exists()
    assert picture.stat().st_mtime_ns > drawn
    assert found_in(tmp_path).excerpts == ("song0",)


def test_an_instrument_that_baselines_do_not_know_is_said(tmp_path, capsys):
    assert command(write_pairs(tmp_path / "pairs", 1), tmp_path / "output", "frequency", "--instrument", "gitar") == 0
    assert (
        "note: baselines have no band for gitar (only for bass, drums, vocals, guitar, piano)"
        in capsys.readouterr().err
    )
