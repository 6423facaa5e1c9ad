"""The page that compares models: complete, self-contained, and what it shows of names that are no Markdown."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from evaluation import results
from splitstrument.__main__ import main
from splitstrument.cards import Card, Source
from splitstrument.files.tables import text
from splitstrument.files.writing import AudioWriter

RATE = 22050
NAME = "<b>one</b> *two* | [three](x) & _four_"
HISTORY = tuple(
    {name: float(epoch) for name in ("epoch", "loss", "sdr", "si_sdr", "val_loss", "val_sdr", "val_si_sdr")}
    | {"learning_rate": 1e-3, "seconds": 60.0}
    for epoch in (1, 2)
)


@pytest.fixture
def evaluated(tmp_path):
    """The folder of an evaluation of a model and a baseline on two tracks, with an excerpt of one."""
    random = np.random.default_rng(0)
    values = dict.fromkeys(results.TITLES, 2.0)
    scores = {
        "a track": {part: values | {"silent": None} for part in ("instrument", "rest")},
        NAME: {"instrument": dict.fromkeys(values) | {"silent": "reference"}, "rest": values | {"silent": None}},
    }
    card = Card(NAME, ("guitar",), RATE, "tfc_tdf", {"filters": 6}, (Source(NAME, "CC0-1.0", "songs"),), "ten steps")
    training = results.Training({"name": "x"}, 2, 5, 1 / 60, HISTORY)
    systems = [
        results.Result("mixture", "mixture", "the song", tracks=scores),
        results.Result("nmf", "baseline", "what", "nmf", ("guitar",), None, 12.5, tracks=scores),
        results.Result(NAME, "model", "net", "m", ("guitar",), 1234567, 3.25, card, training, tracks=scores),
    ]
    systems = tuple(replace(system, summary=results.summarise(scores)) for system in systems)
    about = {
        "tracks": 2,
        "hours": 0.1,
        "remove_panning": True,
        "metrics": "own",
        "jobs": 1,
        "version": "0",
        "excerpts": ("a track",),
    }
    evaluation = results.Evaluation("val", command="splitstrument evaluate x", machine="m", systems=systems, **about)
    folder = tmp_path / "evaluation"
    folder.mkdir()
    results.write(folder, evaluation)
    for own, names in (("", ("mixture", "instrument", "rest")), ("nmf", ("instrument", "rest"))):
        (folder / "excerpts/a track" / own).mkdir(parents=True)
        for name in names:
            with AudioWriter(folder / "excerpts/a track" / own / f"{name}.flac", RATE, 1, "16") as writer:
                writer.write(random.normal(0, 0.1, (RATE, 1)))
    return folder


class Reader(HTMLParser):
    """What a page holds: its tags with attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def addresses(self, tag):
        return [attributes["src"] for name, attributes in self.tags if name == tag]


@pytest.mark.slow
def test_html_holds_all_itself(evaluated, tmp_path):
    assert main(["report", str(evaluated), "--output", str(tmp_path / "r.html"), "--title", NAME]) == 0
    text = (tmp_path / "r.html").read_text()
    read = Reader(text)
    assert not {"script", "link", "iframe", "b", "em"} & {tag for tag, _ in read.tags}
    assert "url(" not in text and "http" not in re.sub(r'src="data:[^"]*"', "", text)
    pictures, sounds = read.addresses("img"), read.addresses("audio")
    assert len(pictures) == 2  # distributions, losses
    assert len(sounds) == 5
    for address in pictures:
        assert base64.b64decode(address.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    for address in sounds:
        file = tmp_path / "sound.mp3"
        file.write_bytes(base64.b64decode(address.removeprefix("data:audio/mpeg;base64,")))
        assert soundfile.info(file).duration == pytest.approx(1, abs=0.1)
    assert all(attributes["alt"] for tag, attributes in read.tags if tag == "img")
    # A name shows as it is, in headings, tables and lists.
    assert read.text.count(NAME) >= 6
    for said in ("1,234,567", "12.5", "1.0 min", "CC0-1.0", "silent in the truth of 1 tracks", "splitstrument report"):
        assert said in read.text
    assert not list(tmp_path.glob("*_files")) and not list(tmp_path.glob(".r*"))


@pytest.mark.slow
def test_markdown_has_its_files_beside_it(evaluated, tmp_path):
    assert main(["report", str(evaluated), "--output", str(tmp_path / "a/r.md")]) == 0
    text = (tmp_path / "a/r.md").read_text()
    links = re.findall(r"\]\(([^)]*_files[^)]*)\)", text)
    assert sorted(links) == sorted(str(file.relative_to(tmp_path / "a")) for file in (tmp_path / "a/r_files").iterdir())
    assert {Path(link).suffix for link in links} == {".png", ".mp3"}
    assert "![" in text and "<audio" not in text
    first = (tmp_path / "a/r_files").stat().st_ino
    assert main(["report", str(evaluated), "--output", str(tmp_path / "a/r.md"), "--no-audio"]) == 0
    assert (tmp_path / "a/r_files").stat().st_ino == first
    assert ".mp3" not in (tmp_path / "a/r.md").read_text()


@pytest.mark.slow
def test_two_evaluations_on_one_page(evaluated, tmp_path):
    """Their pictures do not overwrite each other, and one model's card is there once."""
    other = tmp_path / "other"
    evaluated.rename(other)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/evaluation.yaml").write_bytes((other / "evaluation.yaml").read_bytes())
    output = tmp_path / "r.md"
    assert main(["report", str(other), str(tmp_path / "copy"), "--output", str(output), "--no-audio"]) == 0
    text = output.read_text()
    assert text.count("## On 2 tracks of val") == 2
    assert text.count("- takes out: guitar") == 1
    names = {file.name for file in (tmp_path / "r_files").iterdir()}
    assert names == {"1_distributions.png", "2_distributions.png", "losses_1.png"}


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("r.pdf", "r.pdf: a page must be .md or .html"),
        ("evaluation/evaluation.yaml/r.html", "evaluation.yaml: file exists"),
    ],
)
def test_an_output_that_cannot_be(evaluated, output, said, monkeypatch, capsys):
    monkeypatch.chdir(evaluated.parent)
    assert main(["report", "evaluation", "--output", output]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_parts_of_any_names_and_what_each_system_takes_out(evaluated, tmp_path):
    before = results.read(evaluated / "evaluation.yaml")
    names = {"instrument": "vocals", "rest": "accompaniment"}
    systems = []
    for system in before.systems:
        tracks = {
            track: {names[part]: scores[part] | {"level": -1.25} for part in names}
            for track, scores in system.tracks.items()
        }
        sources = ("vocals", "accompaniment") if system.kind == "model" else system.sources
        card = system.card and replace(system.card, sources=sources, whole=True)
        summary = results.summarise(tracks)
        systems.append(replace(system, sources=sources, card=card, tracks=tracks, summary=summary))
    folder = tmp_path / "evaluation"
    after = replace(before, left={"accompaniment": ("vocals",)}, systems=tuple(systems))
    results.write(folder, after)
    for name in ("mixture", "vocals", "accompaniment"):
        with AudioWriter(folder / "excerpts/a track" / f"{name}.flac", RATE, 1, "16") as writer:
            writer.write(np.zeros((RATE, 1)))
    output = tmp_path / "r.md"
    assert main(["report", str(folder), "--output", str(output)]) == 0
    page = output.read_text()
    assert "### Vocals\n" in page and "### Accompaniment (all but vocals)\n" in page
    assert "- takes out: vocals, accompaniment (the whole song), at 22,050 Hz" in page
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| nmf")]
    assert ["nmf", "guitar", "2.00", "2.00", "2.00", "2.00", "2.00", "2.00", "2.00", "-1.25", "2.00"] in cells
    assert "a_track_accompaniment" in page or "accompaniment.mp3" in page

    quick = replace(after, metrics="none")
    results.write(folder, quick)
    assert main(["report", str(folder), "--output", str(output), "--no-audio"]) == 0
    page = output.read_text()
    assert "plain SDR of each track" in page and not re.search(r"\| +SAR +\|", page)


@pytest.mark.slow
def test_an_evaluation_of_an_earlier_version_reads(evaluated):
    path = evaluated / "evaluation.yaml"
    now = results.read(path)
    fields = yaml.safe_load(path.read_text())
    del fields["left"]
    for system in fields["systems"]:
        system["instrument"] = "".join(system.pop("sources"))
        if system["card"]:
            del system["card"]["whole"]
            system["card"]["instrument"] = system["card"].pop("sources")[0]
        for part in system["summary"].values():
            del part["measures"]["level"]
        for scores in system["tracks"].values():
            for values in scores.values():
                del values["level"]
    path.write_text(yaml.safe_dump(fields, explicit_end=True))
    before = results.read(path)
    assert [system.sources for system in before.systems] == [(), ("guitar",), ("guitar",)]
    assert before.systems[2].card == now.systems[2].card
    (line,) = (line for line in results.table(before, "rest").splitlines() if line.startswith("| nmf"))
    assert [cell.strip() for cell in line.split("|")][-3:-1] == ["-", "2.00"]
    assert main(["report", str(evaluated), "--output", str(evaluated / "r.html"), "--no-audio"]) == 0


def test_half_an_evaluation_is_one_line(evaluated, capsys):
    file = evaluated / "evaluation.yaml"
    whole = file.read_bytes()
    for size in (0, 10, 700, len(whole) // 2, len(whole) - 3):
        file.write_bytes(whole[:size])
        assert main(["report", str(evaluated), "--output", str(evaluated / "r.html")]) == 2
        error = capsys.readouterr().err
        assert str(file) in error
        assert error.count("\n") == 1
        assert not (evaluated / "r.html").exists()


@pytest.mark.parametrize(
    "name", [NAME, "a_b_c", "_a_", "#1", "a\\b", "1. x", "`code`", "a\nb", "&amp;", "a|b", "+ x", "- y"]
)
def test_any_name_shows_as_it_is(name):
    from markdown_it import MarkdownIt

    shown = Reader(MarkdownIt("commonmark", {"html": True}).render(f"x {text(name)}")).text
    assert shown == "x " + name.replace("\n", " ") + "\n"
