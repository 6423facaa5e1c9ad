"""The tables of the 2021 thesis (1 to 11, appendices A and B) beside our runs, with the commands to make them.

One of our runs is listed in a row if its configuration refers to that table, as in training/configs/thesis, and its
evaluation is given. Settings that differ from the row are listed.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evaluation.results import Evaluation, Result
    from training.config import Figures, Reference, Run

    Evaluations = list[tuple[Path, Evaluation]]

INTRODUCTION = """\
# The thesis's tables beside ours

The figures of the thesis are medians in dB over its own validation tracks (116 with guitar, 22 with piano), which
were not published. Ours are medians over the tracks listed in each row. These are different songs, so a difference
depends on the songs as much as on the training. A row without a run has not been trained yet; use its commands.

Runs whose names begin with `small-` are small twins of the thesis's (training/configs/thesis-small, `sh
recipes/thesis.sh`): the same recipe at half the sample rate, with an eighth of the filters, on rendered songs of 30 s
and minutes of training instead of days. They show which findings hold in small, and reproduce no figure.

The data sets are those of section 4.4 of the thesis. `MEDLEYDB`, `ROCKBAND`, `CAMBRIDGE`, `SLAKH` and `RECORDINGS`
stand for your own folders, `marks_guitar.yaml` and `marks_piano.yaml` for judgements of their stems. The thesis's
hours per epoch were measured on an RTX 3090.
"""
# Fields that do not affect training.
FREE = ("name", "reference", "save_minutes", "tensorboard")


def page(evaluations: "Evaluations", silence: Path | None = None) -> str:
    """All tables of the thesis as Markdown.

    `evaluations`: [(path, Evaluation)]. `silence`: the folder with the output of `splitstrument silence --statistics`
    for each data set, or None.
    """
    from splitstrument.files.yaml_files import read_yaml

    printed = read_yaml(Path(__file__).with_name("tables.yaml"))
    rows = published_runs()
    numbered = [row for row in rows if _reference(row).table.isdigit()]
    experiments = [row for row in rows if not _reference(row).table.isdigit()]
    sections = [
        INTRODUCTION,
        f"## Table 1: A comparison of approaches\n\n{approaches(printed['approaches'])}\n",
        *(run_section(row, evaluations, printed["data"], f"Table {_reference(row).table}") for row in numbered),
        "## Appendix A: Silence adjustment statistics\n",
        *(silence_section(name, entry, silence, printed["data"]) for name, entry in printed["silence"].items()),
        "## Appendix B: Experimental trainings\n",
        *(run_section(row, evaluations, printed["data"], _reference(row).table) for row in experiments),
    ]
    return "\n".join(sections)


def published_runs() -> "list[Run]":
    """The Runs of the thesis in the order of its tables."""
    import training
    from training import config

    runs = [config.load(path) for path in (Path(training.__file__).parent / "configs" / "thesis").glob("*.yaml")]
    return sorted(runs, key=lambda run: (not _reference(run).table.isdigit(), _table_order(_reference(run).table)))


def _reference(run: "Run") -> "Reference":
    if run.reference is None:
        raise ValueError(f"{run.name}: does not refer to a table of the thesis")
    return run.reference


def _table_order(table: str) -> list[int]:
    return [int(part) for part in table.split(".") if part.isdigit()]


def approaches(printed: dict[str, list[str]]) -> str:
    """Table 1, extended by our networks according to their layers."""
    from splitstrument import backend, networks
    from splitstrument.files.tables import markdown

    backend.keras_on("cpu")
    rows = [(name, *_crosses(properties)) for name, properties in printed.items()]
    for name in networks.names():
        kinds = {type(layer).__name__ for layer in networks.build(name)._flatten_layers()}
        properties = ["STFT" if networks.form(name).domain == "spectrum" else "Waveform"]
        properties += ["CNN"] * any("Conv" in kind for kind in kinds)
        properties += ["RNN"] * bool(kinds & {"RNN", "LSTM", "GRU", "SimpleRNN", "Bidirectional"})
        rows.append((f"ours: `{name}`", *_crosses(properties)))
    return markdown(("approach", "STFT", "waveform", "CNN", "RNN"), rows, left=5)


def _crosses(properties: list[str]) -> list[str]:
    return ["x" if name in properties else "-" for name in ("STFT", "Waveform", "CNN", "RNN")]


def run_section(row: "Run", evaluations: "Evaluations", data: dict[str, dict], title: str) -> str:
    """One table of the thesis: its figures, ours, the difference, and the commands. `row`: the Run."""
    from splitstrument.files.tables import markdown

    reference = _reference(row)
    ours = [
        (evaluation, result)
        for _, evaluation in evaluations
        for result in evaluation.systems
        if result.training and (result.training.configuration.get("reference") or {}).get("table") == reference.table
    ]
    (source,) = row.source_names
    cells = [(source, "thesis", *_figures(reference.instrument)), ("rest", "thesis", *_figures(reference.rest))]
    remarks = [f"- thesis: {reference.tracks}; {_duration(reference.epochs or row.epochs, reference.hours_per_epoch)}"]
    remarks[0] += f"; {reference.remark}" * bool(reference.remark)
    for evaluation, result in ours:
        cells += _our_rows(row, result)
        remarks.append(f"- `{result.name}`: {_run_summary(row, evaluation, result)}")
    if not ours:
        cells.append((source, "ours: no run", "-", "-", "-"))
    lines = data_commands(data, [collection.pairs for collection in row.collections])
    lines.append(f"splitstrument train training/configs/thesis/{row.name}.yaml --pairs data --output runs")
    scored = f"--pairs sets/{source}/validation --remove-panning --output evaluations/{row.name}"
    lines.append(f"splitstrument evaluate runs/{row.name} {scored}")
    table = markdown(("part", "whose", "SDR", "SIR", "SAR"), cells, left=2)
    block = "\n".join(lines)
    mark = "##" if title.startswith("Table") else "###"
    return f"{mark} {title}: {reference.title}\n\n{table}\n\n" + "\n".join(remarks) + f"\n\n```sh\n{block}\n```\n"


def _figures(figures: "Figures") -> list[str]:
    return [f"{value:.2f}" for value in (figures.sdr, figures.sir, figures.sar)]


def _our_rows(row: "Run", result: "Result") -> Iterator[tuple[str, ...]]:
    """The rows of one of our runs and the differences from the thesis, for both parts."""
    from evaluation.results import decibels, medians

    reference = _reference(row)
    for part, figures in (("instrument", reference.instrument), ("rest", reference.rest)):
        if part not in result.summary:
            continue
        scored = medians(result.summary[part])
        printed = (figures.sdr, figures.sir, figures.sar)
        gains = [None if ours is None else ours - theirs for ours, theirs in zip(scored, printed, strict=True)]
        name = row.source_names[0] if part == "instrument" else part
        yield name, f"ours: {result.name}", *map(decibels, scored)
        yield name, "difference", *("-" if gain is None else f"{gain:+.2f}" for gain in gains)


def _run_summary(row: "Run", evaluation: "Evaluation", result: "Result") -> str:
    """How our run was trained and scored, and which settings differ from those of the row."""
    if (training := result.training) is None:
        return "not trained by splitstrument train"
    tracks = f"{training.tracks} tracks" if training.tracks is not None else "tracks unknown"
    text = f"{tracks}; {_duration(training.epochs, training.hours_per_epoch)}; scored on {evaluation.tracks} tracks"
    changed = differences(row, training.configuration)
    text += f" ({evaluation.hours:.2f} h) by `{evaluation.command}`"
    return text + (f"; different settings: {', '.join(changed)}" if changed else "; same settings as in the table")


def differences(row: "Run", configuration: dict) -> list[str]:
    """How a run's configuration (as in its folder) differs from the Run `row`: "field value (not value)"."""
    from dataclasses import asdict

    from splitstrument.files.yaml_files import flat, plain

    asked, had = flat(plain(asdict(row))), flat(configuration)
    asked |= {"collections": [(of["pairs"], of["ratio"]) for of in plain(asdict(row))["collections"]]}
    had |= {"collections": [(of.get("pairs"), of.get("ratio")) for of in configuration.get("collections", [])]}
    # Fields that an earlier version did not have count as off.
    return [
        f"{name} {had.get(name)} (not {value})"
        for name, value in asked.items()
        if name.split(".")[0] not in FREE and (had.get(name) or None) != (value or None)
    ]


def _duration(epochs: int, hours: float | None) -> str:
    return f"{epochs} epoch{'s' * (epochs != 1)}" + (f" of {hours:.3g} h" if hours else "")


def silence_section(name: str, entry: dict, silence: Path | None, data: dict[str, dict]) -> str:
    """One histogram of appendix A, for the thesis's songs and ours."""
    from splitstrument.files.tables import markdown

    theirs, ours = entry["songs"], _histogram(silence, entry)
    bounds = [f"less than {10 * number} %" for number in range(1, 10)] + ["more than 90 %"]
    rows = []
    for number, bound in enumerate(bounds):
        shares = [100 * counts[number] / max(sum(counts), 1) for counts in (theirs, ours or theirs)]
        cells = [
            f"{counts[number]} ({share:.1f} %)" for counts, share in zip((theirs, ours or theirs), shares, strict=True)
        ]
        rows.append((bound, cells[0], *((cells[1], f"{shares[1] - shares[0]:+.1f}") if ours else ("-", "-"))))
    rows.append(("all", str(sum(theirs)), str(sum(ours)) if ours else "no run", ""))
    sets = [key for key in data if key == entry["data"] or data[key].get("needs") == entry["data"]]
    lines = data_commands(data, [key for key in sets if f"--statistics silence/{entry['data']}" in str(data[key])])
    table = markdown(("songs with silence of", "thesis", "ours", "difference in points"), rows)
    block = "\n".join(lines)
    return f"### {name}: {entry['title']}\n\n{table}\n\n```sh\n{block}\n```\n"


def _histogram(silence: Path | None, entry: dict) -> list[int] | None:
    """Our counts for one histogram, or None if there are none."""
    import csv

    path = Path(silence or "") / entry["data"] / "histogram.csv"
    if silence is None or not path.exists():
        return None
    with open(path, encoding="utf-8", newline="") as file:
        try:
            counts = [int(row[entry["when"]]) for row in csv.DictReader(file) if row.get(entry["when"]) is not None]
        except ValueError:
            counts = []
    if len(counts) not in (0, 10):
        raise ValueError(f"{path}: is not a histogram of ten rows as written by splitstrument silence --statistics")
    return counts or None


def data_commands(data: dict[str, dict], names: Iterable[str]) -> list[str]:
    """The commands that make the data sets `names` and, before them, the sets they need; each command once."""
    lines = []
    for name in names:
        needed = [data[name]["needs"]] if "needs" in data[name] else []
        for data_set in (*needed, name):
            lines += [line for line in data[data_set]["commands"] if line not in lines]
    return lines
