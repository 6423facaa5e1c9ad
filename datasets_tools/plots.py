"""Bar charts of a data set, each as PNG and SVG.

Charts are drawn without pyplot, so they share no state and need no display. The same numbers give the same file. Files
are written completely or not at all.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.files import pictures

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def bars(
    path: str | Path, labels: Sequence[str], values: Sequence[float], title: str, xlabel: str, ylabel: str
) -> None:
    """Draw a bar for each label, with its value above it; write `path`.png and .svg."""
    figure, axes = _axes(labels, title, xlabel, ylabel)
    drawn = axes.bar(range(len(labels)), values, color="tab:blue")
    axes.bar_label(drawn, fmt="{:g}", fontsize="small", padding=2)
    axes.margins(y=0.1)
    pictures.save(figure, path)


def stacked_bars(
    path: str | Path, labels: Sequence[str], series: Mapping[str, Sequence[float]], title: str, xlabel: str, ylabel: str
) -> None:
    """Draw a stacked bar for each label, with a colour for each of `series` ({name: a value for each label})."""
    import matplotlib

    figure, axes = _axes(labels, title, xlabel, ylabel)
    colours = matplotlib.colormaps["tab10" if len(series) <= 10 else "tab20"]
    floor, drawn = [0.0] * len(labels), []
    for number, values in enumerate(series.values()):
        colour = colours(number % colours.N)
        drawn.append(axes.bar(range(len(labels)), values, bottom=floor, color=colour))
        floor = [below + value for below, value in zip(floor, values, strict=True)]
    if series:
        # The legend lists the series in the order of the bars: the first one is the lowest.
        legend = axes.legend(drawn[::-1], list(series)[::-1], loc="upper left", bbox_to_anchor=(1.01, 1.0))
        for text in legend.get_texts():
            text.set_parse_math(False)
    pictures.save(figure, path)


def _axes(labels: Sequence[str], title: str, xlabel: str, ylabel: str) -> tuple["Figure", "Axes"]:
    from matplotlib.figure import Figure

    # A line of text takes about a third of an inch. Labels wider than their bars are rotated.
    width = min(max(8.0, 2 + 0.35 * len(labels)), 100.0)
    upright = max((len(str(label)) for label in labels), default=0) * 0.09 * len(labels) > width - 2
    figure = Figure(figsize=(width, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, parse_math=False)
    axes.set_xlabel(xlabel, parse_math=False)
    axes.set_ylabel(ylabel, parse_math=False)
    # A dollar sign in a name does not start a formula.
    axes.set_xticks(range(len(labels)), labels, rotation=90 if upright else 0, parse_math=False)
    axes.set_xlim(-0.6, max(len(labels), 1) - 0.4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="0.9")
    return figure, axes
