"""The command `serve`: the demonstrator, where anyone can separate songs in a browser."""

import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from splitstrument.parser import Parser
from splitstrument.stages.console import command

if TYPE_CHECKING:
    from waitress.server import BaseWSGIServer

    from splitstrument.youtube import Rule
    from webapp.settings import Settings

_FILES = 4096
THREADS = 96  # they mostly wait; what computes has processes of its own


def _parser() -> argparse.ArgumentParser:
    from webapp.settings import add_flags

    parser = Parser("serve", "Serve a page on which anyone can separate songs in a browser.")
    parser.add_argument("--settings", metavar="FILE", help="a YAML file with these fields; flags override it")
    add_flags(parser)
    return parser


@command
def main(arguments: Sequence[str] | None = None) -> int:
    flags = vars(_parser().parse_args(arguments))
    import logging
    import resource

    from splitstrument.stages.locking import locked
    from webapp import settings

    chosen = settings.read(flags.pop("settings"), flags)
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < _FILES:  # a connection can have three open
        resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES if most < 0 else min(_FILES, most), most))
    chosen.folder.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    with locked(chosen.folder), demonstrator(chosen) as server:
        print(f"{server.address} (Ctrl-C ends it); results are kept in {chosen.folder}", flush=True)
        server.run()
    return 0


@contextlib.contextmanager
def demonstrator(settings: "Settings", rule: "Rule | None" = None) -> "Iterator[BaseWSGIServer]":
    """The demonstrator's server: it listens, its workers run, and its `run` answers requests.

    `rule`: which links are taken; YouTube's, but in tests. Raises ModelError, ValueError and OSError.
    """
    from splitstrument import youtube
    from webapp import app
    from webapp.jobs import Jobs
    from webapp.offer import offer
    from webapp.pages import site
    from webapp.uploads import EXAMPLE_MEGABYTES
    from webapp.worker import Janitor, Worker

    rule = rule or youtube.YOUTUBE
    offered = offer(settings.models)
    folders = {name: model.folder for name, model in offered.items()}
    store = Jobs(settings.folder, settings.hours_kept, settings.gigabytes_kept)
    workers = [Worker(store, settings, folders, rule) for _ in range(settings.workers)]
    wsgi = app.application(app.Demonstrator(settings, store, offered, workers, rule))
    proxy = {"trusted_proxy": settings.trusted_proxy, "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto"}
    examples = any(model.example for model in offered.values())
    most = (settings.megabytes + EXAMPLE_MEGABYTES * examples) * 10**6 + 2**16  # the form around the files
    proxy = proxy if settings.trusted_proxy else {}
    server = site.server(wsgi, settings.host, settings.port, threads=THREADS, max_request_body_size=most, **proxy)
    store.interrupted()
    store.expire()
    threads: list[Worker | Janitor] = [*workers, Janitor(store)]
    for thread in threads:
        thread.start()
    try:
        yield server
    finally:
        for thread in threads:
            thread.end()
        store.close()


if __name__ == "__main__":
    sys.exit(main())
