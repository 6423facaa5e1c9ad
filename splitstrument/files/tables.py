"""Writes tables as Markdown with aligned columns, which are readable as plain text too, and as CSV."""

import csv
import io
import os
import re
from collections.abc import Iterable, Sequence

from splitstrument.files.texts import write_text


def markdown(headings: Sequence[object], rows: Iterable[Sequence[object]], left: int = 1) -> str:
    """A table of `rows` (cells are text). The first `left` columns are left-aligned, the others right-aligned."""
    lines = [[str(cell).replace("|", "\\|") for cell in row] for row in (headings, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * (width - 1) + ("-" if number < left else ":") for number, width in enumerate(widths)]
    text = [
        [cell.ljust(w) if n < left else cell.rjust(w) for n, (cell, w) in enumerate(zip(line, widths, strict=True))]
        for line in lines
    ]
    text.insert(1, rule)
    return "\n".join("| " + " | ".join(line) + " |" for line in text)


def text(name: object) -> str:
    """A name, escaped for Markdown."""
    name = re.sub(r"\s+", " ", str(name))
    return re.sub(r"([\\`*<>\[\]#&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))", r"\\\1", name)


def write_csv(path: str | os.PathLike[str], rows: Iterable[Iterable[object]]) -> None:
    """Write `rows`, the first of them the column names, as CSV (UTF-8, commas). Raises AudioError if that fails."""
    content = io.StringIO()
    csv.writer(content, lineterminator="\n").writerows(rows)
    write_text(path, content.getvalue())
