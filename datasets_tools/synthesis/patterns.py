"""Rhythms as text: a bar is sixteen steps of one character. "." rests, "-" holds on, anything else starts a note."""

from collections.abc import Iterator


def hits(pattern: str) -> Iterator[tuple[int, str, int]]:
    """Yield each note of a pattern: the step at which it starts, its character, for how many steps it is held."""
    for step, symbol in enumerate(pattern):
        if symbol not in ".-":
            after = pattern[step + 1 :]
            yield step, symbol, 1 + len(after) - len(after.lstrip("-"))
