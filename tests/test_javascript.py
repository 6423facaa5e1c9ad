"""The pages' JavaScript: what needs no browser, under node's test runner; and how long its modules are."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("webapp/static", "webapp/pages/static", "datasets_tools/labelling/page/static")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.js"))


def test_units(tmp_path):
    """All modules lie in one folder, as a browser finds them, with the tests beside them."""
    node = shutil.which("node")
    if not node:
        pytest.skip("no node on this machine (apt install nodejs)")
    for path in (*MODULES, *(ROOT / "tests" / "javascript").glob("*.test.js")):
        shutil.copy(path, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    tests = sorted(path.name for path in tmp_path.glob("*.test.js"))
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap", *tests], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stdout + done.stderr
    assert len(tests) == 3 and "# fail 0" in done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_modules_are_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("// ") and text.count("\n") <= 300
    assert max(map(len, text.splitlines())) <= 120
