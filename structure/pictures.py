"""Pictures of songs: onsets with bars and beats, and the self-similarity with the edges of the sections."""

from pathlib import Path

from splitstrument.files.pictures import save
from structure.analysis import Beats, Sections
from structure.features import HOP, RATE, Features
from structure.segmentation import SectionSettings, similarity
from structure.similarity import Places
from structure.tracking import strength

ROWS, ROW = 12, 20.0  # rows of a picture at most, and seconds in one row of a short song
PIXELS = 1500  # of a row, and of a side of the matrix


def draw_beats(features: Features, beats: Beats, song: str, path: Path) -> None:
    """Draw the strength of onsets with lines at beats (thin) and bars (thick, numbered), as `path`.png and .svg.

    A song has up to ROWS rows; the bars of a long one are not numbered, and its beats not drawn.
    """
    import numpy as np
    from matplotlib.figure import Figure

    rows = int(np.clip(np.ceil(features.seconds / ROW), 1, ROWS))
    length = max(features.seconds / rows, 1.0)
    figure = Figure(figsize=(14, 0.8 + 1.1 * rows), layout="constrained")
    figure.suptitle(song)
    curve, times, numbers = strength(features), features.times(), np.cumsum(beats.places == 1)
    fine = length <= 2 * ROW
    for row, axes in enumerate(figure.subplots(rows, 1, squeeze=False)[:, 0]):
        start, end = row * length, (row + 1) * length
        inside = slice(int(start * RATE / HOP), int(end * RATE / HOP) + 1)
        step = max(1, (inside.stop - inside.start) // PIXELS)
        peaks, at = curve[inside], times[inside]
        whole = len(peaks) // step * step
        axes.fill_between(at[:whole:step], peaks[:whole].reshape(-1, step).max(axis=1), color="0.7", linewidth=0)
        near = (beats.times >= start) & (beats.times < end)
        first = near & (beats.places == 1)
        if fine:
            axes.vlines(beats.times[near & ~first], 0, 0.8, color="tab:blue", linewidth=0.8)
            for time, number in zip(beats.times[first], numbers[first], strict=True):
                axes.text(time, 1.52, str(number), fontsize=6, ha="center", va="bottom")
        axes.vlines(beats.times[first], 0, 1.5, color="tab:red", linewidth=1.4 if fine else 0.3)
        axes.set(xlim=(start, end), ylim=(0, 1.7), yticks=[])
    axes.set_xlabel("seconds; red: first beat of a bar; blue: other beats; grey: strength of onsets")
    save(figure, path)


def draw_sections(song: Places, sections: Sections, settings: SectionSettings, title: str, path: Path) -> None:
    """Draw how alike any two places of the song are, with the edges and labels of its sections: `path`.png, .svg."""
    import numpy as np
    from matplotlib.figure import Figure

    end = float(song.times[-1])
    # Places are of unequal length: look up the place at each of equally distant times.
    grid = (np.arange(min(PIXELS, 2 * len(song.first))) + 0.5) * end / min(PIXELS, 2 * len(song.first))
    at = np.clip(np.searchsorted(song.times, grid, side="right") - 1, 0, len(song.first) - 1)
    figure = Figure(figsize=(8, 8.4), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots()
    matrix = similarity(song, settings)[np.ix_(at, at)]
    image = axes.imshow(matrix, origin="lower", extent=(0, end, 0, end), cmap="magma", vmin=-0.5, vmax=1)
    for edge in sections.edges[1:-1]:
        axes.axvline(edge, color="white", linewidth=0.8)
        axes.axhline(edge, color="white", linewidth=0.8)
    for left, right, label in zip(sections.edges[:-1], sections.edges[1:], sections.labels, strict=True):
        axes.text((left + right) / 2, 1.01 * end, label, ha="center", va="bottom")
    axes.set(xlabel="seconds", ylabel="seconds")
    figure.colorbar(image, ax=axes, label="how alike two places are", shrink=0.7)
    save(figure, path)
