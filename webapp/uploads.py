"""Uploads: read a multipart body with limits into files and some short fields, with the library `multipart`.

web.py's own parser has no limits and accepts a body that breaks off.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import web

from webapp.pages.refused import Refused

if TYPE_CHECKING:
    from multipart import MultipartSegment, PushMultipartParser

_FIELDS = {"model": (64, 1000), "youtube": (1, 6000)}  # how many of each, and the most bytes of one
SONG, EXAMPLE = "upload", "example"  # what the files are called in the job's folder
FILES = {"song": SONG, "example": EXAMPLE}
EXAMPLE_MEGABYTES = 20
_CHUNK = 1 << 18


@dataclass(frozen=True)
class Form:
    """What a person sent: the names of models, a link, and the files' own names, each "" or () where there is none."""

    models: tuple[str, ...] = ()
    youtube: str = ""
    song: str = ""
    example: str = ""


def receive(folder: Path, megabytes: int) -> Form:
    """Read the body of the current request, and write the bytes of its FILES, {field: name}, into `folder`.

    Its fields are `model`, once for each model, `youtube`, and the files `song` and `example`, of which a browser sends
    an empty one where none was chosen; then there is no such file. Raises Refused: 400 where the body is none of
    these, breaks off, or has two files of one field, 413 where the song has more `megabytes` or the example is too
    large.
    """
    from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

    environ = web.ctx.env
    kind, options = parse_options_header(environ.get("CONTENT_TYPE", ""))
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not length:
        raise Refused(400, "The request has no content, or does not say its length.")
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise Refused(400, "The request must be a form (multipart/form-data).")
    values: dict[str, list[bytes]] = {name: [] for name in _FIELDS}
    segment: Any = None  # the part of the form whose bytes come
    names: dict[str, str] = {}
    try:
        with contextlib.ExitStack() as opened:
            files = {name: opened.enter_context(open(folder / file, "wb")) for name, file in FILES.items()}
            parser = PushMultipartParser(options["boundary"], length, max_segment_count=80, strict=True)
            for part in _parts(opened.enter_context(parser), environ["wsgi.input"]):
                if isinstance(part, MultipartSegment):
                    segment = part
                    if part.name in FILES and part.filename:
                        if part.name in names:
                            raise Refused(400, f"One {part.name} at a time: the form has two files.")
                        names[part.name] = part.filename
                    elif not part.filename and len(values.get(part.name, ())) < _FIELDS.get(part.name, (0, 0))[0]:
                        values[part.name].append(b"")
                    elif part.name not in FILES:
                        raise Refused(400, "The form has an unknown field, or a field too many times.")
                elif segment.name in FILES and not segment.filename:
                    raise Refused(400, f"The {segment.name} must be a file with a name.")
                elif segment.name in FILES:
                    files[segment.name].write(part)
                    most = EXAMPLE_MEGABYTES if segment.name == "example" else megabytes
                    if files[segment.name].tell() > most * 10**6:
                        raise Refused(413, f"The {segment.name} is too large: at most {most} MB.")
                else:
                    values[segment.name][-1] += part
                    if len(values[segment.name][-1]) > _FIELDS[segment.name][1]:
                        raise Refused(400, f"The field {segment.name} is too long.")
    except (MultipartError, ValueError):
        raise Refused(400, "The upload is incomplete or malformed.") from None
    models, links = (tuple(map(_text, values[name])) for name in _FIELDS)
    found = {name: names.get(name, "").strip() for name in FILES}
    for name, file in FILES.items():
        if not found[name]:
            (folder / file).unlink()
    return Form(tuple(filter(None, models)), "".join(links), **found)


def _parts(parser: "PushMultipartParser", body: BinaryIO) -> "Iterator[MultipartSegment | bytes]":
    """What `parser` finds in `body`: the header of each part of the form, then its bytes in pieces."""
    while not parser.closed:
        for part in parser.parse(body.read(_CHUNK)):
            if part:  # an empty one ends a part
                yield part


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace").strip()


def title_of(name: str) -> str:
    """The title for a file's name: without folders and suffix, one line of at most 120 characters."""
    base = re.split(r"[/\\]", name)[-1]
    base = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", base)
    base = " ".join("".join(c if c.isprintable() else " " for c in base).split())
    return base[:120].strip(" .") or "song"
