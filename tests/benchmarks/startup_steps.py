"""The steps of `separate` inside one process, once all modules are imported: to load a model, and to separate a song.

    PYTHON startup_steps.py SONG MODEL RUNTIME < MODULES

Modules have a line each. Prints the seconds of both steps as JSON; the song's stems are not kept.
"""

import contextlib
import importlib
import json
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    song, model, runtime = sys.argv[1:]
    for name in sys.stdin.read().split():
        with contextlib.suppress(Exception):  # some are there only inside of others
            importlib.import_module(name)
    from splitstrument import Separator
    from splitstrument.song_files import Output, separate_file

    start = time.perf_counter()
    separator = Separator(model, runtime=runtime)
    loaded = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        separate_file(separator, song, Path(folder), Output())
        steps = {"load": loaded - start, "separate": time.perf_counter() - loaded}
    print(json.dumps(steps))


if __name__ == "__main__":
    main()
