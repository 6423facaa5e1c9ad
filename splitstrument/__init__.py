"""splitstrument: take a song, get one instrument and the rest back."""

from typing import Any

__all__ = ["Separator"]


def __getattr__(name: str) -> Any:
    # Importing the package stays light; NumPy and Keras come with the class.
    if name == "Separator":
        from splitstrument.separator import Separator

        return Separator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
