"""Keras with its backend, imported in one place: quietly, on the device asked for."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def _standard_error_closed() -> Iterator[None]:
    """TensorFlow writes about absent GPUs to the process's standard error while it is imported; nobody asked."""
    if sys.stderr is None:  # a program without one: it is closed already
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
    """Keras imports Matplotlib and scikit-learn where they are, which takes a second; it needs neither here."""
    absent = [name for name in ("matplotlib", "sklearn") if name not in sys.modules]
    modules: dict[str, Any] = {**dict.fromkeys(absent)}
    sys.modules.update(modules)  # None: such an import fails
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@contextlib.contextmanager
def _without_keras_json() -> Iterator[None]:
    """Keras is imported as if there were no keras.json, and writes none: its settings are for a user's own programs.

    So images have their channels last, as in our networks, and KERAS_BACKEND alone chooses the backend.
    """
    before = os.environ.get("KERAS_HOME")
    os.environ["KERAS_HOME"] = os.devnull  # below which there is no file
    try:
        yield
    finally:
        del os.environ["KERAS_HOME"]
        if before is not None:
            os.environ["KERAS_HOME"] = before


def keras_on(device: str | None = None) -> Any:
    """Keras, on "cpu", "gpu" or (None) what there is.

    Raises ValueError where a GPU is asked for and none is found, and where KERAS_BACKEND is no backend.
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
                f"KERAS_BACKEND is {chosen}, which Keras does not know: tensorflow, jax or torch"
            ) from None
        logging.getLogger("tensorflow").setLevel("ERROR")  # else it warns of every network beyond the fourth
        gpus = keras.distribution.list_devices("gpu") if device == "gpu" else None
    if gpus == []:
        from splitstrument.commands import install_line

        way = install_line("splitstrument[gpu]")
        raise ValueError(f"no GPU is found; leave --device out, or install what GPUs need: {way}")
    return keras


def tensorflow() -> Any:
    """TensorFlow, imported as quietly. Raises ModuleNotFoundError where it is not installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _standard_error_closed(), _quickly(), _without_keras_json():
        import tensorflow

        return tensorflow


def processor_bfloat16() -> str:
    """What the processor multiplies bfloat16 with: "amx" (matrix units), "avx512", or "" where it would be emulated."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            flags = next((line for line in file if line.startswith("flags")), "").split()
    except OSError:
        return ""
    return "amx" if "amx_bf16" in flags else "avx512" if "avx512_bf16" in flags else ""
