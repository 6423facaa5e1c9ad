"""Statistics of a catalogue: tracks, stems and hours per group and collection, and which names were guessed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from datasets_tools.tracks import GROUPS, Track
from splitstrument.files.tables import markdown, write_csv
from splitstrument.files.texts import write_text
from splitstrument.stages.run import Outcome

if TYPE_CHECKING:
    from datasets_tools.instruments import Guess

    Guesses = Mapping[tuple[str, str | None], tuple[Guess, int]]  # {(label, group): (guess, number of stems)}


@dataclass(frozen=True)
class Row:
    """One group in one collection; `hours` is the total length of its readable tracks."""

    group: str
    source: str
    tracks: int
    stems: int
    hours: float


@dataclass(frozen=True)
class _Length:
    """A track's number and the file that its length is taken from."""

    name: str
    path: Path
    stream: int


def lengths(tracks: Iterable[Track]) -> list[_Length]:
    """An item for `stages.run` for each track, named by its number in the list."""
    return [_Length(str(n), track.stems[0].path, track.stems[0].stream or 0) for n, track in enumerate(tracks)]


def measure(item: _Length) -> Outcome:
    """Read the length of an item of `lengths`. The Outcome's result is in seconds; 0 if the file does not state it."""
    from splitstrument.files.audio import AudioError, open_audio

    try:
        with open_audio(item.path, item.stream) as reader:
            return Outcome(item.name, result=(reader.info.frames or 0) / reader.info.sample_rate)
    except (AudioError, OSError):
        return Outcome(item.name, result=0.0)


def count(tracks: Iterable[Track], seconds: Iterable[float]) -> list[Row]:
    """A Row for every group of every collection; `seconds`: the length of each track."""
    rows: dict[tuple[str, str], Row] = {}
    for track, length in zip(tracks, seconds, strict=True):
        for group in track.groups:
            place = group, track.source or "?"
            before = rows.get(place, Row(*place, 0, 0, 0.0))
            stems = before.stems + sum(stem.group == group for stem in track.stems)
            rows[place] = Row(*place, before.tracks + 1, stems, before.hours + length / 3600)
    return sorted(rows.values(), key=lambda row: (GROUPS.index(row.group), row.source))


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    cells = [(row.group, row.source, row.tracks, row.stems, f"{row.hours:.2f}") for row in rows]
    return markdown(("group", "source", "tracks", "stems", "hours"), cells, left=2)


def print_guesses(guessed: "Guesses") -> None:
    """Print the names that were not in the table and the groups guessed for them (see catalogue.guesses)."""
    unsure = [(label, guess, stems) for (label, _), (guess, stems) in guessed.items() if not guess.sure]
    for label, guess, stems in sorted(unsure, key=lambda guess: -guess[2])[:30]:
        print(f"guessed: {label!r} ({stems} stems): {guess.group or 'unknown'}: {guess.reason}")
    if len(unsure) > 30:
        print(f"guessed: {len(unsure) - 30} more names; --statistics DIR lists them")


def write(folder: str | Path, rows: Iterable[Row], guessed: "Guesses") -> None:
    """Write statistics.csv, statistics.md, names.csv (every name with its group) and a chart to `folder`."""
    from datasets_tools.plots import stacked_bars

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    facts = [(row.group, row.source, row.tracks, row.stems, round(row.hours, 4)) for row in rows]
    write_csv(folder / "statistics.csv", [("group", "source", "tracks", "stems", "hours"), *facts])
    write_text(folder / "statistics.md", table(rows) + "\n")
    names = [(label, g.group, "yes" if g.sure else "no", g.reason, stems) for (label, _), (g, stems) in guessed.items()]
    write_csv(folder / "names.csv", [("name", "group", "sure", "reason", "stems"), *sorted(names, key=lambda n: n[0])])
    groups = [group for group in GROUPS if any(row.group == group for row in rows)]
    series = {}
    for source in sorted({row.source for row in rows}):
        tracks = {row.group: row.tracks for row in rows if row.source == source}
        series[source] = [tracks.get(group, 0) for group in groups]
    stacked_bars(folder / "statistics", groups, series, "Tracks with each group of instruments", "group", "tracks")
