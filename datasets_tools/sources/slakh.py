"""Slakh2100, Slakh2100-redux and BabySlakh (http://www.slakh.com): MIDI files rendered with sampled instruments.

`<Track>/metadata.yaml`, `<Track>/stems/SNN.flac` and `<Track>/mix.flac` (BabySlakh: .wav), either directly below the
root or in train, validation, test and omitted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets_tools.sources import field, is_audio, tracks_of, walk
from datasets_tools.tracks import Stem, Track
from splitstrument.files.yaml_files import read_yaml

_METADATA = "metadata.yaml"


def read(root: str | Path) -> Iterator[Track]:
    """Yield the tracks; the label is the name of the MIDI program, or "Drums".

    The stems are the files on disk, since BabySlakh's metadata mark some existing stems as not rendered.
    """
    listing = {folder: files for folder, _, files in walk(root)}
    places = {str(folder): (folder, listing) for folder, files in listing.items() if _METADATA in files}
    return tracks_of("slakh", _track, places)


def _track(folder: Path, listing: Mapping[Path, Sequence[str]]) -> Track | None:
    path, place = folder / _METADATA, folder / "stems"
    sounds = _sounds(listing.get(place, ()))
    if not sounds:
        return None
    stems, notes = [], []
    for key, part in field(read_yaml(path), "stems", dict, path).items():
        label = _label(part, f"{path}: stem {key}")
        if name := sounds.get(key):
            stems.append(Stem(name, place / name, label=label))
        elif part.get("audio_rendered"):
            notes.append(f"not on disk: stems/{key}")
    if not stems:
        return None
    if name := _sounds(listing[folder]).get("mix"):
        stems.append(Stem(name, folder / name, "mix", "mix"))
    return Track(folder.name, tuple(stems), "slakh", tuple(notes))


def _sounds(files: Iterable[str]) -> dict[str, str]:
    """{name without suffix: name} of the audio files among `files`."""
    return {name.rpartition(".")[0]: name for name in files if is_audio(name)}


def _label(part: Any, where: str) -> str:
    drums = isinstance(part, dict) and part.get("is_drum")
    return "Drums" if drums else field(part, "midi_program_name", str, where)
