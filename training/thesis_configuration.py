"""Convert the run configurations published with the 2021 thesis (JSON with comments) to our settings.

A file inherits from its base, a file in the same folder, and all inherit from master.jsonc. Values such as
"int(env('UNMIX_SONG_LIMIT'))" come from the environment; if a variable is not set, our default applies.
"""

import os
import re
from pathlib import Path
from typing import Any

from splitstrument.readers.thesis import instrument_of, network_options, read_json

MASTER = "master.jsonc"
FFT_LENGTH = 1536  # `limit_items_per_song` counts windows of this length
_ENVIRONMENT = re.compile(r"^(?:int\()?env\('(\w+)'\)\)?$")


def read(path: str | Path) -> dict[str, Any]:
    """Convert the file `path` to fields of `training.config.Run`. Raises ValueError, in one line, if it cannot."""
    path = Path(path)
    values = _merged(path, ())
    try:
        return _run(path, values)
    except (KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{path}: is not a complete run configuration of the thesis ({what})") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _merged(path: Path, heirs: tuple[Path, ...]) -> dict:
    """The values of a file merged with its bases, without values from unset environment variables."""
    if path.resolve() in heirs:
        raise ValueError(f"{path}: inherits from itself")
    values = read_json(path)
    if not isinstance(values, dict):
        raise ValueError(f"{path}: contains no fields")
    base = path.parent / values.pop("base", MASTER)
    # Merged configurations, as stored by the thesis's runs, still name a base, which may not exist.
    if path.name == MASTER or not base.exists():
        return _known(values)
    return _over(_merged(base, (*heirs, path.resolve())), _known(values))


def _over(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return below | {name: _over(below.get(name), value) for name, value in above.items()}


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        known = {name: _known(inner) for name, inner in value.items()}
        return {name: inner for name, inner in known.items() if inner is not None}
    if isinstance(value, str) and (match := _ENVIRONMENT.match(value)):
        return os.environ.get(match[1])
    return value


def _run(path: Path, values: dict) -> dict[str, Any]:
    training, collection = values["training"], values["collection"]
    options = values["transformation"]["options"]
    if options["step"] != options["size"]:
        raise ValueError(f"windows of {options['size']} frames every {options['step']}: only adjacent ones work")
    if training["loss_function"] != "L11_loss":
        raise ValueError(f"loss {training['loss_function']}: only L11_loss is supported")
    values.setdefault("spectrogram_generation", {}).setdefault("fft_length", FFT_LENGTH)
    network = network_options(values)
    per_track = int(training.get("limit_items_per_song", 0)) * FFT_LENGTH // network["fft_length"]
    stopping = training["callbacks"]["early_stopping"]
    plateau = training["callbacks"]["reduce_learningrate"]
    optimizer = {"name": training["optimizer"]["name"], "learning_rate": training["optimizer"]["lr"]}
    if plateau["enabled"]:
        optimizer |= {"schedule": "plateau", "factor": plateau["factor"], "patience": plateau["patience"]}
        optimizer["least"] = plateau["min_learningrate"]
    run = {
        "name": path.stem,
        "instrument": instrument_of(collection.get("name", "instrument")),
        "collections": _collections(collection),
        "network": "hourglass",
        "options": network,
        "sample_rate": collection.get("sample_rate", 22050),
        "limit": collection.get("song_limit", 0),
        "validation_ratio": collection["validation_ratio"],
        "windows": {
            "shuffle": "epoch" if training["epoch"]["shuffle"] else "track" if options["shuffle"] else "none",
            "per_track": per_track,
            "batch_size": training["batch_size"],
        },
        "loss": "l1",
        "optimizer": optimizer,
        "epochs": training["epoch"]["count"],
    }
    if stopping["enabled"]:
        run["early_stopping"] = {"patience": stopping["patience"], "least_gain": stopping["min_delta"]}
    return run


def _collections(collection: dict) -> list[dict]:
    folders = collection.get("folders") or [{"path": collection.get("folder", ""), "ratio": 1}]
    return [{"pairs": _here(folder["path"]), "ratio": folder["ratio"]} for folder in folders]


def _here(folder: str) -> str:
    """The part of the path below "training_data", if the folder of the thesis's server does not exist here."""
    path = Path(folder)
    if path.is_absolute() and not path.exists() and "training_data" in path.parts:
        return str(Path(*path.parts[path.parts.index("training_data") + 1 :]))
    return folder
