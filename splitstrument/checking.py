"""Settings from outside (files, the command line) -> checked, frozen dataclasses; errors name the field."""

import dataclasses
import typing

from splitstrument.naming import no_such

STRICT = {"extra": "forbid"}  # of pydantic: unknown fields are errors


def checked(settings, values, where):
    """`values` (a dict; text is converted) as an instance of the dataclass `settings`.

    Raises ValueError with one line that names `where` the values come from (text, or a function of a field's place, a
    tuple of names), each field and what is wrong with it.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(settings).validate_python(values)
    except ValidationError as error:
        said = {}
        for each in error.errors():
            said.setdefault(where(each["loc"]) if callable(where) else where, []).append(_reason(settings, each))
        raise ValueError("; ".join(f"{source}: {'; '.join(reasons)}" for source, reasons in said.items())) from None


def _reason(settings, error):
    field = ".".join(str(part) for part in error["loc"])
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
