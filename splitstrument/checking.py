"""Settings from outside (files, the command line) -> checked, frozen dataclasses; errors name the field."""

import dataclasses
import typing

from splitstrument.suggestions import no_such

STRICT = {"extra": "forbid"}  # of pydantic: unknown fields are errors


def checked(settings, values, where):
    """`values` (a dict; text is converted) as an instance of the dataclass `settings`.

    Raises ValueError with one line that names `where` the values come from (text, or a function of a field's place, a
    tuple of names), each field and what is wrong with it.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        found = TypeAdapter(settings).validate_python(values)
    except ValidationError as error:
        wrong = [(each["loc"], _reason(settings, each)) for each in error.errors()]
    else:
        wrong = [(place, f"{_dotted(place)}: must be a number, not yes or no") for place in _no_numbers(values, found)]
        if not wrong:
            return found
    said = {}
    for place, reason in wrong:
        said.setdefault(where(place) if callable(where) else where, []).append(reason)
    raise ValueError("; ".join(f"{source}: {'; '.join(reasons)}" for source, reasons in said.items()))


def _no_numbers(given, found, place=()):
    """The places where `given` has a boolean of which pydantic made a number, `found`: YAML's yes is no 1 to people."""
    if isinstance(given, bool):
        if not isinstance(found, bool) and isinstance(found, int | float):
            yield place
    elif isinstance(given, dict):
        for name, each in given.items():
            inner = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
            yield from _no_numbers(each, inner, (*place, name))
    elif isinstance(given, list | tuple) and isinstance(found, list | tuple):
        for number, (each, inner) in enumerate(zip(given, found, strict=True)):
            yield from _no_numbers(each, inner, (*place, number))


def _dotted(place):
    return ".".join(str(part) for part in place)


def _reason(settings, error):
    field = _dotted(error["loc"])
    if error["type"] == "unexpected_keyword_argument":
        above = field[: -len(str(error["loc"][-1]))]
        return no_such("option", field, [above + name for name in _fields(settings, error["loc"][:-1])])
    message = error["msg"].removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


def _fields(settings, place):
    """The names of the fields at `place` below `settings`: a path of field names and positions in tuples."""
    for part in place:
        if not isinstance(part, int):
            settings = typing.get_type_hints(settings).get(part, settings)
            while typing.get_args(settings):
                settings = typing.get_args(settings)[0]
    return [field.name for field in dataclasses.fields(settings)] if dataclasses.is_dataclass(settings) else []
