"""The page that compares models: complete, self-contained, and what it shows of names that are no Markdown."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

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
    card = Card(NAME, "guitar", RATE, "tfc_tdf", {"filters": 6}, (Source(NAME, "CC0-1.0", "songs"),), "ten steps")
    training = results.Training({"name": "x"}, 2, 5, 1 / 60, HISTORY)
    systems = [
        results.Result("mixture", "mixture", "the song", tracks=scores),
        results.Result("nmf", "baseline", "what", "nmf", "guitar", None, 12.5, tracks=scores),
        results.Result(NAME, "model", "net", "m", "guitar", 1234567, 3.25, card, training, tracks=scores),
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
    [("r.pdf", "r.pdf: a page is .md or .html"), ("evaluation/evaluation.yaml/r.html", "evaluation.yaml: file exists")],
)
def test_an_output_that_cannot_be(evaluated, output, said, monkeypatch, capsys):
    monkeypatch.chdir(evaluated.parent)
    assert main(["report", "evaluation", "--output", output]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


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
