"""The console command: its table, its help, its errors."""

import importlib.metadata
import importlib.util
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from splitstrument.__main__ import main
from splitstrument.commands import COMMANDS, install_line, missing
from splitstrument.examples import EXAMPLES
from splitstrument.files.writing import FORMATS
from splitstrument.parser import Parser

OURS = {"splitstrument", "datasets_tools", "training", "evaluation", "structure", "webapp"}


def run(line, **options):
    """A process as a shell would start it: where a test has imported JAX, that has changed how much TensorFlow says."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(line, capture_output=True, text=True, timeout=600, env=environment, **options)


def splitstrument(*arguments):
    return run([sys.executable, "-m", "splitstrument", *arguments])


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(arguments):
    """Only Python's own modules, ours and NumPy, so it answers at once. On a busy machine seconds would say nothing."""
    code = (
        "import sys, splitstrument.__main__ as m\n"
        f"try: code = m.main({arguments!r})\n"
        "except SystemExit as stop: code = stop.code\n"
        "files = {name.split('.')[0]: getattr(module, '__file__', '') or '' for name, module in sys.modules.items()}\n"
        f"others = {{name for name, file in files.items() if 'site-packages' in file}} - {OURS!r}\n"
        "print(code, sorted(others - {'numpy', '_distutils_hack'}))"  # the second is setuptools', in every process
    )
    lines = run([sys.executable, "-c", code], check=True).stdout.splitlines()
    assert any(line.startswith("usage: splitstrument") for line in lines)
    assert lines[-1] == "0 []"


class Parsed(BaseException):
    """Stops a command whose arguments were parsed."""


def test_examples_are_arguments_that_parse(monkeypatch, capsys):
    """Each command's help shows two to four, as they are typed."""
    parse = Parser.parse_args

    def parsed(*arguments):
        parse(*arguments)
        raise Parsed

    assert set(EXAMPLES) == set(COMMANDS) - {"thesis"}  # another name of documents
    for name, examples in EXAMPLES.items():
        with pytest.raises(SystemExit):
            main([name, "--help"])
        printed = capsys.readouterr().out
        assert 2 <= len(examples) <= 4
        monkeypatch.setattr(Parser, "parse_args", parsed)
        for what, arguments in examples:
            line = f"splitstrument {name} {arguments}".rstrip()
            assert f"  {what}:\n    {line}\n" in printed
            with pytest.raises(Parsed):
                main(shlex.split(line)[1:])
        monkeypatch.undo()


@pytest.mark.parametrize(
    "typed, expected",
    [
        ("splitstrument se", {"sections", "separate", "serve"}),
        ("splitstrument separate --format ", set(FORMATS)),
        ("splitstrument separate --model pi", {"piano"}),
        ("splitstrument mix data --checked", {"--checked-only"}),
        ("python -m splitstrument validation --how ", {"link", "copy", "move"}),
        ("splitstrument --", {"--version"}),
    ],
)
def test_shells_complete_commands_options_and_values(typed, expected, tmp_path):
    asked = {"COMP_LINE": typed, "COMP_POINT": str(len(typed)), "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "found")}
    asked["_ARGCOMPLETE"] = "3" if typed.startswith("python") else "1"
    environment = os.environ | asked | {"_ARGCOMPLETE_SUPPRESS_SPACE": "1"}
    subprocess.run([sys.executable, "-m", "splitstrument"], env=environment, capture_output=True, timeout=600)
    assert set((tmp_path / "found").read_text().split("\013")) - {"", "--help"} == expected


@pytest.mark.parametrize("has_pip", [True, False])
def test_what_is_missing_is_installed_from_where_the_package_came(has_pip, monkeypatch, tmp_path):
    """From the project's folder, a wheel, or the index, by a pip that there is."""
    found = object() if has_pip else None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    monkeypatch.setattr(sys, "executable", "/my env/bin/python")
    pip = "'/my env/bin/python' -m pip" if has_pip else "python3 -m pip --python '/my env/bin/python'"
    folder = tmp_path / "a project"
    origins = {
        None: "'splitstrument[train]'",
        '{"url": "https://example.org/splitstrument.whl", "archive_info": {}}': "'splitstrument[train]'",
        json.dumps({"url": folder.as_uri(), "dir_info": {}}): f"'{folder}[train]'",
    }
    folder.mkdir()
    for origin, expected in origins.items():
        installed = SimpleNamespace(read_text=lambda name, origin=origin: origin)
        monkeypatch.setattr(importlib.metadata, "distribution", lambda name, installed=installed: installed)
        assert install_line("splitstrument[train]") == f"{pip} install {expected}"
    folder.rmdir()  # the folder is gone: there is nothing to install from
    assert install_line("splitstrument[train]") == f"{pip} install 'splitstrument[train]'"
    assert missing("dask") == f"needs dask: {pip} install 'dask[distributed]'"
    assert missing("tinysoundfont").startswith(f"needs tinysoundfont: {pip} install --no-deps tinysoundfont")


def test_usage_and_unknown_commands(capsys):
    assert main([]) == 2
    assert main(["help"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in COMMANDS)
    assert main(["seperate"]) == 2
    assert capsys.readouterr().err == "splitstrument: no command is called 'seperate'; did you mean separate?\n"


def test_the_version_is_the_packages():
    from importlib.metadata import version

    assert splitstrument("--version").stdout.strip() == version("splitstrument")


def test_the_installed_command_is_there(monkeypatch):
    """`splitstrument` beside the interpreter, as pip put it there, and not the files of this folder."""
    command = Path(sys.executable).with_name("splitstrument")
    if not command.exists():
        pytest.skip("the package is not installed in this environment")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")  # as importing JAX does, whose tests may have come before
    result = run([command, "models"], cwd=os.sep)
    assert result.returncode == 0
    assert "guitar" in result.stdout
    assert result.stderr == ""


def test_a_reader_that_has_enough_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "splitstrument", "help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.wait(timeout=600) == 0
    assert process.stderr.read() == b""
