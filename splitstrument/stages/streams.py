"""Standard output and error that accept any name and never stop the work. Lost output is reported at the end."""

import errno
import io
import os
import sys
from typing import Any


class _Unstopping(io.FileIO):
    """A descriptor's stream. If writing fails, the data are dropped and the first error is kept."""

    error: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.error = self.error or error
            return len(data)


def prepare() -> None:
    """Make the process's standard output and error such streams. Streams set by a test or a notebook are kept.

    If one of the descriptors 0 to 2 is closed, it is opened on /dev/null. Otherwise the next file would get its
    number, and printed text would go there.
    """
    while (free := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(free, True)
    os.close(free)
    for number, name in ((1, "stdout"), (2, "stderr")):
        before = getattr(sys, name)
        if before is not getattr(sys, f"__{name}__") or isinstance(before, _Stream):
            continue
        if before is not None:
            before.flush()
        stream = _Stream(number, before.encoding if before is not None else "utf-8")
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


class _Stream(io.TextIOWrapper):
    """Text for a descriptor. Characters that the encoding lacks are written with backslashes."""

    def __init__(self, number: int, encoding: str) -> None:
        self.descriptor = _Unstopping(number, "wb", closefd=False)
        lines = number == 2 or self.descriptor.isatty()
        buffered = io.BufferedWriter(self.descriptor)
        super().__init__(buffered, encoding, errors="backslashreplace", line_buffering=lines, write_through=number == 2)


def exit_code(code: int) -> int:
    """`code`, or 1 if standard output could not be written, which is reported. A closed pipe is not an error."""
    if isinstance(sys.stdout, _Stream):
        sys.stdout.flush()
        error = sys.stdout.descriptor.error
        if error and error.errno != errno.EPIPE:
            sys.stdout.descriptor.error = None
            print(f"splitstrument: standard output: {os.strerror(error.errno or 0).lower()}", file=sys.stderr)
            return code or 1
    return code
