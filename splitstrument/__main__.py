"""The console command: `splitstrument COMMAND ...`, the same as `python -m splitstrument COMMAND ...`."""

import difflib
import importlib
import os
import sys

from splitstrument.commands import COMMANDS


def usage():
    """What `splitstrument --help` prints."""
    lines = [f"  {name:<12}{what}" for name, (_, what) in COMMANDS.items()]
    return "usage: splitstrument COMMAND ...\n\n" + "\n".join(lines) + "\n\nsplitstrument COMMAND --help says more."


def main(arguments=None):
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(version("splitstrument"))
        return 0
    name = arguments[0]
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f"did you mean {close[0]}?" if close else "known: " + ", ".join(COMMANDS)
        print(f"splitstrument: no command is called {name!r}; {hint}", file=sys.stderr)
        return 2
    module, function = COMMANDS[name][0].split(":")
    try:
        return getattr(importlib.import_module(module), function)(arguments[1:])
    except KeyboardInterrupt:
        print("splitstrument: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, such as head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ModuleNotFoundError as error:
        extra = {"joblib": "synthesize", "pretty_midi": "synthesize", "soxr": "synthesize"}.get(error.name)
        if extra is None:
            raise
        print(f"splitstrument: {name} needs {error.name}: pip install 'splitstrument[{extra}]'", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
