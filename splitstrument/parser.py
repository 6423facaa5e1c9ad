"""The argument parser of a command: argparse, plus examples below the help and completion in a shell."""

import argparse
import os
import shutil
import textwrap
from typing import Any

from splitstrument.examples import EXAMPLES


class Parser(argparse.ArgumentParser):
    """Parses the arguments of the command `splitstrument <name>`.

    `more` is printed unchanged at the end of the help, before the examples from `splitstrument.examples`.
    When a shell asks for completions (`_ARGCOMPLETE` is set), `parse_args` prints them and ends the process.
    """

    def __init__(self, name: str, description: str | None, more: str = "") -> None:
        lines = [f"  {what}:\n    splitstrument {name} {arguments}".rstrip() for what, arguments in EXAMPLES[name]]
        width = shutil.get_terminal_size().columns - 2  # as argparse does for all other text
        super().__init__(
            prog=f"splitstrument {name}",
            description=textwrap.fill(description or "", max(width, 20)),
            epilog="\n\n".join(filter(None, (more, "\n".join(["examples:", *lines])))),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        complete(self)
        return super().parse_args(args, namespace)


def complete(parser: argparse.ArgumentParser) -> None:
    """If a shell asks for completions of a command line, print those of `parser` and end the process."""
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
