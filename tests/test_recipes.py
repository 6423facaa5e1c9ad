"""The recipes of the shipped models: they name what they use, and one of them is short enough to run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from datasets_tools.synthesis.material import TABLE
from training.config import load

ROOT = Path(__file__).resolve().parent.parent
RECIPES, CONFIGS = ROOT / "recipes", ROOT / "training" / "configs"


def sources(name):
    return {source.name: source for each in load(CONFIGS / f"{name}.yaml").collections for source in each.sources}


def test_cards_name_all_that_the_songs_are_made_of():
    recipe = (RECIPES / "songs.sh").read_text()
    options = recipe[recipe.index("--leave-out") :].split("\n    organised")[0]
    left_out = set(re.findall(r'"([^"$]+)"', options))
    table = yaml.safe_load(TABLE.read_text())
    entries = {entry["name"]: entry["licence"] for entry in (*table["instruments"], *table["songs"])}
    assert left_out < set(entries)
    for model in ("guitar", "piano"):
        named = sources(model)
        for name, licence in entries.items():
            assert (name in named) == (name not in left_out), name
            if name in named:
                assert named[name].licence == licence


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
