"""All that a run needs to go on as if it had never stopped: the last two states of it, whole and checked.

A checkpoint is one NumPy archive: every variable of network and optimizer (dropout's generators too), and the run's own
state as JSON. An archive holds a checksum of each member, so that a file which is cut or changed does not load. It is
written beside its name, brought to the disk, and renamed.
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
# What reading a file that is not whole may raise.
BROKEN = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile)


class CheckpointError(ValueError):
    """No checkpoint can be read, though there are some; or one belongs to another network."""


def variables(trainee: Any) -> dict[str, Any]:
    """{name: variable} of all that a step changes."""
    owners = {"network": trainee.network, "optimizer": trainee.optimizer}
    return {f"{owner}/{n}": variable for owner, of in owners.items() for n, variable in enumerate(of.variables)}


def values(trainee: Any) -> dict[str, np.ndarray]:
    """{name: array} of all that a step changes, copied."""
    return {name: np.array(variable) for name, variable in variables(trainee).items()}


def finite(arrays: dict[str, np.ndarray]) -> bool:
    """Whether no array holds NaN or an infinite number."""
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
    """Bring `trainee` to the newest checkpoint that is whole: its state, or None where there never was one.

    `say` is told of every one that cannot be read. Raises CheckpointError where none can, rather than begin anew.
    """
    remove_unfinished(folder)
    paths = sorted(Path(folder).glob("*.npz"), reverse=True)
    for path in paths:
        try:
            arrays, state = _read(path)
        except BROKEN:
            say(f"{path}: is broken: empty, cut or changed")
            continue
        _assign(trainee, arrays, path)
        return state
    if paths:
        raise CheckpointError(
            f"{folder}: no checkpoint can be read; remove the run's folder to begin anew, or train under another name"
        )
    return None


def read_state(folder: str | Path) -> dict | None:
    """The state in the newest checkpoint that has one, or None; without any network."""
    for path in sorted(Path(folder).glob("*.npz"), reverse=True):
        with contextlib.suppress(*BROKEN), np.load(path, allow_pickle=False) as archive:
            return _state(archive[STATE])
    return None


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}  # reads all, so checks all
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
