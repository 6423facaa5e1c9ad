"""splitstrument: separates a song into instruments and the rest."""

from typing import Any

__all__ = ["Separator"]


def __getattr__(name: str) -> Any:
    # Importing the package stays light; NumPy and Keras come with the class.
    if name == "Separator":
        from splitstrument.separator import Separator

        return Separator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
