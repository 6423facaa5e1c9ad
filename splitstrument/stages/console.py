"""What all commands share: one-line errors, stopping, and progress, as a bar on a terminal or else as lines."""

import functools
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from splitstrument.cards import ModelError
from splitstrument.commands import MISSING_PACKAGES, missing
from splitstrument.files.audio import AudioError
from splitstrument.stages import streams
from splitstrument.stages.signals import stopped_by_signals

if TYPE_CHECKING:
    from tqdm import tqdm


_PAUSE = 30.0  # seconds between lines of progress


def command(main: Callable[..., int]) -> Callable[..., int]:
    """Decorates a command's `main`: an error becomes one line on standard error and an exit code."""

    @functools.wraps(main)
    def guarded(arguments=None):
        streams.prepare()
        try:
            with stopped_by_signals():
                return streams.exit_code(main(arguments))
        except KeyboardInterrupt:
            print("splitstrument: stopped; run the command again to continue", file=sys.stderr)
            return 130
        except ModuleNotFoundError as error:
            if error.name not in MISSING_PACKAGES:
                raise
            print(f"splitstrument: {missing(error.name)}", file=sys.stderr)
            return 2
        except (AudioError, ModelError, ValueError, OSError) as error:
            print(f"splitstrument: {error_line(error)}", file=sys.stderr)
            return 2

    return guarded


def command_line(name: str, arguments: Sequence[str] | None = None) -> str:
    """The command line `splitstrument name ...` as it was typed; `arguments` are those of the command's `main`."""
    import shlex

    return shlex.join(["splitstrument", name, *(sys.argv[1:] if arguments is None else arguments)])


def error_line(error: BaseException) -> str:
    """An exception as one line, with what a person needs to know."""
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}" if error.filename else error.strerror.lower()
    return " ".join(str(error).split()) or type(error).__name__


def some(names: Sequence[str], most: int = 8) -> str:
    """Names in one line: the first `most` of them, and the number of the others."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


class _Lines:
    """Standard error when it is not a terminal: each state of tqdm's bar becomes a line."""

    def write(self, text: str) -> None:
        if text.strip():
            sys.stderr.write(text.strip() + "\n")

    def flush(self) -> None:
        sys.stderr.flush()


def progress(total: float, unit: str, **settings: Any) -> "tqdm":
    """A tqdm bar on a terminal, otherwise a line every half minute. `settings` are tqdm's."""
    from tqdm import tqdm

    shape = "{desc}{n:.0f} of {total:.0f} {unit}s, {elapsed}, {remaining} left{postfix}"
    if sys.stderr.isatty():
        return tqdm(total=total, unit=unit, **{"bar_format": "{percentage:3.0f}% |{bar}| " + shape} | settings)
    elsewhere = {"bar_format": shape, "mininterval": _PAUSE, "delay": _PAUSE, "miniters": 1, "file": _Lines()}
    return tqdm(total=total, unit=unit, **settings | elsewhere)
