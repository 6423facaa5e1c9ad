"""The command `evaluate` on songs of several parts, with models that take out different ones."""

import json

import pytest

from evaluation.scoring import score
from splitstrument import Separator
from splitstrument.tracks import PAIR, STEMS, find_tracks
from tests import tiny
from tests.evaluated import OTHERS, another, command, found_in, sound, write_pairs, write_parts, write_stems


@pytest.mark.slow
def test_songs_of_four_stems(tmp_path, model, singer, unseen, one_precision):
    stems = write_stems(tmp_path / "stems", "Otters - Creek")
    alone = another(model, tmp_path / "alone", sources=["vocals"])
    four = tiny.model(tmp_path / "four", sample_rate=8000, sources=("vocals", "drums", "bass", "other"), whole=True)
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
def test_a_model_that_takes_an_example_gets_each_part_of_the_next_track(tmp_path, unseen, one_precision, capsys):
    songs = write_parts(tmp_path / "songs", "a", "guitar", "piano", "rest")
    write_parts(songs, "b", "guitar", "vocals", "rest")
    write_parts(songs, "c", "guitar", "piano", "rest")
    alike = tiny.model(tmp_path / "alike", "conditioned_unet", sample_rate=8000, sources=("like",))
    assert command(songs, tmp_path / "output", alike, "--quick") == 0
    (system,) = [each for each in found_in(tmp_path).systems if each.kind == "model"]
    assert {*system.sources} == {"guitar", "piano"}  # vocals have no other track to be found in
    assert {track: {*parts} for track, parts in system.tracks.items()} == {
        "a": {"guitar", "piano", "rest"},
        "b": {"guitar", "rest without guitar"},
        "c": {"guitar", "piano", "rest"},
    }
    tracks = find_tracks(songs)
    order = [track.name for track in tracks]
    after = {name: order[(place + 1) % 3] for place, name in enumerate(order)}
    for track in tracks:
        truth, rate = track.read()
        example = next(each for each in tracks if each.name == after[track.name]).read()[0]["guitar"]
        found = Separator(alike, example=(example, rate)).separate(sum(truth.values()), rate)
        expected = score(truth, {"guitar": found["like"]}, sum(truth.values()), "none")
        assert system.tracks[track.name]["guitar"]["plain_sdr"] == expected["guitar"]["plain_sdr"]
    assert command(write_parts(tmp_path / "one", "a", "guitar", "rest"), tmp_path / "no", alike) == 2
    assert "alike: needs an example, and no part is in two tracks or more" in capsys.readouterr().err


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
