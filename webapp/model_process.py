"""The process that separates: it loads models, keeps the ones used last, and draws what comes out.

It reads only what `decoding` wrote. The server itself loads no model, so its answers do not wait.
"""

import contextlib
import gc
import importlib
import multiprocessing
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.song_files import MIXTURE
from webapp.pages.refused import FULL, Refused, is_full, without_folders
from webapp.sandbox import Stopped

if TYPE_CHECKING:
    from splitstrument.separator import Separator
    from webapp.pages import wav

Models = tuple[str, ...]
_PATIENCE = 20.0  # seconds to wait for a process that was asked to stop
_NETWORKS = 6  # that are kept in memory


@dataclass(frozen=True)
class Result:
    """The result of a song: the names of its parts, and the formats that their files can have, WAV first."""

    parts: tuple[str, ...]
    formats: tuple[str, ...]


class ModelProcess:
    """A process that separates one song at a time. It starts at once, and again if it has died.

    `folders`: {a model's name: its folder}; `device`: "cpu", "gpu" or "".
    """

    def __init__(self, folders: Mapping[str, str], device: str) -> None:
        self._folders, self._device = dict(folders), device
        self._begin()

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        arguments = (theirs, os.getpid(), os.getcwd(), self._folders, self._device)
        self._process = context.Process(target=_work, args=arguments, daemon=True)
        self._process.start()
        theirs.close()

    def run(
        self,
        models: Models,
        folder: Path,
        example: Path | None = None,
        tell: Callable[[float], object] = lambda share: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Result:
        """Separate `folder`/mixture.wav with these models, and fill the folder.

        It gets NAME.wav and .png for the mixture and each part, and peaks.json; other formats are made when they are
        asked for. `example`: a file with the sound to take out, where a model needs one.
        `tell(share)` hears of the progress, 0 to 1. Raises Stopped where `stopped()` turns true, and Refused with a
        line for people where it fails.
        """
        if not self._process.is_alive():
            self._begin()
        asked = None
        try:
            self._ours.send((models, str(folder), str(example) if example else None))
            while True:
                if asked is None and stopped():
                    asked = time.monotonic()
                    self._ours.send("stop")
                if asked and time.monotonic() > asked + _PATIENCE:
                    self.end()
                    raise Stopped
                if not self._ours.poll(0.2):
                    continue
                kind, value = self._ours.recv()
                if kind == "share":
                    tell(value)
                elif kind == "done":
                    return value
                elif kind == "stopped":
                    raise Stopped
                else:
                    raise Refused(500, value)
        except (EOFError, OSError):
            self.end()
            raise Refused(500, "The program that separates songs ended. Please try again.") from None
        except (Stopped, Refused):
            raise
        except BaseException:
            self.end()  # or what it still sends would be taken for the answer to the next job
            raise

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


class _Separators:
    """Separators of one or several models. Keeps the ones used last, with at most _NETWORKS networks."""

    def __init__(self, folders: Mapping[str, str], device: str) -> None:
        self._folders, self._device = folders, device
        self._kept: OrderedDict[Models, Separator] = OrderedDict()

    def room(self) -> bool:
        """Whether one more network can be loaded without dropping another."""
        return sum(map(len, self._kept)) < _NETWORKS

    def of(self, models: Models, example: str | None = None) -> "Separator":
        """The Separator of these models. Raises as Separator does, after writing one line to standard error.

        `example`: the path of an example, for models that need one.
        """
        from splitstrument.like import read_example
        from splitstrument.separator import SILENCE, Separator
        from splitstrument.stages.console import error_line

        wanted = read_example(Path(example)) if example else None
        if models not in self._kept:
            while self._kept and sum(map(len, self._kept)) + len(models) > _NETWORKS:
                self._kept.popitem(last=False)
                gc.collect()  # networks are cycles, which would wait for it
            folders = [self._folders[name] for name in models]
            try:
                self._kept[models] = Separator(
                    folders, device=self._device or None, example=SILENCE if wanted else None
                )
            except Exception as error:
                line = f"the model {'+'.join(models)} cannot be used: {error_line(error)}"
                print(f"splitstrument: {line}", file=sys.stderr)
                raise
        self._kept.move_to_end(models)
        return self._kept[models].like(wanted) if wanted else self._kept[models]


def _work(connection: Connection, parent: int, folder: str, folders: Mapping[str, str], device: str) -> None:
    """The main loop of the process: handle requests until the other end is gone."""
    import signal

    from splitstrument.stages.console import error_line
    from splitstrument.stages.workers import work_for

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the parent, which ends this one
    work_for(parent, folder)
    importlib.import_module("matplotlib.image")  # what draws takes most of a second, which the first song is spared
    separators, ahead = _Separators(folders, device), _without_example(folders)
    while True:
        if ahead and separators.room() and not connection.poll():  # while nobody waits
            with contextlib.suppress(Exception):  # told again to whoever asks for it
                separators.of((ahead.pop(0),))
            continue
        try:
            request = connection.recv()
        except EOFError:
            return
        if request == "stop":  # came when the song was done already
            continue
        models, folder, example = request
        try:
            result = _separate(separators.of(models, example), Path(folder), _progress(connection))
            connection.send(("done", result))
        except Stopped:
            connection.send(("stopped", None))
        except Exception as error:
            import traceback

            traceback.print_exc()
            line = without_folders(error_line(error), folder, *folders.values())
            connection.send(("failed", FULL if is_full(error) else f"This could not be separated: {line}."))


def _without_example(folders: Mapping[str, str]) -> list[str]:
    """The models that can be loaded before there is a song: those that need no example."""
    from splitstrument.cards import ModelError
    from splitstrument.parts import parts_of

    found = []
    for name, folder in folders.items():
        with contextlib.suppress(ModelError):  # told to whoever asks for it
            if not parts_of([folder]).example:
                found.append(name)
    return found


def _progress(connection: Connection) -> Callable[[float], None]:
    """A function that reports the share that is done, and raises Stopped if the other end wants to stop."""
    told = 0.0

    def progress(share: float) -> None:
        nonlocal told
        if connection.poll() and connection.recv() == "stop":
            raise Stopped
        if time.monotonic() - told > 0.2:
            told = time.monotonic()
            connection.send(("share", share))

    return progress


def _separate(separator: "Separator", folder: Path, progress: Callable[[float], None]) -> Result:
    from splitstrument.song_files import Output, separate_file
    from webapp.drawings import Drawings
    from webapp.pages import wav

    mixture = folder / f"{MIXTURE}.wav"
    layout = wav.layout(mixture)
    drawings = Drawings((MIXTURE, *separator.parts), layout)
    done = 0.0

    def tell(seconds: float) -> None:
        nonlocal done
        done += seconds
        progress(min(1.0, done * layout["rate"] / layout["frames"]))

    separate_file(separator, mixture, folder, Output("wav"), tell, drawings.hear)
    drawings.save(folder)
    return Result(separator.parts, ("wav", *(format for format in ("flac", "mp3") if _holds(format, layout))))


def _holds(format: str, layout: "wav.Layout") -> bool:
    from splitstrument.files.audio import AudioError
    from splitstrument.files.writing import check_format

    try:
        check_format(format, layout["rate"], layout["channels"])
    except AudioError:
        return False
    return True
