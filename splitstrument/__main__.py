"""The console command: `splitstrument COMMAND ...`, the same as `python -m splitstrument COMMAND ...`."""

import importlib
import os
import sys
from collections.abc import Sequence

from splitstrument.commands import COMMANDS, MISSING_PACKAGES, missing
from splitstrument.stages import streams
from splitstrument.suggestions import no_such


def usage() -> str:
    """What `splitstrument --help` prints."""
    lines = ["usage: splitstrument COMMAND ...", ""]
    lines += [f"  {name:<12}{what}" for name, (_, what) in COMMANDS.items()]
    # Pip puts it beside the interpreter, a place that may not be on the shell's path.
    completion = os.path.join(os.path.dirname(sys.executable), "register-python-argcomplete")
    lines += ["", "`splitstrument COMMAND --help` explains a command and gives examples."]
    lines += ["For completion with the tab key, in bash or zsh:", f'  eval "$({completion} splitstrument)"']
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if "_ARGCOMPLETE" in os.environ:
        return _complete()
    streams.prepare()
    try:
        return streams.exit_code(_run(arguments))
    except SystemExit as stop:  # argparse raises it for --help and for wrong use
        raise SystemExit(streams.exit_code(stop.code if isinstance(stop.code, int) else 0)) from None
    except KeyboardInterrupt:
        print("splitstrument: stopped", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if error.name not in MISSING_PACKAGES:
            raise
        print(f"splitstrument: {missing(error.name)}", file=sys.stderr)
        return 1


def _run(arguments: list[str]) -> int:
    """The exit code of one command."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(version("splitstrument"))
        return 0
    if arguments[0] not in COMMANDS:
        print("splitstrument: " + no_such("command", arguments[0], COMMANDS), file=sys.stderr)
        return 2
    return _call(arguments[0], arguments[1:])


def _call(name: str, arguments: list[str]) -> int:
    module, function = COMMANDS[name][0].split(":")
    return getattr(importlib.import_module(module), function)(arguments)


def _complete() -> int:
    """Print the completions of the word at the shell's cursor, in argcomplete's protocol, and end the process.

    Command names are completed here; their arguments are completed by the command's own parser.
    """
    import argparse

    from argcomplete.lexers import split_line

    from splitstrument.parser import complete

    *_, words, _ = split_line(os.environ["COMP_LINE"], int(os.environ["COMP_POINT"]))
    program = int(os.environ["_ARGCOMPLETE"])  # number of words that name the program: 3 in `python -m splitstrument`
    if words[program:] and words[program] in COMMANDS:
        os.environ["_ARGCOMPLETE"] = str(program + 1)
        return _call(words[program], [])
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers()
    for name, (_, what) in COMMANDS.items():
        commands.add_parser(name, help=what)
    complete(parser)
    return 1


if __name__ == "__main__":
    sys.exit(main())
