"""Count the genres of a data set, from a table with the genres of its tracks.

The table is CSV with the columns track and genre (other columns are ignored; a track may have several rows), or YAML
with lines `track: genre` or `track: [genres]`. Upper and lower case do not matter.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets_tools.organize import organised_tracks
from splitstrument.files.names import file_name
from splitstrument.files.tables import markdown, write_csv
from splitstrument.files.texts import cannot_be_opened
from splitstrument.files.yaml_files import read_yaml
from splitstrument.parser import Parser
from splitstrument.stages.console import command, some
from splitstrument.stages.run import StageError
from splitstrument.tracks import TrackError, find_at_all_rates

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Row:
    """A genre, the number of tracks that have it, and their share of all tracks."""

    genre: str
    tracks: int
    percent: float


def read_table(path: str | Path) -> dict[str, list[str]]:
    """Read the table `path`: {track: its genres, each once}. Raises ValueError, in one line, if it is not a table."""
    path = Path(path)
    read = _yaml_entries if path.suffix.lower() in (".yaml", ".yml") else _csv_entries
    table: dict[str, list[str]] = {}
    for track, genre in read(path):
        genres = table.setdefault(track, [])
        if genre and genre not in genres:
            genres.append(genre)
    if not table:
        raise ValueError(f"{path}: contains no tracks")
    return table


def _yaml_entries(path: Path) -> Iterator[tuple[str, str]]:
    content = read_yaml(path, names=True)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: must have lines of the form 'track: genre' or 'track: [genre, genre]'")
    for track, genres in content.items():
        for genre in genres if isinstance(genres, list) and genres else [genres]:
            if isinstance(genre, list | dict):
                raise ValueError(f"{path}: {track}: the genre must be text or a list of texts")
            yield str(track), "" if genre is None or genre == [] else str(genre).strip()


def _csv_entries(path: Path) -> Iterator[tuple[str, str]]:
    import csv

    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, skipinitialspace=True)
            columns = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
            for column in ("track", "genre"):
                if column not in columns:
                    there = ", ".join(rows.fieldnames or ()) or "none"
                    raise ValueError(f"{path}: the first line has no column {column}; its columns are: {there}")
            for row in rows:
                if track := (row[columns["track"]] or "").strip():
                    yield track, (row[columns["genre"]] or "").strip()
    except OSError as error:
        raise cannot_be_opened(path, error) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: cannot be read as CSV ({error})") from None


def tracks_of(dataset: Path) -> list[str]:
    """The names of the tracks in a folder of tracks or an organised folder. Raises StageError if it is neither."""
    try:
        return sorted({track.name for track in find_at_all_rates(dataset)})
    except TrackError:
        pass
    try:
        return [track.name for track in organised_tracks(dataset)]
    except StageError:
        raise StageError(f"{dataset}: contains neither mixed nor organised tracks") from None


def count(table: Mapping[str, Sequence[str]], names: Iterable[str] | None = None) -> tuple[list[Row], list[str]]:
    """Count the genres of the tracks called `names` (default: all tracks of `table`).

    Returns (a Row for every genre, the most frequent first and "unknown" last; the tracks of `table` that are not in
    `names`).
    """
    by_name = {file_name(track): genres for track, genres in table.items()}
    names = [file_name(name) for name in (table if names is None else names)]
    spellings, counts = dict[str, str](), Counter[str]()
    for name in names:
        genres = by_name.get(name) or [UNKNOWN]
        for genre in {spellings.setdefault(genre.casefold(), genre) for genre in genres}:
            counts[genre] += 1
    order = sorted(counts, key=lambda genre: (genre.casefold() == UNKNOWN, -counts[genre], genre.casefold()))
    rows = [Row(genre, counts[genre], 100 * counts[genre] / len(names)) for genre in order]
    return rows, [track for track in table if file_name(track) not in set(names)]


def text(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    return markdown(("genre", "tracks", "percent"), [(row.genre, row.tracks, f"{row.percent:.1f}") for row in rows])


@command
def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser("genres", __doc__.split("\n")[0])
    parser.add_argument("table", type=Path, help="CSV with the columns track and genre, or YAML (track: genre)")
    dataset = "an organised folder or a folder of tracks; only its tracks are counted"
    parser.add_argument("dataset", type=Path, nargs="?", help=dataset)
    parser.add_argument("--statistics", type=Path, metavar="DIR", help="write genres.csv and a chart to this folder")
    options = parser.parse_args(arguments)
    table = read_table(options.table)
    names = list(table) if options.dataset is None else tracks_of(options.dataset)
    rows, absent = count(table, names)
    if options.statistics:
        from datasets_tools.plots import bars

        folder = options.statistics
        folder.mkdir(parents=True, exist_ok=True)
        facts = [(row.genre, row.tracks, round(row.percent, 2)) for row in rows]
        write_csv(folder / "genres.csv", [("genre", "tracks", "percent"), *facts])
        values = [row.tracks for row in rows]
        bars(folder / "genres", [row.genre for row in rows], values, "Genres", "genre", "tracks")
    print(text(rows))
    print(f"tracks: {len(names)}")
    if absent:
        print(f"note: these tracks of the table are not in {options.dataset}: {some(absent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
