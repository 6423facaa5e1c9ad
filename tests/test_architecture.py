"""The house: which package may import which, how long modules are, how light the first ones are."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# package -> the packages of ours that it may import
ARROWS = {
    "splitstrument": set(),
    "training": {"splitstrument"},
    "evaluation": {"splitstrument", "training"},  # training: what the thesis's runs are
    "webapp": {"splitstrument"},
    "datasets_tools": {"splitstrument", "webapp"},
}
MODULES = sorted(path for package in ARROWS for path in (ROOT / package).rglob("*.py"))


def imported(path):
    """The top packages that a module imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_one_way(path):
    package = path.relative_to(ROOT).parts[0]
    ours = set(imported(path)) & set(ARROWS)
    assert ours <= ARROWS[package] | {package}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_are_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 300
    assert path.name == "__init__.py" or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("folder", ["splitstrument/networks", "training"])
def test_networks_and_training_are_pure_keras(folder):
    for path in (ROOT / folder).glob("*.py"):
        if path.name == "tensorflow_backend.py":  # tf.data and tf.distribute, where TensorFlow is the backend
            continue
        assert not {"tensorflow", "jax", "torch"} & set(imported(path)), path
