"""Writes beats and sections: CSV and JSON for programs, and label tracks for Audacity (File > Import > Labels).

A line of a label track is start, end and text, with tabs between; times are in seconds.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from splitstrument.files.tables import write_csv
from splitstrument.files.texts import write_text
from structure.analysis import Beats, Sections


def write_beats(beats: Beats, song: str, folder: Path) -> None:
    """Write beats.csv, beats.json, and the labels beats.txt (places in the bar) and bars.txt (numbers of bars).

    Beats before the first whole bar, a pick-up, have bar 0. Raises AudioError.
    """
    times = [round(time, 4) for time in beats.times.tolist()]
    places, bars = beats.places.tolist(), (beats.places == 1).cumsum().tolist()
    write_csv(folder / "beats.csv", [("time", "beat", "bar"), *zip(times, places, bars, strict=True)])
    starts = [time for time, place in zip(times, places, strict=True) if place == 1]
    content = {
        "song": song,
        "seconds": round(beats.seconds, 4),
        "tempo": round(beats.tempo, 2),
        "beats": [
            {"time": time, "beat": place, "bar": bar, "beats_in_bar": metre}
            for time, place, bar, metre in zip(times, places, bars, beats.metres.tolist(), strict=True)
        ],
        "bars": starts,
    }
    _write_json(folder / "beats.json", content)
    _write_labels(folder / "beats.txt", ((time, time, str(place)) for time, place in zip(times, places, strict=True)))
    ends = [*starts[1:], round(beats.seconds, 4)]
    numbered = ((start, end, str(number)) for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1))
    _write_labels(folder / "bars.txt", numbered)


def write_sections(sections: Sections, song: str, folder: Path) -> None:
    """Write sections.csv, sections.json and the labels sections.txt. Raises AudioError."""
    edges = [round(time, 4) for time in sections.edges.tolist()]
    rows = list(zip(edges[:-1], edges[1:], sections.labels, strict=True))
    write_csv(folder / "sections.csv", [("start", "end", "label"), *rows])
    named = [{"start": start, "end": end, "label": label} for start, end, label in rows]
    _write_json(folder / "sections.json", {"song": song, "seconds": edges[-1], "sections": named})
    _write_labels(folder / "sections.txt", rows)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _write_labels(path: Path, rows: Iterable[tuple[float, float, str]]) -> None:
    write_text(path, "".join(f"{start:.6f}\t{end:.6f}\t{text}\n" for start, end, text in rows))
