"""The thesis's tables beside ours: what is printed, what of ours is found, what differs, and the commands."""

import re
import shlex
from dataclasses import asdict
from pathlib import Path

import pytest

from evaluation import results, thesis
from splitstrument.__main__ import main
from splitstrument.commands import COMMANDS
from splitstrument.files.yaml_files import plain

MEASURES = {"sdr": 1.5, "sir": 2.0, "sar": 3.0}


def evaluation(run, changes=(), epochs=36, scores=MEASURES):
    """An Evaluation of one run of ours: its configuration is that of `run`, but for `changes`."""
    configuration = plain(asdict(run)) | dict(changes)
    measures = {name: results.spread([scores.get(name)]) for name in results.TITLES}
    parts = {part: results.Part(measures) for part in ("instrument", "rest")}
    training = results.Training(configuration, epochs, 131, 0.5)
    result = results.Result("mine", "model", "hourglass", training=training, summary=parts)
    about = {"pairs": "val", "tracks": 7, "hours": 0.5, "remove_panning": True, "metrics": "own", "jobs": 1}
    return results.Evaluation(**about, command="splitstrument evaluate x", machine="m", version="0", systems=(result,))


def run_of(table):
    return next(run for run in thesis.published_runs() if run.reference.table == table)


@pytest.fixture(scope="module")
def page():
    return thesis.page([])


@pytest.mark.slow
def test_every_table_and_appendix_is_there_in_order(page):
    titles = re.findall(r"^##+ (?:Table )?([\dAB][\d.]*)(?=: )", page, re.MULTILINE)
    tables = [str(number) for number in range(1, 12)]
    assert titles == tables + [f"A.{n}" for n in range(1, 6)] + [
        f"B.{n}.{m}" for n, last in ((1, 3), (2, 4), (3, 3)) for m in range(1, last + 1)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "figures"),
    [
        ("Table 6", ("0.73 4.26 4.40", "8.92 11.61 13.06")),
        ("Table 11", ("-7.28 4.89 -4.53", "13.17 15.69 16.82")),
        ("B.2.1", ("-0.27 2.88 4.97", "8.71 10.94 12.72")),
    ],
)
def test_figures_are_the_thesis_s(page, section, figures):
    text = page[page.index(f"# {section}:") :].split("```")[0]
    rows = [" ".join(re.findall(r"-?\d+\.\d\d", line)) for line in text.splitlines() if "thesis  " in line]
    assert tuple(rows) == figures
    assert "ours: no run" in text


@pytest.mark.slow
def test_histograms_have_as_many_songs_as_the_data_sets(page):
    totals = re.findall(r"^\| all +\| +(\d+) \| no run", page, re.MULTILINE)
    assert totals == ["593", "592", "153", "123", "300"]


@pytest.mark.slow
def test_every_command_is_one_of_ours_with_options_that_it_has(page, capsys):
    """So that no row tells people to type what does not exist."""
    lines = {line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()}
    used = {}
    for line in lines:
        words = shlex.split(line)
        if words[0] == "splitstrument":
            used.setdefault(words[1], set()).update(word for word in words if word.startswith("--"))
        else:
            assert words[:2] == ["mkdir", "-p"]
    assert set(used) == {"catalogue", "organize", "label", "mix", "validation", "silence", "split", "train", "evaluate"}
    assert set(used) <= set(COMMANDS)
    for name, options in used.items():
        with pytest.raises(SystemExit):
            main([name, "--help"])
        known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
        assert options <= known, name


def test_a_run_of_ours_stands_in_its_row_with_the_difference():
    run = run_of("6")
    text = thesis.run_section(run, [(Path("e"), evaluation(run))], thesis_data(), "Table 6")
    rows = [re.split(r" *\| *", line)[1:-1] for line in text.splitlines() if line.startswith("| ")][2:]
    assert rows == [
        ["guitar", "thesis", "0.73", "4.26", "4.40"],
        ["rest", "thesis", "8.92", "11.61", "13.06"],
        ["guitar", "ours: mine", "1.50", "2.00", "3.00"],
        ["guitar", "difference", "+0.77", "-2.26", "-1.40"],
        ["rest", "ours: mine", "1.50", "2.00", "3.00"],
        ["rest", "difference", "-7.42", "-9.61", "-10.06"],
    ]
    assert "131 tracks; 36 epochs of 0.5 h; scored on 7 tracks (0.50 h) by `splitstrument evaluate x`" in text
    assert "same settings as in the table" in text
    assert "mine" not in thesis.run_section(run_of("2"), [(Path("e"), evaluation(run))], thesis_data(), "Table 2")


def test_what_a_run_was_set_to_otherwise_is_said():
    run = run_of("B.3.3")
    changes = {"epochs": 3, "windows": asdict(run.windows) | {"steps": 60}, "name": "own", "save_minutes": 1.0}
    text = thesis.run_section(run, [(Path("e"), evaluation(run, changes.items(), 3))], thesis_data(), "B.3.3")
    assert "different settings: windows.steps 60 (not 0), epochs 3 (not 36)" in text
    earlier = {name: value for name, value in asdict(run).items() if name not in ("sources", "whole", "initial_source")}
    assert thesis.differences(run, plain(earlier)) == []


def test_a_measure_that_no_track_has_is_a_dash():
    run = run_of("2")
    text = thesis.run_section(run, [(Path("e"), evaluation(run, scores={"sdr": 1.0}))], thesis_data(), "Table 2")
    row = next(line for line in text.splitlines() if "difference" in line)
    assert re.split(r" *\| *", row)[3:-1] == ["+2.27", "-", "-"]


def thesis_data():
    from splitstrument.files.yaml_files import read_yaml

    return read_yaml(Path(thesis.__file__).with_name("tables.yaml"))["data"]


@pytest.mark.slow
def test_histograms_of_ours(tmp_path):
    (tmp_path / "guitar").mkdir()
    rows = "".join(f"{10 * n}-{10 * n + 10},{n},{9 - n}\n" for n in range(10))
    (tmp_path / "guitar/histogram.csv").write_text("silence_percent,before,after\n" + rows)
    text = thesis.page([], tmp_path)
    for name, first in (
        ("A.1", ["496 (83.6 %)", "0 (0.0 %)", "-83.6"]),
        ("A.2", ["502 (84.8 %)", "9 (20.0 %)", "-64.8"]),
    ):
        section = text[text.index(f"### {name}") :]
        row = next(line for line in section.splitlines() if "less than 10 %" in line)
        assert re.split(r" *\| *", row)[2:-1] == first
    (tmp_path / "guitar/histogram.csv").write_text("silence_percent,before\n0-10,many\n")
    assert "no run" in thesis.page([], tmp_path)
    (tmp_path / "guitar/histogram.csv").write_text("silence_percent,before\n0-10,1\n")
    with pytest.raises(ValueError, match="is not a histogram of ten rows"):
        thesis.page([], tmp_path)
