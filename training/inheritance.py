"""Read the configurations of runs: YAML files that inherit from each other.

A file may say `base: other.yaml` (relative to itself); its own fields override those of the base, one by one. Of
several bases, `base: [one.yaml, another.yaml]`, the later ones override the earlier ones. The run configurations
published with the 2021 thesis (.jsonc) can be read too, see `training.thesis_configuration`.
"""

from pathlib import Path
from typing import Any

from splitstrument.files.yaml_files import parse, read_yaml

VARY = "vary"  # the field of a file that makes a series of runs, see training.variants


def merged(path: str | Path) -> tuple[dict[str, Any], dict[tuple, Path | str]]:
    """(unchecked fields of the configuration `path` and its bases, {field path: the file that sets it})."""
    path = Path(path)
    if path.suffix != ".jsonc":
        return _read(path, ())
    from training.thesis_configuration import read

    values: dict[str, Any] = {}
    origins: dict[tuple, Path | str] = {}
    _merge(values, read(path), origins, path, ())
    return values, origins


def _read(path: Path, heirs: tuple[Path, ...]) -> tuple[dict, dict]:
    """(values, {field path: the file that sets it}) of a YAML file and its bases."""
    if path.resolve() in heirs:
        raise ValueError(f"{path}: inherits from itself")
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise ValueError(f"{path}: contains no fields")
    _read_sources(path.parent, values.get("collections"))
    bases = values.pop("base", [])
    bases = [bases] if isinstance(bases, str) else bases
    if not (isinstance(bases, list) and all(isinstance(base, str) for base in bases)):
        raise ValueError(f"{path}: base: must be a file name, or a list of them")
    merged: dict[str, Any] = {}
    origins: dict[tuple, Path | str] = {}
    for base in bases:
        inherited, places = _read(path.parent / base, (*heirs, path.resolve()))
        _merge(merged, inherited, origins, path, ())
        origins |= places
    _merge(merged, values, origins, path, ())
    return merged, origins


def _read_sources(folder: Path, collections: Any) -> None:
    """Replace the names of files of sources by their contents."""
    for collection in collections if isinstance(collections, list) else ():
        listed = collection.get("sources") if isinstance(collection, dict) else None
        sources: list = []
        for each in [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else ():
            found = read_yaml(folder / each) if isinstance(each, str) else each
            sources += found if isinstance(found, list) else [found]
        if sources:
            collection["sources"] = sources


def _merge(into: dict, values: dict, origins: dict, path: Path | str, place: tuple) -> None:
    for name, value in values.items():
        origins[(*place, name)] = path
        if isinstance(value, dict):
            into[name] = into[name] if isinstance(into.get(name), dict) else {}
            _merge(into[name], value, origins, path, (*place, name))
        else:
            into[name] = value


def change(values: dict, origins: dict, text: str) -> None:
    """Apply the change `text` ("field=value") from the command line. Raises ValueError."""
    names, equals, value_text = text.partition("=")
    if not equals or not names:
        raise ValueError(f"--set {text}: must be field=value")
    try:
        value: Any = parse(value_text)
    except ValueError:
        raise ValueError(f"--set {text}: the value cannot be read as YAML") from None
    for name in reversed(names.split(".")):
        value = {name: value}
    _merge(values, value, origins, f"--set {text}", ())
