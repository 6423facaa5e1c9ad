"""Standard output and error that are full, closed, or know no such letters: work is done, what is lost is told."""

import os
import subprocess
import sys

import pytest

FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full disk to write to")
TOLD = "splitstrument: standard output: no space left on device\n"


def shell(arguments, redirections, **environment):
    """(exit code, standard output, standard error) of Python as a shell runs it."""
    line = f'"{sys.executable}" "$@" {redirections}'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *arguments], capture_output=True, timeout=600, env=os.environ | environment
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("redirections", "code", "printed", "told"),
    [
        pytest.param(">/dev/full", 1, False, TOLD, marks=FULL),
        pytest.param(">/dev/full 2>&1", 1, False, "", marks=FULL),
        pytest.param("2>/dev/full", 0, True, "", marks=FULL),
        (">&-", 0, False, ""),
        ("2>&-", 0, True, ""),
        ("<&- >&- 2>&-", 0, False, ""),
    ],
)
@pytest.mark.parametrize("arguments", [["--version"], ["models", "--help"]], ids=" ".join)
def test_a_command_whose_output_goes_nowhere(arguments, redirections, code, printed, told):
    got, out, error = shell(["-m", "splitstrument", *arguments], redirections)
    assert (got, bool(out), error) == (code, printed, told)


WORK = """
import sys
from splitstrument.stages.console import command

@command
def main(arguments):
    for number in range(3):
        print("progress", file=sys.stderr)
        print("b\\udcff, \\u65e5\\u672c", flush=True)
        with open(sys.argv[1], "a") as file:
            file.write(f"song {number}\\n")
    return 0

sys.exit(main([]))
"""


@pytest.mark.parametrize(
    ("redirections", "code"),
    [
        ("", 0),
        (">&- 2>&-", 0),
        ("<&- >&- 2>&-", 0),
        pytest.param(">/dev/full", 1, marks=FULL),
        pytest.param("2>/dev/full", 0, marks=FULL),
    ],
)
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_work_goes_on_to_its_end_and_files_hold_nothing_else(tmp_path, redirections, code, encoding):
    got, out, error = shell(["-c", WORK, str(tmp_path / "made")], redirections, PYTHONIOENCODING=encoding)
    assert got == code and "Traceback" not in error
    assert (tmp_path / "made").read_text() == "song 0\nsong 1\nsong 2\n"
    if redirections == "":
        assert out == 3 * ("b\\udcff, \\u65e5\\u672c\n" if encoding == "ascii" else "b\\udcff, 日本\n")
