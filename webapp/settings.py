"""The demonstrator's settings: a YAML file, and a flag for each field."""

import argparse
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from splitstrument.checking import STRICT

_METAVARS = {"host": "ADDRESS", "folder": "DIR", "device": "cpu|gpu", "trusted_proxy": "ADDRESS"}
_ABOVE_0 = ("megabytes", "minutes", "hours_kept", "gigabytes_kept", "waiting", "waiting_each", "workers")
_ABOVE_0 += ("decoder_megabytes", "decoder_seconds", "youtube_seconds")


@dataclass(frozen=True)
class Settings:
    """What the demonstrator serves, where, and how much one person may use."""

    models: tuple[str, ...] = field(default=(), metadata={"help": "the models to offer, by name or folder"})
    host: str = field(default="127.0.0.1", metadata={"help": "address to listen on; 0.0.0.0 for other machines too"})
    port: int = field(default=8080, metadata={"help": "port to listen on; 0 takes any free port"})
    folder: Path = field(default=Path("demonstrator"), metadata={"help": "folder for jobs and their files"})
    megabytes: int = field(default=200, metadata={"help": "largest upload, in megabytes"})
    minutes: float = field(default=20.0, metadata={"help": "longest song, in minutes"})
    hours_kept: float = field(default=24.0, metadata={"help": "how many hours results are kept"})
    gigabytes_kept: float = field(default=20.0, metadata={"help": "gigabytes for results; the oldest go first"})
    waiting: int = field(default=100, metadata={"help": "how many songs can wait at once"})
    waiting_each: int = field(default=5, metadata={"help": "how many of them can come from one address"})
    workers: int = field(default=1, metadata={"help": "how many songs are separated at once"})
    youtube: bool = field(default=True, metadata={"help": "whether links to YouTube are accepted"})
    device: str = field(default="", metadata={"help": "cpu or gpu; by default a GPU if there is one"})
    trusted_proxy: str = field(default="", metadata={"help": "a proxy whose X-Forwarded-For header is trusted"})
    decoder_megabytes: int = field(default=1024, metadata={"help": "memory limit for decoding a song, in megabytes"})
    decoder_seconds: float = field(default=120.0, metadata={"help": "time limit for decoding a song, in seconds"})
    youtube_seconds: float = field(default=600.0, metadata={"help": "time limit for fetching a video, in seconds"})
    __pydantic_config__ = STRICT

    def __post_init__(self) -> None:
        for name in _ABOVE_0:
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name}: must be above 0, not {getattr(self, name)}")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port: must be 0 to 65535, not {self.port}")
        if self.device not in ("", "cpu", "gpu"):
            raise ValueError(f"device: must be cpu or gpu, not {self.device!r}")
        if self.trusted_proxy:
            try:
                address = ipaddress.ip_address(self.trusted_proxy)
            except ValueError:
                raise ValueError(f"trusted_proxy: must be an IP address, not {self.trusted_proxy!r}") from None
            # It is compared with clients' addresses as text, so it is kept as the server writes those.
            object.__setattr__(self, "trusted_proxy", str(address))


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each field. Flags that are not given are None."""
    for each in fields(Settings):
        name = "--" + each.name.replace("_", "-")
        default = each.default
        text = each.metadata["help"] + (f" (default: {_text(default)})" if default != "" else "")
        if isinstance(default, tuple):
            parser.add_argument(name, nargs="+", metavar="MODEL", help=text)
        elif isinstance(default, bool):
            parser.add_argument(name, choices=("yes", "no"), help=text)
        else:
            kind = type(default) if isinstance(default, int | float) else str
            parser.add_argument(name, type=kind, metavar=_METAVARS.get(each.name, "N"), help=text)


def _text(default: object) -> str:
    if isinstance(default, tuple):
        return " ".join(default) or "all that are there"
    if isinstance(default, bool):
        return "yes" if default else "no"
    return str(default)


def read(file: str | Path | None, flags: Mapping[str, Any]) -> Settings:
    """The checked Settings from a YAML `file` (or None) and `flags`, {field: text}, which take precedence.

    Raises ValueError with one line that names the file or flag, the field and what is wrong.
    """
    from splitstrument.checking import checked
    from splitstrument.files.yaml_files import read_yaml

    values = {}
    if file:
        values = read_yaml(file)
        if not isinstance(values, dict):
            raise ValueError(f"{file}: must have fields, such as port: 8080")
        if isinstance(values.get("models"), str):
            values["models"] = [values["models"]]
        checked(Settings, values, str(file))
    given = {name: value for name, value in flags.items() if value is not None}
    for name, value in given.items():
        checked(Settings, {name: value}, f"--{name.replace('_', '-')}")
    return checked(Settings, values | given, "settings")
