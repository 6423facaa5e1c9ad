"""A series of runs from one configuration: `vary` lists values of fields, and every combination of them is a run."""

import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path

from training.inheritance import VARY, merged


def variants(path: str | Path, changes: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """The changes ("field=value", see `config.load`) that make each run of the configuration `path`.

    A file may say, for example, `vary: {options.fft_length: [512, 1024], sample_rate: [11025, 22050]}`. That makes
    four runs, whose names are the `name` with the varied fields and their values. A field that `changes` sets
    is not varied. A file without `vary` is one run.

    Raises ValueError, which names the file, if `vary` is anything else.
    """
    values, _ = merged(path)
    varied = values.get(VARY, {})
    if not isinstance(varied, dict):
        raise ValueError(f"{path}: {VARY}: must name fields and lists of values, such as {{epochs: [1, 2]}}")
    for field, choices in varied.items():
        simple = isinstance(choices, list) and choices and all(isinstance(each, str | int | float) for each in choices)
        if not simple or len({*map(_word, choices)}) < len(choices):
            raise ValueError(f"{path}: {VARY}: {field}: must be a list of different numbers or words")
    fixed = {change.partition("=")[0] for change in changes}
    free = {field: choices for field, choices in varied.items() if field not in fixed}
    if not free:
        return [tuple(changes)]
    found = []
    for choice in itertools.product(*free.values()):
        chosen = dict(zip(free, choice, strict=True))
        name = "-".join([str(values.get("name", "")), *(f"{_last(field)}-{_word(chosen[field])}" for field in chosen)])
        settings = [f"{field}={json.dumps(value)}" for field, value in chosen.items()]
        found.append((*settings, *([] if "name" in fixed else [f"name={name}"]), *changes))
    return found


def _last(field: str) -> str:
    return field.rpartition(".")[2]


def _word(value: object) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", str(value))
