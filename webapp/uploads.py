"""Uploads: a multipart body, read by `multipart` with limits into one file and some short fields.

web.py's own parsing has no limits and takes a body that breaks off for a whole one.
"""

import re

import web

from webapp.pages.refused import Refused

_FIELDS = {"model": 1000, "youtube": 6000}  # the most bytes of each
_CHUNK = 1 << 18


def receive(target):
    """The body of the request in hand: {field: text}, with "name": the file's own name, where `target` has its bytes.

    Fields are model, youtube and the file `song`, of which a browser sends an empty one where none was chosen. Raises
    Refused (400) where the body is none of these, breaks off, or has two files.
    """
    from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

    environ = web.ctx.env
    kind, options = parse_options_header(environ.get("CONTENT_TYPE", ""))
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not length:
        raise Refused(400, "The request has no content, or does not say how much.")
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise Refused(400, "The request must be a form (multipart/form-data).")
    fields, segment, files = {}, None, 0
    try:
        with (
            open(target, "wb") as file,
            PushMultipartParser(options["boundary"], length, max_segment_count=8, strict=True) as parser,
        ):
            for part in _parts(parser, environ["wsgi.input"]):
                if isinstance(part, MultipartSegment):
                    segment = part
                    if part.name == "song" and part.filename:
                        files += 1
                        fields["name"] = part.filename
                    elif part.name in _FIELDS and part.name not in fields and not part.filename:
                        fields[part.name] = b""
                    elif part.name != "song":
                        raise Refused(400, "The form has a field that is not known, or one twice.")
                    if files > 1:
                        raise Refused(400, "One song at a time: the form has two files.")
                elif segment.name == "song" and not segment.filename:
                    raise Refused(400, "The song must be a file with a name.")
                elif segment.name == "song":
                    file.write(part)
                else:
                    fields[segment.name] += part
                    if len(fields[segment.name]) > _FIELDS[segment.name]:
                        raise Refused(400, f"The field {segment.name} is too long.")
    except (MultipartError, ValueError):
        raise Refused(400, "The upload is not complete, or not in the form of one.") from None
    return {name: _text(value) for name, value in fields.items()}


def _parts(parser, body):
    """What `parser` finds in `body`: the head of each part of the form, then its bytes in pieces."""
    while not parser.closed:
        for part in parser.parse(body.read(_CHUNK)):
            if part:  # an empty one ends a part
                yield part


def _text(value):
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else value).strip()


def title_of(name):
    """A file's name as a title to show: without its folders and suffix, in one line of at most 120 characters."""
    base = re.split(r"[/\\]", name)[-1]
    base = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", base)
    base = " ".join("".join(c if c.isprintable() else " " for c in base).split())
    return base[:120].strip(" .") or "song"
