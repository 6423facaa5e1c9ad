"""The process that separates: it loads each model once, keeps it, and draws what comes out.

It reads only what `decoding` wrote. The server itself loads neither TensorFlow nor a model, so its answers do not wait.
"""

import json
import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from webapp.pages.refused import Refused
from webapp.sandbox import Stopped

MIXTURE = "mixture"
_PATIENCE = 20.0  # seconds to wait for a process that was asked to stop
_SEPARATING = 0.8  # share of the work that is separation; the rest is to draw


class Separation:
    """A process with models, one song at a time. It starts at once, and again where it has died.

    `models`: {name: model, as Separator takes it}; `device`: "cpu", "gpu" or "".
    """

    def __init__(self, models, device):
        self._models, self._device = models, device
        self._process = None
        self._begin()

    def _begin(self):
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        arguments = (theirs, os.getpid(), os.getcwd(), self._models, self._device)
        self._process = context.Process(target=_work, args=arguments, daemon=True)
        self._process.start()
        theirs.close()

    def run(self, model, folder, tell=lambda share: None, stopped=lambda: False):
        """Separate `folder`/mixture.wav and fill the folder: the formats it can have, ["wav", "flac", ...].

        For the mixture and each part NAME.wav and .png, and peaks.json; other formats are made when they are asked for.
        Raises Stopped where `stopped()` turns true, and Refused with a line for people where it fails.
        """
        if not self._process.is_alive():
            self._begin()
        asked = None
        try:
            self._ours.send((model, str(folder)))
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

    def end(self):
        """End the process."""
        self._process.kill()
        self._process.join()


def _work(connection, parent, folder, models, device):
    """Inside the process: take requests until the other end is gone."""
    import signal

    from splitstrument.separator import Separator
    from splitstrument.stages.console import error_line
    from splitstrument.stages.workers import work_for

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the parent, which ends this one
    work_for(parent, folder)
    kept = {}

    def separator(name):
        if name not in kept:
            kept[name] = Separator(models[name], device=device or None)
        return kept[name]

    for name in models:
        try:
            separator(name)
        except Exception as error:  # told again to whoever asks for it
            print(f"splitstrument: the model {name} cannot be used: {error_line(error)}", file=sys.stderr)
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        if request == "stop":  # came when the song was done already
            continue
        name, folder = request
        try:
            connection.send(("done", _separate(separator(name), Path(folder), _progress(connection))))
        except Stopped:
            connection.send(("stopped", None))
        except Exception as error:
            import traceback

            traceback.print_exc()
            connection.send(("failed", f"This could not be separated: {error_line(error)}."))


def _progress(connection):
    """A function that tells the other end of a share that is done, and raises Stopped where that wants it to stop."""
    lock, stop, told = threading.Lock(), False, 0.0

    def progress(share):
        nonlocal stop, told
        with lock:
            stop = stop or (connection.poll() and connection.recv() == "stop")
            if stop:  # for every thread that draws
                raise Stopped
            if time.monotonic() - told > 0.2:
                told = time.monotonic()
                connection.send(("share", share))

    return progress


def _separate(separator, folder, progress):
    from splitstrument.song_files import Output, separate_file
    from webapp.pages import wav

    mixture = folder / f"{MIXTURE}.wav"
    sound = wav.layout(mixture)
    total, done = sound["frames"] / sound["rate"], 0.0

    def heard(seconds):
        nonlocal done
        done += seconds
        progress(_SEPARATING * min(1.0, done / total))

    separate_file(separator, mixture, folder, Output("wav"), heard)
    return _finish(folder, (MIXTURE, *separator.instruments, "rest"), sound, progress)


def _finish(folder, names, sound, progress):
    """Draw the WAVs of these `names`: the formats that the stems can have, WAV first."""
    from splitstrument.files.writing import write_text
    from webapp.pages import spectrogram_image, wav

    shares = dict.fromkeys(names, 0.0)

    def drawn(name):
        def tell(share):
            shares[name] = share
            progress(_SEPARATING + (1 - _SEPARATING) * sum(shares.values()) / len(shares))

        return _drawn(folder / f"{name}.wav", sound, tell)

    with ThreadPoolExecutor(len(names)) as threads:
        peaks, powers = zip(*threads.map(drawn, names), strict=True)
    loudest = float(powers[0].max())
    for name, power in zip(names, powers, strict=True):
        spectrogram_image.save(folder / f"{name}.png", power, loudest)
    sounds = {
        name: wav.layout(folder / f"{name}.wav") | {"peaks": each} for name, each in zip(names, peaks, strict=True)
    }
    write_text(folder / "peaks.json", json.dumps(sounds))
    return ["wav", *(format for format in ("flac", "mp3") if _holds(format, sound))]


def _holds(format, sound):
    from splitstrument.files.audio import AudioError
    from splitstrument.files.writing import check_format

    try:
        check_format(format, sound["rate"], sound["channels"])
    except AudioError:
        return False
    return True


def _drawn(path, sound, tell):
    """The peaks of the WAV `path` and its spectrogram's power."""
    from splitstrument.files.audio import open_audio
    from webapp.pages.peaks import Peaks
    from webapp.pages.spectrogram_image import Spectrogram

    frames, rate, done = sound["frames"], sound["rate"], 0
    peaks, spectrogram = Peaks(frames), Spectrogram(frames, rate, sound["channels"])
    with open_audio(path) as reader:
        for block in reader.blocks(rate):
            peaks.add(block)
            spectrogram.add(block)
            done += len(block)
            tell(done / frames)
    return peaks.values(), spectrogram.finish()
