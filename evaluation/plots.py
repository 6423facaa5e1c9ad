"""Pictures of an evaluation: log spectrograms and the distribution of scores over the tracks; as PNG and SVG."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.scoring import LIMIT
from splitstrument.files import pictures
from splitstrument.spectrogram import Grid, grid_at, spectra_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evaluation.results import Evaluation


FLOOR = -80  # dB below the mixture's loudest bin
LOWEST, ROWS = 40, 300  # Hz; rows of pixels of a spectrogram, equally spaced in pitch
SHOWN = {"sdr": "SDR", "sir": "SIR", "sar": "SAR", "plain_sdr": "plain SDR", "si_sdr": "SI-SDR", "level": "level"}


def excerpt(path: Path, mixture: Path, truth: Path, estimate: Path, title: str) -> None:
    """Draw the mixture, one true part, its estimate and the error of an excerpt; write `path`.png and `path`.svg.

    `mixture`, `truth` and `estimate` are audio files; the part has the name of the file `truth`.
    """
    from splitstrument.files import audio

    (mixed, rate), (target, _), (estimated, _) = (audio.read(file) for file in (mixture, truth, estimate))
    part = truth.stem
    sounds = {"mixture": mixed, part: target, f"{part}, as predicted": estimated, "error": estimated - target}
    spectrograms(path, sounds, rate, title)


def spectrograms(path: Path, sounds: dict[str, np.ndarray], rate: int, title: str) -> None:
    """Draw a log spectrogram of each of `sounds`, {title: (samples, channels)}, in dB below the peak of the first."""
    from matplotlib.figure import Figure

    grid = grid_at(rate)
    levels = {name: _magnitudes(sound, grid) for name, sound in sounds.items()}
    loudest = max(float(next(iter(levels.values())).max()), 1e-9)
    figure = Figure(figsize=(10, 2.4 * len(levels)), layout="constrained")
    figure.suptitle(title, parse_math=False)
    bounds = (np.log10(LOWEST), np.log10(rate / 2))
    nearest = np.rint(np.logspace(*bounds, ROWS) * grid.window / rate).astype(int)
    ticks = {2: "100", 3: "1k"} | ({4: "10k"} if rate > 20000 else {})
    for axes, (name, magnitudes) in zip(figure.subplots(len(levels), 1, sharex=True), levels.items(), strict=True):
        decibels = 20 * np.log10(np.maximum(magnitudes / loudest, 10 ** (FLOOR / 20)))
        extent = (0, len(magnitudes) * grid.hop / rate, *bounds)
        image = axes.imshow(
            decibels.T[nearest], vmin=FLOOR, vmax=0, cmap="magma", origin="lower", aspect="auto", extent=extent
        )
        axes.set_yticks(list(ticks), list(ticks.values()))
        axes.set_ylabel("Hz")
        axes.set_title(name, fontsize="medium", parse_math=False)
        figure.colorbar(image, ax=axes, format="%d dB", pad=0.01)
    axes.set_xlabel("seconds")
    pictures.save(figure, path)


def _magnitudes(sound: np.ndarray, grid: Grid) -> np.ndarray:
    """The magnitudes (frames, bins) of all channels together."""
    spectra = np.concatenate(list(spectra_of(sound, grid)), axis=1)
    return np.sqrt(np.mean(np.square(np.abs(spectra)), axis=0))


def distributions(path: Path, evaluation: "Evaluation") -> None:
    """Draw the distribution of the scores of each part, for all systems: a box plot with a dot for each track."""
    from matplotlib.figure import Figure

    from evaluation import results

    parts = results.parts_of(evaluation)
    shown = {measure: label for measure, label in SHOWN.items() if measure in results.measures_of(evaluation)}
    height = 1.2 + 0.34 * len(evaluation.systems)
    figure = Figure(figsize=(3 * len(shown), height * len(parts)), layout="constrained")
    panels = figure.subplots(len(parts), len(shown), squeeze=False)
    for row, part in zip(panels, parts, strict=True):
        row[0].set_title(results.title(evaluation, part), loc="left", parse_math=False)
        systems = [system for system in evaluation.systems if part in system.summary]
        for axes, (measure, label) in zip(row, shown.items(), strict=True):
            for place, system in enumerate(systems):
                every = [scores[part].get(measure) for scores in system.tracks.values() if part in scores]
                # Scores at the limit are meaningless, such as the SAR of a mixture, which has no artifacts.
                values = [value for value in every if isinstance(value, float) and abs(value) < LIMIT]
                _spread(axes, place, values, system.kind)
            axes.set_yticks(range(len(systems)), [s.name for s in systems] if axes is row[0] else [], parse_math=False)
            axes.set_ylim(len(systems) - 0.4, -0.6)
            axes.set_xlabel(f"{label} (dB)")
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(axis="x", color="0.9")
            axes.set_axisbelow(True)
    pictures.save(figure, path)


def _spread(axes: "Axes", place: int, values: list[float], kind: str) -> None:
    if not values:
        return
    colour = {"model": "tab:blue", "baseline": "tab:orange"}.get(kind, "tab:gray")
    # Dots are spread sideways in the order of the tracks, so that equal values remain visible.
    heights = place + np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else [place]
    axes.plot(values, heights, ".", color=colour, markersize=4, alpha=0.6)
    line = {"color": colour}
    styles: dict[str, Any] = {f"{name}props": line for name in ("box", "whisker", "cap")} | {
        "medianprops": line | {"linewidth": 2}
    }
    axes.boxplot(values, positions=[place], orientation="horizontal", widths=0.6, showfliers=False, **styles)
