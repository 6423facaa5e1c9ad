"""YAML files: read with errors of one line, written whole or not at all.

Plain words are read by the rules of YAML 1.2, so that `no`, `4:33`, `1_000` and `2024-01-01` are text; and so is a
number with zeros in front, `007`.
"""

import functools
import os
import re
from typing import TYPE_CHECKING, Any

from splitstrument.files.texts import cannot_be_opened, write_text

if TYPE_CHECKING:
    from yaml import Node

_EMPTY = ("null", r"~|", "~")
_VALUES = (  # tag, pattern, with what it may begin
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+0123456789.",
    ),
)


def read_yaml(path: str | os.PathLike[str], names: bool = False) -> Any:
    """What the YAML file `path` holds; ValueError with one line where it cannot be read or gives a key twice.

    With `names` every plain word is text, as it is written, such as a track's name 1979 or 1.10; only nothing, and ~,
    are None.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read(), names)
    except OSError as error:
        raise cannot_be_opened(path, error) from None
    except ValueError as error:
        raise ValueError(f"{path}: cannot be read as YAML ({error})") from None


def parse(text: str, names: bool = False) -> Any:
    """What a YAML `text` holds, as in `read_yaml`; ValueError with one line."""
    import yaml

    loader = _loader(names, "\\uD" not in text)(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _check_keys(root, set())
        return loader.construct_document(root)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).replace('"<unicode string>", ', "").split())) from None
    finally:
        loader.dispose()


@functools.cache
def _loader(names: bool, quick: bool) -> Any:
    """A class that loads YAML; libyaml is `quick` but refuses lone surrogates, which names that are no UTF-8 have."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader) if quick else yaml.SafeLoader
    loader = type("Loader", (base,), {"yaml_implicit_resolvers": {}})
    return _resolving(loader, (_EMPTY,) if names else _VALUES)


def _resolving(kind: Any, values: tuple[tuple[str, str, str], ...]) -> Any:
    """`kind`, a loader or dumper, which now knows these plain `values`, too."""
    for tag, pattern, first in values:
        begins = [*first, ""] if tag == "null" else list(first)
        kind.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), begins)
    return kind


def _check_keys(node: "Node", seen: set[int]) -> None:
    """Raise ValueError where a mapping at or below `node` gives a key twice; YAML would keep the last one."""
    import yaml

    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))
    lines: dict[tuple[str, str], int] = {}
    for item in node.value:
        if isinstance(node, yaml.MappingNode):
            key, item = item
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode):
                if before := lines.get((key.tag, key.value)):
                    raise ValueError(f"line {line}: {key.value!r} is given already, in line {before}")
                lines[key.tag, key.value] = line
        _check_keys(item, seen)


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
    text: Any
    try:
        text = yaml.dump(plain(content), Dumper=_dumper(quick=True), **style)
    except UnicodeEncodeError:  # lone surrogates
        text = yaml.dump(plain(content), Dumper=_dumper(quick=False), **style | {"allow_unicode": False})
    write_text(path, text)


@functools.cache
def _dumper(quick: bool) -> Any:
    """A class that dumps YAML, with quotes around text that YAML 1.1 or 1.2 would take for something else."""
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper) if quick else yaml.SafeDumper
    return _resolving(type("Dumper", (base,), {}), _VALUES)
