"""The house: which package may import which, how long modules are, how light the first ones are."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# package -> the packages of ours that it may import
ARROWS = {
    "splitstrument": set(),
    "training": {"splitstrument"},
    "evaluation": {"splitstrument", "training"},  # training: what the thesis's runs are
    "structure": {"splitstrument"},
    "webapp": {"splitstrument", "structure"},
    "datasets_tools": {"splitstrument", "webapp"},
}
# Arrays are Keras' or NumPy's here: what one backend alone has stays out.
PURE_KERAS = ("splitstrument/networks", "splitstrument/layers", "splitstrument/extraction.py")
PURE_KERAS += ("splitstrument/windows.py", "training")
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


@pytest.mark.parametrize("name", PURE_KERAS)
def test_networks_windows_and_training_are_pure_keras(name):
    path = ROOT / name
    for module in path.rglob("*.py") if path.is_dir() else [path]:
        if module.name != "tensorflow_backend.py":  # tf.data and tf.distribute, where TensorFlow is the backend
            assert not {"tensorflow", "jax", "torch"} & set(imported(module)), module


def public_functions(body, prefix=""):
    """(name, definition, whether it is a method) of a module's public functions, and of those of its public classes."""
    for node in body:
        special = getattr(node, "name", "").startswith("__") and node.name.endswith("__")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (special or not node.name.startswith("_")):
            static = any(getattr(decorator, "id", "") == "staticmethod" for decorator in node.decorator_list)
            yield prefix + node.name, node, bool(prefix) and not static
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body, f"{prefix}{node.name}.")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_functions_are_typed(path):
    lacking = []
    for name, function, method in public_functions(ast.parse(path.read_text(encoding="utf-8")).body):
        given = function.args
        arguments = [*given.posonlyargs, *given.args][method:]  # not self or cls
        arguments += [*given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
        lacking += [f"{name}: {argument.arg}" for argument in arguments if argument.annotation is None]
        lacking += [f"{name}: what it returns"] * (function.returns is None)
    assert not lacking


@pytest.mark.slow
def test_keras_comes_without_what_it_does_not_need_here():
    """Matplotlib and scikit-learn, which take a second; they can be imported later."""
    code = (
        "import sys; from splitstrument import backend; backend.keras_on()\n"
        "print(sorted({'matplotlib', 'sklearn'} & set(sys.modules)))\n"
        "import matplotlib.pyplot, sklearn.decomposition"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"
