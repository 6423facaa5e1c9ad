"""A server of videos for tests: it sends a song as well and as badly as a server can."""

import contextlib
import http.server
import re
import threading
import time

from yt_dlp.extractor.common import InfoExtractor

MEGABYTE = 10**6
ENDLESS = 200 * MEGABYTE  # what the server gives up after


class Server(http.server.ThreadingHTTPServer):
    """Serves the file `song` as well and as badly as a server can; `asked` holds the paths that were requested."""

    daemon_threads = True

    def __init__(self, song):
        super().__init__(("127.0.0.1", 0), Answer)
        self.song, self.asked, self.sent = song, [], 0
        self.closing, self.gave_up = threading.Event(), False

    def address(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        self.close_connection = True
        with contextlib.suppress(OSError):  # the other side has heard enough
            getattr(self, self.path.strip("/").partition(".")[0])()

    def head(self, status=200, **headers):
        self.send_response(status)
        for name, value in {"Content_Type": "audio/ogg", "Connection": "close", **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def pour(self, chunked=False):
        block = bytes(1 << 16)
        while self.server.sent < ENDLESS:
            self.wfile.write(b"10000\r\n" + block + b"\r\n" if chunked else block)
            self.server.sent += len(block)

    def song(self, stop=None):
        """As YouTube does it: parts of the file, for those who ask for them."""
        song, asked = self.server.song, re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            self.head(Content_Length=len(song))
            self.wfile.write(song[:stop])
            return
        start, end = int(asked[1]), min(int(asked[2] or len(song)), len(song) - 1)
        self.head(206, Content_Length=end + 1 - start, Content_Range=f"bytes {start}-{end}/{len(song)}")
        self.wfile.write(song[start : end + 1])

    def broken(self):
        first = self.server.asked.count(self.path) == 1
        self.song(len(self.server.song) * 3 // 4 if first else None)

    small = song

    def lengthless(self):
        self.head()
        self.wfile.write(self.server.song)

    def slow(self):
        self.head(Content_Length=len(self.server.song))
        for start in range(0, len(self.server.song), 1 << 16):
            self.wfile.write(self.server.song[start : start + (1 << 16)])
            time.sleep(0.02)

    def silent(self):
        self.head(Content_Length=len(self.server.song))
        self.wfile.write(self.server.song[:1000])
        if not self.server.closing.wait(600):
            self.server.gave_up = True

    def endless(self):
        self.head()
        self.pour()

    def huge(self):
        self.head(Content_Length=10**12)
        self.pour()

    def more(self):
        self.head(Content_Length=1000, Transfer_Encoding="chunked")
        self.pour(chunked=True)

    def less(self):
        self.head(Content_Length=2 * len(self.server.song))
        self.wfile.write(self.server.song)

    def empty(self):
        self.head(Content_Length=0)

    def gone(self):
        self.head(404, Content_Length=0)

    def busy(self):
        self.head(429, Content_Length=0)

    def moved(self):
        self.head(302, Location="/song.ogg", Content_Length=0)

    def away(self):
        self.head(302, Location="file:///etc/passwd", Content_Length=0)

    def page(self):
        self.head(Content_Type="text/html")
        self.wfile.write(b"<html><title>A page</title><p>No sound here.</html>")


class SongsIE(InfoExtractor):
    """Finds what the test says: `found`, with `server` for the addresses."""

    IE_NAME = "songs"
    _VALID_URL = r"http://127\.0\.0\.1:\d+/songs"
    found = {}

    def _real_extract(self, url):
        return {"id": "1", "title": "A song", **self.found}


@contextlib.contextmanager
def serving(song):
    """A Server of the bytes of a song, while it serves."""
    server = Server(song)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
