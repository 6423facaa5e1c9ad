"""The documents' tables beside ours: the smaller documents, and the command that writes all of them."""

import re
import shlex
from pathlib import Path

import pytest

from evaluation import documents, results
from splitstrument import networks
from splitstrument.__main__ import main
from splitstrument.commands import COMMANDS
from splitstrument.files.yaml_files import read_yaml, write_yaml
from training import config

ALL = read_yaml(Path(documents.__file__).with_name("documents.yaml"))
CONFIGS = Path(config.__file__).parent / "configs"


def evaluation(name, parts, sources=("vocals",)):
    """An Evaluation of one system with an SDR for each part."""
    summary = {
        part: results.Part({"sdr": results.spread([sdr]), "sir": results.spread([]), "sar": results.spread([1.0])})
        for part, sdr in parts.items()
    }
    result = results.Result(name, "model", "spleeter", sources=sources, parameters=1200, summary=summary)
    about = {"pairs": "songs", "tracks": 7, "hours": 0.5, "remove_panning": False, "metrics": "own", "jobs": 1}
    return results.Evaluation(**about, command="splitstrument evaluate x", machine="m", version="0", systems=(result,))


def rows(text):
    return [re.split(r" *\| *", line)[1:-1] for line in text.splitlines() if line.startswith("| ")][2:]


def test_figures_are_the_documents():
    found = rows(documents.section("Review of Spleeter", ALL["Review of Spleeter"], []))
    assert found[0] == ["Spleeter, 4 stems", "vocals", "document", "6.86", "15.86", "6.99"]
    assert found[3] == ["Spleeter, 4 stems", "other", "document", "4.55", "8.16", "4.88"]
    assert found[4][2:] == ["ours: no run of spleeter-4stems", "-", "-", "-"]
    slides = rows(documents.section("x", ALL["Slides on an enhanced U-Net"], []))
    assert ["Spectrogram masking", "bass", "document", "-41.80", "-", "-"] in slides
    assert ["Frequency thresholding", "bass", "document", "-", "-", "-"] in slides


def test_ours_stand_beside_them():
    scored = [(Path("e"), evaluation("nmf", {"vocals": -5.0, "other": 2.0, "drums": 1.0}))]
    text = documents.section("x", ALL["Slides on an enhanced U-Net"], scored)
    ours = [row for row in rows(text) if row[2] == "ours: nmf"]
    assert [row[1:] for row in ours] == [
        ["vocals", "ours: nmf", "-5.00", "-", "1.00"],
        ["drums", "ours: nmf", "1.00", "-", "1.00"],
    ]
    assert "- `nmf`: 1,200 parameters; scored on 7 tracks of songs (0.50 h) by `splitstrument evaluate x`" in text


def test_ours_exist():
    """What a row is to be filled with is a baseline, a model that can be added, or a run."""
    from evaluation import baselines

    runs = {path.stem for path in CONFIGS.glob("*/*.yaml")}
    for document in ALL.values():
        for system in document["systems"]:
            ours = system["ours"] if isinstance(system["ours"], list) else [system["ours"]]
            assert {*ours} <= {*baselines.names(), *runs, "spleeter-4stems"}
    assert networks.size(networks.build("enhanced_unet", {}, ("drums", "bass", "vocals", "other"))) == 8_967_941


def test_commands_name_files_that_are_there():
    for document in ALL.values():
        for line in document["commands"]:
            words = shlex.split(line)
            assert words[0] in ("mkdir", "sh") or words[1] in COMMANDS
            for word in words:
                assert not word.startswith(("training/", "recipes/")) or (CONFIGS.parent.parent / word).is_file()


@pytest.mark.slow
def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    results.write(tmp_path, evaluation("nmf", {"vocals": -5.0}))
    assert main(["documents", str(tmp_path), "--markdown"]) == 0
    written = Path("docs/documents.md").read_text()
    assert "ours: nmf" in written and "## Table 11" in written
    assert f"Written by `splitstrument documents {tmp_path} --markdown`." in written
    assert main(["thesis", str(tmp_path / "evaluation.yaml"), "--markdown", "own.md"]) == 0
    assert Path("own.md").read_text().splitlines()[4:] == written.splitlines()[4:]
    capsys.readouterr()
    for line, said in (
        (["documents", "nowhere"], "nowhere: cannot be opened: no such file or directory"),
        (["documents", "docs"], "docs: no evaluation.yaml in this folder; run splitstrument evaluate to write one"),
        (["documents", "--silence", "nowhere"], "nowhere: no such folder"),
    ):
        assert main(line) == 2
        assert capsys.readouterr().err == f"splitstrument: {said}\n"
    write_yaml("other.yaml", {"systems": [], "name": "x"})
    assert main(["documents", "other.yaml"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("splitstrument: other.yaml: ")
    assert error.count("\n") == 1
