"""evaluation.yaml, the scores of systems on a set of tracks: read, write, and format as tables.

Beside it are evaluation.csv (a row for each system, track and part), and scores.csv and scores.md (medians, means and
quartiles over the tracks).
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evaluation.scoring import BSS_EVAL, MEASURES, Scores
from splitstrument.cards import Card
from splitstrument.checking import STRICT, checked
from splitstrument.files.folders import walk
from splitstrument.files.tables import markdown, text, write_csv
from splitstrument.files.texts import write_text
from splitstrument.files.yaml_files import read_yaml, write_yaml

FILE = "evaluation.yaml"
END = "\n...\n"  # of a YAML document
TITLES = {
    "sdr": "SDR",
    "sir": "SIR",
    "sar": "SAR",
    "plain_sdr": "plain SDR",
    "plain_sdr_improvement": "plain SDRi",
    "si_sdr": "SI-SDR",
    "si_sdr_improvement": "SI-SDRi",
    "level": "level",
    "leak": "leak",
}


@dataclass(frozen=True)
class Spread:
    """The distribution of a measure over the tracks that have it, in dB; None if there are none."""

    tracks: int
    median: float | None = None
    mean: float | None = None
    lower_quartile: float | None = None
    upper_quartile: float | None = None
    __pydantic_config__ = STRICT


NONE = Spread(0)  # for measures that an earlier version did not have


@dataclass(frozen=True)
class Part:
    """One part of a song over all tracks: Spreads by measure, and the number of tracks without scores."""

    measures: dict[str, Spread]
    silent_references: int = 0
    silent_estimates: int = 0
    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Training:
    """The run that made a model: its merged configuration and its history."""

    configuration: dict
    epochs: int
    tracks: int | None = None
    hours_per_epoch: float | None = None
    history: tuple[dict, ...] = ()
    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Result:
    """One system on all tracks. `sources`: what it takes out; `speed`: seconds of audio separated per second, the
    median over the tracks.

    `tracks`: {track: {part: {measure: dB or None, "silent": None, "reference" or "estimate"}}}.
    """

    name: str
    kind: str
    what: str
    source: str = ""
    sources: tuple[str, ...] = ()
    parameters: int | None = None
    speed: float | None = None
    card: Card | None = None
    training: Training | None = None
    summary: dict[str, Part] = field(default_factory=dict)
    tracks: dict[str, dict[str, dict[str, float | str | None]]] = field(default_factory=dict)
    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class Evaluation:
    """All results on one set of tracks. `metrics`: how SDR, SIR and SAR were computed ("own", "mir_eval", "none").
    `command` and `machine`: how and where it was made; `jobs`: the number of tracks at once.

    `excerpts`: the tracks with excerpts of ten seconds. `left`: the remainders that are not parts of the tracks, as
    {name: the parts that are removed from the song}.
    """

    pairs: str
    tracks: int
    hours: float
    remove_panning: bool
    metrics: str
    command: str
    machine: str
    jobs: int
    version: str
    excerpts: tuple[str, ...] = ()
    left: dict[str, tuple[str, ...]] = field(default_factory=dict)
    systems: tuple[Result, ...] = ()
    __pydantic_config__ = STRICT


def spread(values: Iterable[float | None]) -> Spread:
    """The Spread of a list of values in dB, without None."""
    import numpy as np

    known = [value for value in values if value is not None]
    if not known:
        return Spread(0)
    lower, median, upper = np.percentile(known, (25, 50, 75))
    figures = (median, np.mean(known), lower, upper)
    return Spread(len(known), *(round(float(figure), 4) for figure in figures))


def summarise(tracks: dict[str, Scores]) -> dict[str, Part]:
    """{part: Part} of a Result's `tracks`."""
    parts = dict.fromkeys(part for scores in tracks.values() for part in scores)
    return {part: _part([scores[part] for scores in tracks.values() if part in scores]) for part in parts}


def _part(scores: list[dict[str, Any]]) -> Part:
    silent = [of_track["silent"] for of_track in scores]
    spreads = {measure: spread([of_track[measure] for of_track in scores]) for measure in MEASURES}
    return Part(spreads, silent.count("reference"), silent.count("estimate"))


def read(path: Path) -> Evaluation:
    """Read the Evaluation in the file `path`, also of earlier versions, where a system had one `instrument`.

    Raises ValueError, in one line, if it cannot be read.
    """
    values = read_yaml(path)
    if not isinstance(values, dict) or "systems" not in values:
        raise ValueError(f"{path}: is not an evaluation")
    # A truncated YAML file may still be valid.
    if not path.read_text(encoding="utf-8").endswith(END):
        raise ValueError(f"{path}: is incomplete; give its evaluate command again to write it anew")
    for system in values["systems"] if isinstance(values["systems"], list) else ():
        for fields in (system, system.get("card")) if isinstance(system, dict) else ():
            if isinstance(fields, dict) and "instrument" in fields:
                fields["sources"] = [name for name in (fields.pop("instrument"),) if name]
    return checked(Evaluation, values, str(path))


def find(paths: Iterable[str | Path]) -> list[tuple[Path, Evaluation]]:
    """[(file, Evaluation)] for evaluation.yaml files and for all such files in folders, each once."""
    files = []
    for path in map(Path, paths):
        there = [folder / FILE for folder, _, files in walk(path) if FILE in files] if path.is_dir() else [path]
        if not there:
            raise ValueError(f"{path}: no {FILE} in this folder; run splitstrument evaluate to write one")
        files += there
    return [(file, read(file)) for file in dict.fromkeys(files)]


def write(folder: str | Path, evaluation: Evaluation) -> None:
    """Write evaluation.yaml and its tables to `folder`."""
    write_yaml(Path(folder) / FILE, asdict(evaluation), default_flow_style=None, width=120, explicit_end=True)
    rows = [
        (system.name, track, part, *(_cell(scores.get(measure)) for measure in MEASURES), scores["silent"] or "")
        for system in evaluation.systems
        for track, parts in system.tracks.items()
        for part, scores in parts.items()
    ]
    write_csv(Path(folder) / "evaluation.csv", [("system", "track", "part", *MEASURES, "silent"), *rows])
    write_csv(Path(folder) / "scores.csv", _summary_rows(evaluation))
    write_text(Path(folder) / "scores.md", tables(evaluation) + "\n")


def _summary_rows(evaluation: Evaluation) -> Iterator[tuple]:
    yield ("system", "part", "measure", "tracks", "median", "mean", "lower_quartile", "upper_quartile")
    for system in evaluation.systems:
        for name, part in system.summary.items():
            for measure, lies in part.measures.items():
                figures = (lies.median, lies.mean, lies.lower_quartile, lies.upper_quartile)
                yield (system.name, name, measure, lies.tracks, *map(_cell, figures))


def medians(part: Part) -> list[float | None]:
    """The medians of SDR, SIR and SAR over the tracks, in dB."""
    return [part.measures.get(measure, NONE).median for measure in BSS_EVAL]


def _cell(value: float | str | None) -> float | str:
    return "" if value is None else value


def parts_of(evaluation: Evaluation) -> list[str]:
    """The names of all estimated parts, each once."""
    return list(dict.fromkeys(part for system in evaluation.systems for part in system.summary))


def measures_of(evaluation: Evaluation) -> list[str]:
    """The available measures: all, or those without BSS Eval."""
    return [measure for measure in MEASURES if evaluation.metrics != "none" or measure not in BSS_EVAL]


def title(evaluation: Evaluation, part: str) -> str:
    """The name of a part; for a remainder, also what is removed."""
    without = evaluation.left.get(part)
    return f"{part} (all but {', '.join(without)})" if without and " without " not in part else part


def tables(evaluation: Evaluation, figure: str = "median") -> str:
    """A table for each part: a row for each system with the `figure` ("median", "mean", ...) of each measure in dB."""
    return "\n\n".join(
        f"{title(evaluation, part)}, {figure} in dB\n\n{table(evaluation, part, figure)}"
        for part in parts_of(evaluation)
    )


def table(evaluation: Evaluation, part: str, figure: str = "median") -> str:
    """The table of one part."""
    rows, measures = [], measures_of(evaluation)
    for system in evaluation.systems:
        if part in system.summary:
            spreads = system.summary[part].measures
            figures = (getattr(spreads.get(measure, NONE), figure) for measure in measures)
            rows.append((text(system.name), takes(system), *map(decibels, figures)))
    return markdown(("system", "takes out", *(TITLES[measure] for measure in measures)), rows, left=2)


def takes(system: Result) -> str:
    """What a system takes out, as text for a table."""
    return ", ".join(system.sources) or "-"


def decibels(value: Any) -> str:
    """A figure as text with two digits; a dash for None."""
    return "-" if value is None else f"{value:.2f}"
