"""Settings from outside (files, the command line) -> checked, frozen dataclasses; errors name the field."""

import difflib

from pydantic import ConfigDict, TypeAdapter, ValidationError

STRICT = ConfigDict(extra="forbid")


def checked(settings, values, where):
    """`values` (a dict; text is converted) as an instance of the dataclass `settings`.

    Raises ValueError with one line that names `where` the values come from, each field and what is wrong with it.
    """
    try:
        return TypeAdapter(settings).validate_python(values)
    except ValidationError as error:
        raise ValueError(f"{where}: " + "; ".join(_reason(settings, e) for e in error.errors())) from None


def _reason(settings, error):
    field = ".".join(str(part) for part in error["loc"])
    if error["type"] == "unexpected_keyword_argument":
        known = list(settings.__dataclass_fields__)
        close = difflib.get_close_matches(str(error["loc"][-1]), known, 1)
        return f"no option {field!r}; " + (f"did you mean {close[0]}?" if close else "known: " + ", ".join(known))
    message = error["msg"].removeprefix("Value error, ")
    return f"{field}: {message}" if field else message
