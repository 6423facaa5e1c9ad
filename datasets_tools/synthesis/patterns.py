"""Rhythms as text: a bar has sixteen steps of one character. "." rests, "-" holds, anything else starts a note."""

from collections.abc import Iterator


def hits(pattern: str) -> Iterator[tuple[int, str, int]]:
    """Yield (first step, character, number of steps) for each note of a pattern."""
    for step, symbol in enumerate(pattern):
        if symbol not in ".-":
            after = pattern[step + 1 :]
            yield step, symbol, 1 + len(after) - len(after.lstrip("-"))
