"""A run's configuration: YAML -> checked, frozen settings."""

from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.checking import STRICT, checked
from splitstrument.models import Source
from splitstrument.yaml_files import read_yaml


@dataclass(frozen=True, config=STRICT)
class Mixing:
    """How windows of instrument and rest become a mixture; probabilities 0..1, gains in dB."""

    batch_size: int = Field(8, ge=1)
    same_track: float = Field(0.3, ge=0, le=1)
    second_instrument: float = Field(0.2, ge=0, le=1)
    second_rest: float = Field(0.35, ge=0, le=1)
    silence: float = Field(0.08, ge=0, le=1)
    mono: float = Field(0.4, ge=0, le=1)
    filtering: float = Field(0.7, ge=0, le=1)
    gain: float = Field(5.0, ge=0)


@dataclass(frozen=True, config=STRICT)
class Collection:
    """A folder of pairs, drawn from with this weight; `validation` names tracks (prefixes) that are held out."""

    pairs: str
    weight: float = Field(1.0, gt=0)
    validation: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, config=STRICT)
class Run:
    """One training: the network, the pairs, how they are mixed, and how long."""

    name: str
    instrument: str
    collections: tuple[Collection, ...]
    network: str
    options: dict = Field(default_factory=dict)
    sample_rate: int = 22050
    mixing: Mixing = Field(default_factory=Mixing)
    loss: str = "compressed"
    initial: str = ""  # a run in the same output folder whose weights this one begins with
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    average: float = Field(0.998, ge=0, lt=1)
    epochs: int = Field(20, ge=1)
    steps: int = Field(100, ge=1)
    validation_steps: int = Field(12, ge=1)
    seed: int = 0


def load(path):
    """The run that the YAML file `path` describes; ValueError names the file, the field and what is wrong."""
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise ValueError(f"{path}: holds no fields")
    return checked(Run, values, str(path))
