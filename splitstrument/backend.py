"""Keras and its backend, imported in one place: without noise, and on the requested device."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def _standard_error_closed() -> Iterator[None]:
    """Close the process's standard error: TensorFlow writes to it about missing GPUs while it is imported."""
    if sys.stderr is None:  # the program has no standard error
        yield
        return
    sys.stderr.flush()
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


@contextlib.contextmanager
def _quickly() -> Iterator[None]:
    """Keep Keras from importing Matplotlib and scikit-learn, which takes a second and is not needed here."""
    absent = [name for name in ("matplotlib", "sklearn") if name not in sys.modules]
    modules: dict[str, Any] = {**dict.fromkeys(absent)}
    sys.modules.update(modules)  # importing a module whose entry is None fails
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@contextlib.contextmanager
def _without_keras_json() -> Iterator[None]:
    """Keep Keras from reading or writing keras.json, whose settings are meant for the user's own programs.

    So images are channels-last, as our networks expect, and only KERAS_BACKEND chooses the backend.
    """
    before = os.environ.get("KERAS_HOME")
    os.environ["KERAS_HOME"] = os.devnull  # there can be no file below it
    try:
        yield
    finally:
        del os.environ["KERAS_HOME"]
        if before is not None:
            os.environ["KERAS_HOME"] = before


def keras_on(device: str | None = None) -> Any:
    """Import Keras for "cpu", "gpu" or (None) any device that is available.

    Raises ValueError if a GPU is requested and none is found, or if KERAS_BACKEND names no backend.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if device == "cpu" and "keras" not in sys.modules:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    with _standard_error_closed(), _quickly(), _without_keras_json():
        try:
            import keras
        except ValueError as error:
            if "backend" not in str(error):
                raise
            chosen = os.environ.get("KERAS_BACKEND")
            raise ValueError(
                f"KERAS_BACKEND is {chosen}, which Keras does not know; use tensorflow, jax or torch"
            ) from None
        logging.getLogger("tensorflow").setLevel("ERROR")  # otherwise it warns about every network after the fourth
        gpus = keras.distribution.list_devices("gpu") if device == "gpu" else None
    if gpus == []:
        from splitstrument.commands import install_line

        way = install_line("splitstrument[gpu]")
        raise ValueError(f"no GPU found; leave out --device, or install GPU support: {way}")
    return keras


def tensorflow() -> Any:
    """Import TensorFlow, with as little noise. Raises ModuleNotFoundError if it is not installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _standard_error_closed(), _quickly(), _without_keras_json():
        import tensorflow

        return tensorflow


def processor_bfloat16() -> str:
    """How the processor multiplies bfloat16: "amx" (matrix units), "avx512", or "" if it would have to emulate it."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            flags = next((line for line in file if line.startswith("flags")), "").split()
    except OSError:
        return ""
    return "amx" if "amx_bf16" in flags else "avx512" if "avx512_bf16" in flags else ""
