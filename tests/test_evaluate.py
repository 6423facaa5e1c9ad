"""The command `evaluate`, from pairs to tables and pictures."""

import csv
import json
import os
import shutil

import numpy as np
import pytest
import soundfile
import yaml

from evaluation import results, scoring, systems
from evaluation.scoring import MEASURES
from evaluation.systems import find_systems
from evaluation.targets import Target
from splitstrument import Separator, models
from splitstrument.stages.run import StageError
from splitstrument.tracks import STEMS, find_tracks
from tests import tiny
from tests.evaluated import (
    OTHERS,
    RATE,
    another,
    command,
    found_in,
    sound,
    write_pair,
    write_pairs,
)


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


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


@pytest.mark.slow
def test_two_runs_of_one_name_are_told_apart_and_one_given_twice_is_one(tmp_path, model):
    runs = [another(model, tmp_path / folder / "tones") for folder in ("monday", "tuesday")]
    assert [system.name for system in find_systems(runs)[3:]] == runs
    assert [system.name for system in find_systems([runs[0], "nmf", runs[0]])[3:]] == ["tones", "nmf"]
    with pytest.raises(StageError, match="nmf: two systems would have this name"):
        find_systems([another(model, tmp_path / "nmf"), "nmf"])


@pytest.fixture(scope="module")
def scored(tmp_path_factory, model):
    """Three pairs, one of them without the instrument, scored once with a model and a baseline: the folders."""
    root = tmp_path_factory.mktemp("scored")
    write_pairs(root / "pairs", 2)
    write_pair(root / "pairs", "without", 0 * sound(0), sound(5))
    assert command(root / "pairs", root / "output", model, "frequency", excerpts="1") == 0
    return root


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_mir_eval_agrees(scored, unseen, tmp_path):
    assert command(scored / "pairs/song0", tmp_path / "output", "frequency", "--reference-metrics") == 0
    theirs, ours = found_in(tmp_path), found_in(scored)
    assert theirs.metrics == "mir_eval"
    by_name = {system.name: system.tracks for system in ours.systems}
    for system in theirs.systems:
        for track, parts in system.tracks.items():
            for part, scores in parts.items():
                assert scores == pytest.approx(by_name[system.name][track][part], abs=2e-3)


@pytest.mark.slow
def test_two_processes_find_the_same(scored, unseen, tmp_path):
    assert command(scored / "pairs", tmp_path / "output", "frequency", jobs="2") == 0
    alone = {system.name: system.tracks for system in found_in(scored).systems}
    together = {system.name: system.tracks for system in found_in(tmp_path).systems}
    assert together == {name: tracks for name, tracks in alone.items() if name != "small"}


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_an_instrument_that_baselines_do_not_know_is_said(tmp_path, capsys):
    assert command(write_pairs(tmp_path / "pairs", 1), tmp_path / "output", "frequency", "--instrument", "gitar") == 0
    assert (
        "note: baselines have no band for gitar (only for bass, drums, vocals, guitar, piano)"
        in capsys.readouterr().err
    )
