"""The recipes of the shipped models: they name what they use, and one of them is short enough to run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from datasets_tools.synthesis.material import TABLE
from splitstrument import models
from training.config import load

ROOT = Path(__file__).resolve().parent.parent
RECIPES, CONFIGS = ROOT / "recipes", ROOT / "training" / "configs"


# The last run of each shipped model, and the sounds from npm that it never hears.
LAST = {"guitar": "guitar-tuned", "piano": "piano-wider"}
VALIDATION = {"tonejs-instruments piano", "Sonivox"}


def sources(name):
    """{name: Source} of what a run learns from, and the runs that it goes on from."""
    found = {}
    while name:
        run = load(CONFIGS / f"{name}.yaml")
        found |= {source.name: source for each in run.collections for source in each.sources}
        name = run.initial.partition("/")[0]
    return found


def test_cards_name_all_that_the_songs_are_made_of():
    recipe = (RECIPES / "songs.sh").read_text()
    options = recipe[recipe.index("--leave-out") :].split("\n    organised")[0]
    left_out = set(re.findall(r'"([^"$]+)"', options))
    table, further = (yaml.safe_load(path.read_text()) for path in (TABLE, RECIPES / "further_sounds.yaml"))
    entries = {entry["name"]: entry["licence"] for entry in (*table["instruments"], *table["songs"])}
    assert left_out < set(entries)
    more = {entry["name"]: entry["licence"] for entry in further["instruments"]}
    for model, run in LAST.items():
        named = sources(run)
        heard = entries | (more if model == "piano" else {})
        for name, licence in heard.items():
            assert (name in named) == (name not in left_out | VALIDATION), name
            if name in named:
                assert named[name].licence == licence
        card = models.read_card(models.SHIPPED / model)
        assert {(source.name, source.licence) for source in card.trained_on} == {
            (source.name, source.licence) for source in named.values()
        }


def test_a_training_in_miniature(tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    work = tmp_path / "work"
    command = ["sh", str(RECIPES / "miniature.sh"), str(work)]
    done = subprocess.run(command, env=os.environ | {"PATH": path}, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    table = done.stdout[done.stdout.index("instrument, median") : done.stdout.index("rest, median")]
    rows = {cells[0]: cells for line in table.splitlines() if (cells := [c.strip() for c in line.split("|")[1:-1]])}
    improvement = float(rows["miniature"][rows["system"].index("plain SDRi")])
    assert improvement > 4  # of a song that it never heard, after a minute
    for part in ("guitar", "rest"):
        assert (work / "separated" / "miniature" / "mix" / f"{part}.wav").is_file()
