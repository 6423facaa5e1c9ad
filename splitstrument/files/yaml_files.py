"""YAML files: read with errors of one line, written whole or not at all."""

import os
from typing import Any

from splitstrument.files.texts import cannot_be_opened, write_text


def read_yaml(path: str | os.PathLike[str]) -> Any:
    """What the YAML file `path` holds; ValueError with one line where it cannot be read."""
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise cannot_be_opened(path, error) from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from None


def plain(value: Any) -> Any:
    """`value` with lists for tuples, as YAML and JSON keep them."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def flat(values: Any, place: str = "") -> dict[str, Any]:
    """{dotted name: value} of nested dicts."""
    if not isinstance(values, dict):
        return {place: values}
    branches = (flat(value, f"{place}.{name}" if place else name) for name, value in values.items())
    return {name: value for branch in branches for name, value in branch.items()}


def write_yaml(path: str | os.PathLike[str], content: Any, **style: Any) -> None:
    """Write `content` as YAML in its own order; `style`: of yaml.dump. Raises AudioError where writing fails."""
    import yaml

    style = {"sort_keys": False, "allow_unicode": True, "width": 1000} | style
    text: Any = yaml.dump(plain(content), Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), **style)
    write_text(path, text)
