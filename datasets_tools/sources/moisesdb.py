"""MoisesDB (https://github.com/moises-ai/moises-db).

`<root>/moisesdb_v0.1/<UUID>/data.json` lists the song, its artist, its stems (guitar, other_keys, ...) and the
recordings of each stem. A recording is the file `<UUID>/<stemName>/<id>.wav`. There are no mixtures. Every recording
is read as a stem, because one of MoisesDB's stems may contain several instruments.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets_tools.sources import field, tracks_of, walk
from datasets_tools.tracks import Stem, Track
from splitstrument.files.texts import cannot_be_opened

_METADATA = "data.json"


def read(root: str | Path) -> Iterator[Track]:
    """Yield the tracks; the label is the recording's trackType ("acoustic guitar"), or else the name of its stem."""
    listing = {folder: files for folder, _, files in walk(root)}
    places = {str(folder): (folder, listing) for folder, files in listing.items() if _METADATA in files}
    return tracks_of("moisesdb", _track, places)


def _track(folder: Path, listing: Mapping[Path, Sequence[str]]) -> Track | None:
    path = folder / _METADATA
    song = _read_json(path)
    stems, notes = {}, []
    for stem in field(song, "stems", list, path):
        group = field(stem, "stemName", str, f"{path}: stems")
        where = f"{path}: {group}"
        for recording in field(stem, "tracks", list, where) if stem.get("tracks") else ():
            identity = field(recording, "id", str, where)
            file = f"{identity}.{recording.get('extension') or 'wav'}"
            if file in listing.get(folder / group, ()):
                label = str(recording.get("trackType") or group.replace("_", " "))
                stems[f"{group}/{file}"] = Stem(f"{group}/{file}", folder / group / file, label=label)
            else:
                notes.append(f"not on disk: {group}/{file}")
    name = " - ".join(str(song[key]) for key in ("artist", "song") if song.get(key)) or folder.name
    return Track(name, tuple(stems.values()), "moisesdb", tuple(notes)) if stems else None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise cannot_be_opened(path, error) from None
    except ValueError as error:
        raise ValueError(f"{path}: cannot be read as JSON ({error})") from None
