"""Connections: those of waitress, with limits that it lacks, and with its errors in our form."""

import contextlib
import json
import socket
from collections.abc import Iterable
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask
from waitress.utilities import BadRequest, Error

_LINE = 1024  # bytes of a line between the chunks of a body, and of what follows them
_STEP = 1 << 16  # bytes of a body that must come between two looks at who is idle
_TURN = 1 << 18  # bytes that go out before other connections have their turn
_BODIES = 100  # as many bodies of the largest size may arrive at once: they lie on disk


class _Full(Error):
    code, reason = 503, "Service Unavailable"


class Request(HTTPRequestParser):
    """A request as it arrives."""

    def received(self, data: bytes) -> int:
        consumed = super().received(data)
        # waitress keeps these lines however long they are, and copies them with every piece that comes.
        if self.chunked and max(len(self.body_rcv.control_line), len(self.body_rcv.trailer)) > _LINE:
            self.error, self.completed = BadRequest("A line between chunks is too long"), True
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError:  # an address like http://[ or a length of thousands of digits
            raise ParsingError("The address or the length is invalid") from None
        # A proxy could see another end of such a request than we do.
        if "TRANSFER_ENCODING" in self.headers or (self.chunked and "CONTENT_LENGTH" in self.headers):
            raise ParsingError("The length is given in two ways")

    @property
    def promised(self) -> int:
        """The largest number of bytes that its body may have."""
        return self.adj.max_request_body_size if self.chunked else self.content_length


class _JsonErrors(ErrorTask):
    """What waitress refuses by itself (a body too large, a broken request), in our form."""

    headers = ()

    def execute(self) -> None:
        error = self.request.error
        message = "This is larger than the server takes." if error.code == 413 else f"{error.reason}: {error.body}"
        body = json.dumps({"status": error.code, "message": message}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", "application/json"), *self.headers]
        if error.code == 503:
            self.response_headers.append(("Retry-After", "30"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)
        self.channel.lingers = True


class Channel(HTTPChannel):
    """A connection."""

    parser_class = Request
    sendbuf_len: int
    request: Any
    last_activity: float
    close_when_flushed: bool
    lingers = False  # after its last answer: what still comes is read and thrown away, or that answer would be lost
    _said_goodbye = False
    _counted = 0  # bytes of the body in hand when it last counted as active
    _turn = _TURN

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.sendbuf_len = min(self.sendbuf_len, _TURN)  # what is read of a file at once

    def received(self, data: bytes) -> int:
        begun = self.request is not None and self.request.headers_finished
        result = super().received(data)
        with self.requests_lock:
            request = self.request
            if request is not None and request.headers_finished and not begun and self._full():
                request.error, request.completed, self.request = _Full("too many songs are arriving"), True, None
                self.requests.append(request)
                if len(self.requests) == 1:
                    self.server.add_task(self)
        return result

    def _full(self) -> bool:
        arriving = 0
        for channel in self.server.active_channels.values():
            arriving += sum(each.promised for each in [*channel.requests, channel.request] if each)
        return arriving > _BODIES * self.adj.max_request_body_size

    def service(self) -> None:
        with self.requests_lock:
            # Answers to requests that were sent without waiting would keep a thread until the first has gone out.
            if len(self.requests) > 1:
                for request in self.requests[1:]:
                    request.close()
                del self.requests[1:]
                self.requests[0].headers["CONNECTION"] = "close"
        super().service()

    def handle_read(self) -> None:
        if self._said_goodbye:
            with contextlib.suppress(OSError):
                self.recv(self.adj.recv_bytes)  # it closes by itself where the other side has
            return
        before = self.last_activity
        super().handle_read()
        if self.request is None:
            self._counted = 0
        elif self.request.body_bytes_received - self._counted < _STEP:
            self.last_activity = before  # a byte now and then does not keep a connection
        else:
            self._counted = self.request.body_bytes_received

    def readable(self) -> bool:
        return self._said_goodbye or super().readable()

    def send(self, data: bytes, do_close: bool = True) -> int:
        # waitress would send for as long as a fast client takes what comes.
        if self._turn <= 0:
            return 0
        sent = super().send(data, do_close)
        self._turn -= sent
        return sent

    def write_soon(self, data: Any) -> int:
        self._turn = _TURN
        return super().write_soon(data)

    def handle_write(self) -> None:
        self._turn = _TURN
        lingers = self.lingers and self.close_when_flushed
        if lingers:
            self.close_when_flushed = False
        super().handle_write()
        if lingers and self.connected and not self.will_close:
            self.close_when_flushed = self.total_outbufs_len > 0
            if not self.close_when_flushed:
                self._said_goodbye = True
                with contextlib.suppress(OSError):
                    self.socket.shutdown(socket.SHUT_WR)


def channel_class(headers: Iterable[tuple[str, str]]) -> type[Channel]:
    """A Channel whose errors have these `headers`, (name, value) pairs."""
    errors = type("Errors", (_JsonErrors,), {"headers": tuple(headers)})
    return type("OurChannel", (Channel,), {"error_task_class": errors})
