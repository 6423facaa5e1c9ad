"""What our pages share: web.py behind waitress, safe headers, JSON, errors for people, and files sent in ranges.

A handler is a web.py class. It answers with `answer` (JSON) or `send_file`, and raises Refused with a status and a line
for people; other errors become 500 with an id that the log has too, and nothing of the code is shown. Pages are files
that scripts fill in, so nothing of a request is ever written into HTML but the escaped message of an error.
"""

import hashlib
import html
import json
import logging
import re
import secrets
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from io import RawIOBase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import web

from webapp.pages.refused import FULL, Refused, is_full

if TYPE_CHECKING:
    from waitress.server import BaseWSGIServer

Wsgi = Callable[[dict, Callable], Any]
log = logging.getLogger("splitstrument")
STATIC = Path(__file__).parent / "static"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".zip": "application/zip",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_FILE = "splitstrument.file"  # in the environment: the open file that is the answer's body


def application(
    urls: Sequence[str],
    handlers: Mapping[str, Any],
    context: Any,
    folder: str | Path,
    hosts: Collection[str] | None = None,
) -> Wsgi:
    """A WSGI application. `urls`: web.py's mapping of patterns to names in `handlers`; `context`: web.ctx.context.

    The files of `folder`, and those that all our pages share, are /static/NAME: those that are there now, by name, so
    that no path of a request is opened.
    `hosts`: the names under which it may be called, for a page that is this machine's alone (any name of a stranger's
    could lead here); None for all.
    """
    web.config.debug = False  # else web.py shows its code and variables where an error is
    files = {path.name: path for place in (STATIC, Path(folder)) for path in place.iterdir() if path.suffix in KINDS}

    class Guarded(web.application):
        def handle(self) -> Any:
            web.ctx.context, web.ctx.files = context, files
            try:
                if hosts and urlsplit(f"//{web.ctx.host}").hostname not in hosts:
                    raise Refused(403, "This page is only for the machine that it runs on.")
                _same_site()
                return super().handle()
            except Refused as refused:
                return _refusal(refused.status, refused.message)
            except web.HTTPError as error:
                return _not_ours(error)
            except Exception as error:
                if is_full(error):
                    log.error("%s", error)
                    return _refusal(507, FULL)
                number = secrets.token_hex(4)
                log.exception("error %s at %s %.200r", number, web.ctx.method, web.ctx.path)
                return _refusal(500, f"Something went wrong here. If you report it, say: error {number}.")

    handlers = {**handlers, "Static": Static}
    return _finished(Guarded(("/static/([^/]+)", "Static", *urls), handlers, autoreload=False).wsgifunc())


def _not_ours(error: web.HTTPError) -> str:
    """The answer to what web.py refuses. A redirection is passed on."""
    status = int(web.ctx.status.split()[0])
    if status < 400:
        raise error
    web.ctx.headers = [header for header in web.ctx.headers if header[0] != "Content-Type"]
    known = {404: "There is nothing at this address.", 405: "This address does not take that method."}
    return _refusal(status, known.get(status, "The server does not take this request."))


def _same_site() -> None:
    """Raise Refused if another site's page sends a request that would change something here."""
    if web.ctx.method in ("GET", "HEAD"):
        return
    site, origin = web.ctx.env.get("HTTP_SEC_FETCH_SITE"), web.ctx.env.get("HTTP_ORIGIN")
    # A proxy may change the host, so it is compared only for browsers that do not say where a request comes from.
    elsewhere = origin and origin.partition("://")[2] != web.ctx.host
    if site not in ("same-origin", "none") if site else elsewhere:
        raise Refused(403, "Another site's page may not do this.")


def _finished(inner: Wsgi) -> Wsgi:
    """`inner` with our headers on every answer, files as bodies, and no body for HEAD."""

    def wsgi(environ: dict[str, Any], start_response: Callable) -> Any:
        begun: list[Any] = []
        body = b"".join(inner(environ, lambda status, headers, *_: begun.extend((status, headers))))
        status, headers = begun
        given = {name.lower() for name, _ in headers}
        ours = HEADERS | {"Cache-Control": "no-store", "Content-Length": str(len(body))}
        start_response(status, headers + [(name, value) for name, value in ours.items() if name.lower() not in given])
        file = environ.pop(_FILE, None)
        if environ["REQUEST_METHOD"] == "HEAD":
            if file:
                file.close()
            return []
        # waitress sends a file by itself, so that a slow client keeps no thread waiting.
        return environ["wsgi.file_wrapper"](file) if file else [body]

    return wsgi


def answer(content: Any, status: str = "200 OK") -> str:
    """`content` as JSON."""
    web.ctx.status = status
    web.header("Content-Type", KINDS[".json"])
    return json.dumps(content)


def page(name: str) -> str:
    """The page `name`, one of the static files."""
    web.header("Content-Type", KINDS[".html"])
    web.header("Cache-Control", "no-cache")
    return web.ctx.files[name].read_text(encoding="utf-8")


def _refusal(status: int, message: str) -> str:
    reasons = {405: "Method Not Allowed", 410: "Gone", 429: "Too Many Requests", 507: "Insufficient Storage"}
    reason = reasons.get(status, "Refused")
    web.ctx.status = f"{status} {reason}"
    if status in (429, 503):
        web.header("Retry-After", "30")
    if web.ctx.path.startswith("/api/"):
        return answer({"status": status, "message": message}, web.ctx.status)
    # No page knows under which path a proxy may have it, only how deep below its top it is.
    top = "../" * min(web.ctx.path.count("/") - 1, 99) or "./"
    text = page("error.html").replace("TOP", top).replace("STATUS", str(status))
    return text.replace("MESSAGE", html.escape(message))


class Static:
    """/static/NAME: our own scripts, styles and pictures."""

    def GET(self, name: str) -> bytes:
        if name not in web.ctx.files or name.endswith(".html"):
            raise Refused(404, "There is nothing at this address.")
        content = web.ctx.files[name].read_bytes()
        tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        web.header("Cache-Control", "no-cache")  # kept by a browser, which asks each time whether it is still the same
        web.header("ETag", tag)
        known = web.ctx.env.get("HTTP_IF_NONE_MATCH", "").strip()
        if known == "*" or tag in re.findall(r'"[^"]*"', known):  # a proxy that compresses writes W/"..."
            web.ctx.status = "304 Not Modified"
            return b""
        web.header("Content-Type", KINDS[Path(name).suffix])
        return content


def send_file(path: str | Path, download: str | None = None) -> bytes:
    """Answer with the file `path`, or the range of it that is asked for; `download`: a name to save it by.

    Raises Refused where there is none, and 416 where the range lies outside.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115  (waitress closes it)
    except OSError:
        raise Refused(404, "There is no such file.") from None
    return send(file, Path(path).suffix, download)


def send(file: IO[bytes] | RawIOBase, suffix: str, download: str | None = None) -> bytes:
    """Answer with an open `file`, which is closed when it is sent, as `send_file` does; `suffix`: its kind."""
    size = file.seek(0, 2)
    start, stop = 0, size
    wanted = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", web.ctx.env.get("HTTP_RANGE", "").strip())
    if wanted and any(wanted.groups()):  # several ranges at once may be answered with the whole
        first, last = wanted.groups()
        start = int(first) if first else max(0, size - int(last))
        stop = min(size, int(last) + 1) if first and last else size
        if start >= stop:
            file.close()
            web.header("Content-Range", f"bytes */{size}")
            raise Refused(416, "The file has no such part.")
        web.ctx.status = "206 Partial Content"
        web.header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
    file.seek(start)
    web.header("Content-Type", KINDS[suffix])
    web.header("Content-Length", str(stop - start))
    web.header("Accept-Ranges", "bytes")
    if download:
        plain = re.sub(r"[^A-Za-z0-9 ._()-]", "_", download)
        web.header("Content-Disposition", f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(download)}")
    web.ctx.env[_FILE] = file
    return b""


def _worth_telling(record: logging.LogRecord) -> bool:
    """False for what waitress logs at its end about requests that nobody waits for any more."""
    return not str(record.msg).startswith("Canceling")


def server(wsgi: Wsgi, host: str, port: int, **settings: Any) -> "BaseWSGIServer":
    """A waitress server of `wsgi` that listens, with its `address`; `run()` answers until Ctrl-C or SIGTERM.

    `settings`: waitress's. OSError where the port is taken.
    """
    import waitress

    from webapp.pages.connections import channel_class

    logging.getLogger("waitress").setLevel(logging.WARNING)  # else it writes paths as strangers send them
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    logging.getLogger("waitress").addFilter(_worth_telling)
    # A large file goes out piece by piece; so many connections may be open that slow ones keep nobody out.
    own = {"ident": "splitstrument", "connection_limit": 1000, "asyncore_use_poll": True, "log_socket_errors": False}
    own |= {"channel_timeout": 60, "max_request_header_size": 2**15, "inbuf_overflow": 2**16}
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from None
    made = waitress.create_server(wsgi, sockets=[listening], **own | settings)
    made.channel_class = channel_class((*HEADERS.items(), ("Cache-Control", "no-store")))
    made.address = f"http://{f'[{host}]' if ':' in host else host}:{made.effective_port}"
    return made
