"""Tables for people, as Markdown whose columns are aligned, so that they can be read as text too."""

import re


def markdown(headings, rows, left=1):
    """A table of `rows` (cells are text); the first `left` columns are flush left, the others, numbers, flush right."""
    lines = [[str(cell).replace("|", "\\|") for cell in row] for row in (headings, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * (width - 1) + ("-" if number < left else ":") for number, width in enumerate(widths)]
    text = [
        [cell.ljust(w) if n < left else cell.rjust(w) for n, (cell, w) in enumerate(zip(line, widths, strict=True))]
        for line in lines
    ]
    text.insert(1, rule)
    return "\n".join("| " + " | ".join(line) + " |" for line in text)


def text(name):
    """A name as Markdown that shows just this name."""
    name = re.sub(r"\s+", " ", str(name))
    return re.sub(r"([\\`*<>\[\]#&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))", r"\\\1", name)
