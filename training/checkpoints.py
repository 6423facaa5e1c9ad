"""Checkpoints: everything that a run needs to continue as if it had never stopped. The last two are kept.

A checkpoint is one NumPy archive with every variable of the network and the optimizer (including the dropout
generators), and the state of the run as JSON. The archive has a checksum for each member, so a truncated or altered
file does not load. It is written to a temporary file, flushed to disk, and renamed.
"""

import contextlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from splitstrument.files.atomic import AtomicFile, remove_unfinished

KEPT = 2
STATE = "state"
# What reading a damaged file may raise.
BROKEN = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile)


class CheckpointError(ValueError):
    """Checkpoints exist but none can be read, or a checkpoint belongs to another network."""


def variables(trainee: Any) -> dict[str, Any]:
    """{name: variable} for everything that a step changes."""
    owners = {"network": trainee.network, "optimizer": trainee.optimizer}
    return {f"{owner}/{n}": variable for owner, of in owners.items() for n, variable in enumerate(of.variables)}


def values(trainee: Any) -> dict[str, np.ndarray]:
    """{name: array} for everything that a step changes, as copies."""
    return {name: np.array(variable) for name, variable in variables(trainee).items()}


def finite(arrays: dict[str, np.ndarray]) -> bool:
    """Whether no array contains NaN or infinity."""
    return all(np.isfinite(array).all() for array in arrays.values() if array.dtype.kind == "f")


def save(folder: str | Path, epoch: int, step: int, arrays: dict[str, np.ndarray], state: dict) -> None:
    """Write the checkpoint after `step` steps of `epoch`: `arrays` and `state` (for JSON); keep the last two."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    path = folder / f"{epoch:05d}-{step:08d}.npz"
    with AtomicFile(path, to_disk=True) as hidden, open(hidden, "wb") as file:
        members: dict[str, Any] = {**arrays, STATE: np.frombuffer(json.dumps(state).encode(), np.uint8)}
        np.savez(file, **members)
    for old in sorted(folder.glob("*.npz"))[:-KEPT]:
        old.unlink()


def load(folder: str | Path, trainee: Any, say: Callable[[str], None]) -> dict | None:
    """Load the newest readable checkpoint into `trainee` and return its state, or None if there are no checkpoints.

    `say` is called for each checkpoint that cannot be read. Raises CheckpointError if none can be read.
    """
    remove_unfinished(folder)
    paths = sorted(Path(folder).glob("*.npz"), reverse=True)
    for path in paths:
        try:
            arrays, state = _read(path)
        except BROKEN:
            say(f"{path}: is damaged (empty, truncated or altered)")
            continue
        _assign(trainee, arrays, path)
        return state
    if paths:
        raise CheckpointError(
            f"{folder}: no checkpoint can be read; remove the run's folder to start again, or use another name"
        )
    return None


def read_state(folder: str | Path) -> dict | None:
    """The state in the newest readable checkpoint, or None; needs no network."""
    for path in sorted(Path(folder).glob("*.npz"), reverse=True):
        with contextlib.suppress(*BROKEN), np.load(path, allow_pickle=False) as archive:
            return _state(archive[STATE])
    return None


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}  # reading all members checks them all
    return arrays, _state(arrays.pop(STATE))


def _state(array: np.ndarray) -> dict:
    return json.loads(array.tobytes())


def _assign(trainee: Any, arrays: dict[str, np.ndarray], path: Path) -> None:
    wanted = variables(trainee)
    shapes = {name: tuple(variable.shape) for name, variable in wanted.items()}
    if shapes != {name: array.shape for name, array in arrays.items()}:
        raise CheckpointError(f"{path}: belongs to another network or optimizer")
    for name, variable in wanted.items():
        variable.assign(arrays[name])
