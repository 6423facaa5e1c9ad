"""Which files of a folder are a model of Demucs: one file of a network, or several with the YAML of their bag."""

import re
from pathlib import Path
from typing import Any

from splitstrument.cards import ModelError
from splitstrument.readers import demucs_file

FILES = (*demucs_file.SUFFIXES, ".yaml", ".yml")  # that stand for a model: its only file, or its bag's YAML


def files_of(path: Path) -> list[Path]:
    """All files of the model for which one of FILES stands. Raises ModelError."""
    return [path] if path.suffix.lower() in demucs_file.SUFFIXES else [*named(path), path]


def read_bag(bag: Path) -> dict[str, Any]:
    """What the YAML of a bag says. Raises ModelError."""
    from splitstrument.files.yaml_files import read_yaml

    try:
        values = read_yaml(bag)
    except (ValueError, OSError) as error:
        raise ModelError(str(error)) from None
    names = values.get("models") if isinstance(values, dict) else None
    if not isinstance(names, list) or not names or not all(re.fullmatch(r"[\w-]+", str(name)) for name in names):
        raise ModelError(f"{bag}: names no models of a bag")
    return values


def bag_of(folder: Path) -> Path | None:
    """The YAML of the bag, if there is one. Raises ModelError if there are several."""
    found = []
    for path in sorted({*folder.glob("*.yaml"), *folder.glob("*.yml")}):
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if re.search(r"^models\s*:", text, re.MULTILINE):
            found.append(path)
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ModelError(f"{folder}: holds several bags ({names}); put each into a folder of its own")
    return found[0] if found else None


def networks_in(folder: Path) -> list[Path]:
    """The files of networks of the class HTDemucs."""
    return [path for path in _candidates(folder) if _is_of_htdemucs(path)]


def members(folder: Path) -> list[Path]:
    """The files with the tensors of the model in `folder`, in order. Raises ModelError."""
    if bag := bag_of(folder):
        return named(bag)
    paths = networks_in(folder)
    if len(paths) > 1:
        names = ", ".join(path.name for path in paths)
        raise ModelError(f"{folder}: holds several models ({names}); add the YAML of their bag, or part them")
    if not paths:
        raise ModelError(f"{folder}: holds no file of Hybrid Transformer Demucs")
    return paths


def named(bag: Path) -> list[Path]:
    """The files beside it that the YAML of a bag names. Raises ModelError."""
    found = {signature(path): path for path in reversed(_candidates(bag.parent))}
    names = [str(name) for name in read_bag(bag)["models"]]
    if missing := [name for name in names if name not in found]:
        raise ModelError(f"{bag}: {missing[0]}.safetensors is missing beside it")
    return [found[name] for name in names]


def signature(path: Path) -> str:
    """What the authors call the file: its name, without a checksum such as that of 955717e8-8726e21a.th."""
    return re.sub(r"-[0-9a-f]{8}\Z", "", path.stem)


def _candidates(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix in demucs_file.SUFFIXES)


def _is_of_htdemucs(path: Path) -> bool:
    try:
        return demucs_file.read(path).kind == "HTDemucs"
    except (OSError, ValueError):
        return False
