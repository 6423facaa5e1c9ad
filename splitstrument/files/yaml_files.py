"""Reads YAML files, with one-line errors, and writes them in one step.

Unquoted values follow the rules of YAML 1.2, so `no`, `4:33`, `1_000` and `2024-01-01` are text. A number with leading
zeros, `007`, is text too.
"""

import functools
import os
import re
from typing import TYPE_CHECKING, Any

from splitstrument.files.texts import cannot_be_opened, write_text

if TYPE_CHECKING:
    from yaml import Node

_EMPTY = ("null", r"~|", "~")
_VALUES = (  # tag, pattern, possible first characters
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
    """The content of the YAML file `path`. Raises ValueError with one line if it cannot be read or has a key twice.

    With `names`, every unquoted value is text as written, such as a track's name 1979 or 1.10; only an empty value and
    ~ are None.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read(), names)
    except OSError as error:
        raise cannot_be_opened(path, error) from None
    except ValueError as error:
        raise ValueError(f"{path}: cannot be read as YAML ({error})") from None


def parse(text: str, names: bool = False) -> Any:
    """The content of a YAML `text`, as in `read_yaml`. Raises ValueError with one line."""
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
    """A class that loads YAML. `quick` uses libyaml, which refuses the lone surrogates in names that are not UTF-8."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader) if quick else yaml.SafeLoader
    loader = type("Loader", (base,), {"yaml_implicit_resolvers": {}})
    return _resolving(loader, (_EMPTY,) if names else _VALUES)


def _resolving(kind: Any, values: tuple[tuple[str, str, str], ...]) -> Any:
    """`kind`, a loader or dumper, extended by these kinds of unquoted `values`."""
    for tag, pattern, first in values:
        begins = [*first, ""] if tag == "null" else list(first)
        kind.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), begins)
    return kind


def _check_keys(node: "Node", seen: set[int]) -> None:
    """Raise ValueError if a mapping at or below `node` has a key twice; YAML would keep the last one."""
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
                    raise ValueError(f"line {line}: {key.value!r} was already given in line {before}")
                lines[key.tag, key.value] = line
        _check_keys(item, seen)


def plain(value: Any) -> Any:
    """`value` with lists instead of tuples, as in YAML and JSON."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def flat(values: Any, place: str = "") -> dict[str, Any]:
    """Nested dicts as {dotted name: value}."""
    if not isinstance(values, dict):
        return {place: values}
    branches = (flat(value, f"{place}.{name}" if place else name) for name, value in values.items())
    return {name: value for branch in branches for name, value in branch.items()}


def write_yaml(path: str | os.PathLike[str], content: Any, **style: Any) -> None:
    """Write `content` as YAML in its own order, with the `style` of yaml.dump. Raises AudioError if writing fails."""
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
    """A class that dumps YAML, with quotes around text that YAML 1.1 or 1.2 would read as something else."""
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper) if quick else yaml.SafeDumper
    return _resolving(type("Dumper", (base,), {}), _VALUES)
