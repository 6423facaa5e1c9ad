"""The message for an unknown name: it suggests the closest known one."""

import difflib
from collections.abc import Iterable


def no_such(what: str, name: object, known: Iterable[object]) -> str:
    """One line that says that no `what` is called `name`, and which of the `known` names may be meant instead."""
    names = [str(one) for one in known]
    close = difflib.get_close_matches(str(name), names, 1, 0.5)
    hint = f"did you mean {close[0]}?" if close else "there are: " + ", ".join(names)
    return f"no {what} is called {str(name)!r}; {hint}"
