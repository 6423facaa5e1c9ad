"""The console command: its table, its help, its errors."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from splitstrument.__main__ import main
from splitstrument.commands import COMMANDS

HEAVY = {"keras", "tensorflow", "librosa", "scipy", "soundfile", "av", "pydantic"}


def run(line, **options):
    """A process as a shell would start it: where a test has imported JAX, that has changed how much TensorFlow says."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(line, capture_output=True, text=True, timeout=60, env=environment, **options)


def splitstrument(*arguments):
    return run([sys.executable, "-m", "splitstrument", *arguments])


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_is_quick(arguments):
    """In under half a second: the best of three, so that a busy machine does not decide."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        result = splitstrument(*arguments)
        times.append(time.perf_counter() - start)
        assert result.returncode == 0
        assert "usage: splitstrument" in result.stdout
    assert min(times) < 0.5


@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_nothing_heavy(name):
    code = (
        "import sys, splitstrument.__main__ as m\n"
        f"try: m.main([{name!r}, '--help'])\n"
        "except SystemExit: pass\n"
        f"print('heavy:', sorted({HEAVY!r} & set(sys.modules)))"
    )
    result = run([sys.executable, "-c", code], check=True)
    assert result.stdout.splitlines()[-1] == "heavy: []"


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
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == b""
