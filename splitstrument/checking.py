"""Turns settings from files or the command line into checked, frozen dataclasses. Errors name the field."""

import dataclasses
import typing
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from splitstrument.suggestions import no_such

if TYPE_CHECKING:
    from pydantic import ConfigDict

Settings = TypeVar("Settings")
Place = tuple[str | int, ...]  # the path to a field: names, and positions in lists
STRICT: "ConfigDict" = {"extra": "forbid"}  # for pydantic: unknown fields are errors


def checked(settings: type[Settings], values: Any, where: str | Callable[[Place], object]) -> Settings:
    """Make an instance of the dataclass `settings` from `values`, a dict whose text values are converted.

    Raises ValueError with one line that says `where` the values come from (text, or a function that maps a field's
    place to it), and what is wrong with each field.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        made = TypeAdapter(settings).validate_python(values)
    except ValidationError as error:
        wrong = [(fault["loc"], _reason(settings, fault)) for fault in error.errors()]
    else:
        wrong = [
            (place, f"{_dotted(place)}: must be a number, not true or false") for place in _no_numbers(values, made)
        ]
        if not wrong:
            return made
    reasons: dict[str, list[str]] = {}
    for place, reason in wrong:
        reasons.setdefault(str(where(place) if callable(where) else where), []).append(reason)
    raise ValueError("; ".join(f"{source}: {'; '.join(its)}" for source, its in reasons.items()))


def _no_numbers(given: Any, found: Any, place: Place = ()) -> Iterator[Place]:
    """The places where `given` has a boolean that pydantic turned into a number: nobody writes true to mean 1."""
    if isinstance(given, bool):
        if not isinstance(found, bool) and isinstance(found, int | float):
            yield place
    elif isinstance(given, dict):
        for name, value in given.items():
            inner = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
            yield from _no_numbers(value, inner, (*place, name))
    elif isinstance(given, list | tuple) and isinstance(found, list | tuple):
        for number, (value, inner) in enumerate(zip(given, found, strict=True)):
            yield from _no_numbers(value, inner, (*place, number))


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place)


def _reason(settings: Any, error: Any) -> str:
    field = _dotted(error["loc"])
    if error["type"] == "unexpected_keyword_argument":
        above = field[: -len(str(error["loc"][-1]))]
        return no_such("option", field, [above + name for name in _fields(settings, error["loc"][:-1])])
    message = error["msg"].removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


def _fields(settings: Any, place: Place) -> list[str]:
    """The names of the fields at `place` below `settings`."""
    for part in place:
        if not isinstance(part, int):
            settings = typing.get_type_hints(settings).get(part, settings)
            while typing.get_args(settings):
                settings = typing.get_args(settings)[0]
    return [field.name for field in dataclasses.fields(settings)] if dataclasses.is_dataclass(settings) else []
