"""Settings from outside (files, the command line) -> checked, frozen dataclasses; errors name the field."""

import dataclasses
import typing

from splitstrument.naming import no_such

STRICT = {"extra": "forbid"}  # of pydantic: unknown fields are errors


def checked(settings, values, where):
    """`values` (a dict; text is converted) as an instance of the dataclass `settings`.

    Raises ValueError with one line that names `where` the values come from, each field and what is wrong with it.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(settings).validate_python(values)
    except ValidationError as error:
        raise ValueError(f"{where}: " + "; ".join(_reason(settings, e) for e in error.errors())) from None


def _reason(settings, error):
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] == "unexpected_keyword_argument":
        return no_such("option", field, _fields(settings, error["loc"][:-1]))
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
