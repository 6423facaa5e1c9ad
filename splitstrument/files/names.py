"""Makes names for files and folders from any song title."""

import hashlib
import itertools
import unicodedata
from collections.abc import Iterator

_LONGEST = 200  # bytes; with prefixes and suffixes, the name must fit in 255


def file_name(name: str) -> str:
    """`name` as the name of a file or folder: no slashes or control characters, not hidden, 200 bytes at most.

    A shortened name ends in eight hexadecimal digits of its SHA-256, so two long names stay different.
    """
    safe = "".join("_" if c in "/\\" or unicodedata.category(c) in ("Cc", "Cs") else c for c in name)
    safe = unicodedata.normalize("NFC", safe).strip()
    safe = "_" + safe[1:] if safe.startswith(".") else safe or "_"
    if len(safe.encode()) > _LONGEST:
        digits = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
        safe = safe.encode()[: _LONGEST - 9].decode(errors="ignore").rstrip() + "~" + digits
    return safe


def numbered(name: str, ending: str = "") -> Iterator[str]:
    """Yield names for things that would have the same one: "name", "name (2)", "name (3)" ..., each with the ending."""
    yield name + ending
    yield from (f"{name} ({number}){ending}" for number in itertools.count(2))
