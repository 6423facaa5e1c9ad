"""What to say when a name is not known: the nearest one that is."""

import difflib


def no_such(what, name, known):
    """One line that says that no `what` is called `name`, and which of the `known` names may be meant."""
    known = [str(each) for each in known]
    close = difflib.get_close_matches(str(name), known, 1, 0.5)
    hint = f"did you mean {close[0]}?" if close else "there are: " + ", ".join(known)
    return f"no {what} is called {str(name)!r}; {hint}"
