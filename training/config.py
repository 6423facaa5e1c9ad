"""A run's configuration: YAML, inherited and changed on the command line -> checked, frozen settings.

A file may say `base: other.yaml` (relative to itself); what it says itself stands over what the base says, field by
field. The run configurations that the 2021 thesis published (.jsonc) load too, see `training.thesis_configuration`.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.cards import PART_NAME, Card, Source
from splitstrument.checking import STRICT, checked
from splitstrument.files.yaml_files import parse, read_yaml

SETTINGS = STRICT | {"allow_inf_nan": False}
PartName = Annotated[str, Field(pattern=f"^{PART_NAME}$")]


@dataclass(frozen=True, config=SETTINGS)
class Collection:
    """A folder of pairs, or of tracks of other named parts.

    `ratio`: its share of the tracks (see `training.selection`; all of them unless given). `weight`: how often random
    windows come from it. `validation` names tracks, by how their names begin, that are held out instead of the run's
    `validation_ratio` ([]: none). `sources`: where the material comes from, for the model's card; in a configuration
    it may be the name of a file that lists them (relative to the configuration).
    """

    pairs: str
    ratio: float | None = Field(default=None, gt=0)
    weight: float = Field(default=1.0, gt=0)
    validation: tuple[str, ...] | None = None
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, config=SETTINGS)
class Windows:
    """Which windows make a batch, and how many batches an epoch.

    sequential: one track after another, in windows that lie side by side, in random order within each track (`shuffle`)
    or everywhere in the epoch; at most `per_track` of each track (0: all) and the first `steps` batches (0: all).
    random: from any place of any track; `steps` batches (0: as many as would lie side by side).
    """

    sampling: Literal["sequential", "random"] = "sequential"
    shuffle: Literal["none", "track", "epoch"] = "track"
    per_track: int = Field(default=0, ge=0)
    steps: int = Field(default=0, ge=0)
    batch_size: int = Field(default=4, ge=1)

    def __post_init__(self) -> None:
        if self.sampling == "random" and self.per_track:
            raise ValueError("per_track is for sequential windows; random ones come from any place")


@dataclass(frozen=True, config=SETTINGS)
class Augmentation:
    """What is done to training windows, by chances of 0..1, all off by default; see `training.augmentation`.

    `gain` is in dB; `pitch` (semitones) and `tempo` (0.1 is 10 %) are the most by which `stretched` windows change.
    `resampled` windows are played faster and higher, or slower and lower, by up to `pitch` semitones.
    """

    other_track: float = Field(default=0.0, ge=0, le=1)
    second_instrument: float = Field(default=0.0, ge=0, le=1)
    second_rest: float = Field(default=0.0, ge=0, le=1)
    silence: float = Field(default=0.0, ge=0, le=1)
    gain: float = Field(default=0.0, ge=0, le=40)
    polarity: float = Field(default=0.0, ge=0, le=1)
    swap: float = Field(default=0.0, ge=0, le=1)
    filtering: float = Field(default=0.0, ge=0, le=1)
    mono: float = Field(default=0.0, ge=0, le=1)
    stretched: float = Field(default=0.0, ge=0, le=1)
    resampled: float = Field(default=0.0, ge=0, le=1)
    pitch: float = Field(default=2.0, ge=0, le=12)
    tempo: float = Field(default=0.1, ge=0, le=0.5)


@dataclass(frozen=True, config=SETTINGS)
class Optimizer:
    """How weights change. `clip`: the most that the gradients' global norm may be (0: any).

    `average`: the momentum of the weights' exponential moving average, which is what is validated and saved (0: none).
    schedule "cosine" falls to a fiftieth by the last epoch, after `warm_up` epochs of rising; "plateau" multiplies the
    rate by `factor` after `patience` epochs without a better validation loss, down to `least`.
    """

    name: Literal["adam", "adamw"] = "adam"
    learning_rate: float = Field(default=1e-4, gt=0)
    weight_decay: float = Field(default=0.0, ge=0)
    clip: float = Field(default=0.0, ge=0)
    average: float = Field(default=0.0, ge=0, lt=1)
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    warm_up: float = Field(default=0.0, ge=0)
    factor: float = Field(default=0.2, gt=0, lt=1)
    patience: int = Field(default=5, ge=1)
    least: float = Field(default=0.0, ge=0)


@dataclass(frozen=True, config=SETTINGS)
class EarlyStopping:
    """Stop after `patience` epochs (0: never) whose validation loss is not lower than the best by `least_gain`."""

    patience: int = Field(default=0, ge=0)
    least_gain: float = Field(default=1e-5, ge=0)


@dataclass(frozen=True, config=SETTINGS)
class Figures:
    """Median SDR, SIR and SAR in dB."""

    sdr: float
    sir: float
    sar: float


@dataclass(frozen=True, config=SETTINGS)
class Reference:
    """A published result that a run repeats: the table, and the figures in it."""

    table: str
    title: str
    instrument: Figures
    rest: Figures
    tracks: str = ""
    epochs: int | None = None
    hours_per_epoch: float | None = None
    remark: str = ""


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Run:
    """One training: the network, the tracks, how they make batches, what is minimised and for how long.

    What the network learns to take out: one `instrument`, of pairs or of tracks that name it; or `sources`, parts of
    tracks that name them. `whole`: the sources are the whole song, and the last of them, such as "other", is all that
    the others are not. `limit`: tracks in all (0: any number). `initial`: a model whose weights this one begins with,
    and `initial_source`, which of its sources (unless their names say it). `save_minutes`: how often a running epoch is
    saved. `validation_steps`: batches of validation windows, spread over all (0: all).
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    instrument: PartName | None = None
    sources: tuple[PartName, ...] = ()
    whole: bool = False
    collections: Annotated[tuple[Collection, ...], Field(min_length=1)]
    network: str
    options: dict[str, object] = Field(default_factory=dict)
    sample_rate: int = Field(default=22050, ge=8000, le=192000)
    limit: int = Field(default=0, ge=0)
    validation_ratio: float = Field(default=0.2, gt=0, lt=1)
    validation_steps: int = Field(default=0, ge=0)
    windows: Windows = Field(default_factory=Windows)
    augmentation: Augmentation = Field(default_factory=Augmentation)
    loss: str = "l1"
    initial: str = ""
    initial_source: str = ""
    optimizer: Optimizer = Field(default_factory=Optimizer)
    precision: Literal["float32", "bfloat16"] = "float32"
    epochs: int = Field(default=36, ge=1)
    early_stopping: EarlyStopping = Field(default_factory=EarlyStopping)
    save_minutes: float = Field(default=5.0, ge=0)
    tensorboard: bool = False
    seed: int = Field(default=0, ge=0, lt=2**32)
    reference: Reference | None = None

    def __post_init__(self) -> None:
        if bool(self.instrument) == bool(self.sources):
            raise ValueError("a run has either one instrument, or sources")
        # What a card may not say no run may learn.
        Card(self.name, self.source_names, self.sample_rate, self.network, whole=self.whole)
        if self.initial_source and not self.initial:
            raise ValueError("initial_source: is of the model that initial names")
        ratios = [collection.ratio is None for collection in self.collections]
        if any(ratios) and not all(ratios):
            raise ValueError("collections: either all have a ratio, or none has")

    @property
    def source_names(self) -> tuple[str, ...]:
        """The sources in the order of the network's outputs: `sources`, or the one instrument."""
        return self.sources or (self.instrument or "",)


def load(path: str | Path, changes: Iterable[str] = ()) -> Run:
    """The run that the file `path` describes, with `changes` ("field=value", fields of fields by dots).

    Raises ValueError with one line that names the file, the field and what is wrong.
    """
    path = Path(path)
    if path.suffix == ".jsonc":
        from training.thesis_configuration import read

        values: dict[str, Any] = {}
        origins: dict[tuple, Path | str] = {}
        _merge(values, read(path), origins, path, ())
    else:
        values, origins = _read(path, ())
    for change in changes:
        _change(values, origins, change)

    def where(field: tuple) -> Path | str:
        known = [place for place in origins if field[: len(place)] == place]
        return str(origins[max(known, key=len)] if known else path)

    run = checked(Run, values, where)
    _check_names(run, where)
    return run


def _check_names(run: Run, where: Callable) -> None:
    """What only the networks and losses themselves know."""
    from splitstrument import networks
    from training import losses

    for field, check in (
        ("network", lambda: networks.settings(run.network)),
        ("options", lambda: networks.settings(run.network, run.options)),
        ("loss", lambda: losses.find(run.loss)),
    ):
        try:
            check()
        except ValueError as error:
            option = re.search(r"called '(.+?)'|: (\w+):", str(error))
            raise ValueError(f"{where((field, option and (option[1] or option[2])))}: {error}") from None


def _read(path: Path, heirs: tuple[Path, ...]) -> tuple[dict, dict]:
    """(values, {field path: the file that says it}) of a YAML file and its bases."""
    if path.resolve() in heirs:
        raise ValueError(f"{path}: is its own base")
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise ValueError(f"{path}: holds no fields")
    _read_sources(path.parent, values.get("collections"))
    base = values.pop("base", None)
    if base is None:
        merged: dict[str, Any] = {}
        origins: dict[tuple, Path | str] = {}
    elif isinstance(base, str):
        merged, origins = _read(path.parent / base, (*heirs, path.resolve()))
    else:
        raise ValueError(f"{path}: base: must be the name of a file")
    _merge(merged, values, origins, path, ())
    return merged, origins


def _read_sources(folder: Path, collections: Any) -> None:
    """Put lists in the place of files of sources."""
    for collection in collections if isinstance(collections, list) else ():
        if isinstance(collection, dict) and isinstance(collection.get("sources"), str):
            collection["sources"] = read_yaml(folder / collection["sources"])


def _merge(into: dict, values: dict, origins: dict, path: Path | str, place: tuple) -> None:
    for name, value in values.items():
        origins[(*place, name)] = path
        if isinstance(value, dict):
            into[name] = into[name] if isinstance(into.get(name), dict) else {}
            _merge(into[name], value, origins, path, (*place, name))
        else:
            into[name] = value


def _change(values: dict, origins: dict, change: str) -> None:
    names, equals, text = change.partition("=")
    if not equals or not names:
        raise ValueError(f"--set {change}: must be field=value")
    try:
        value: Any = parse(text)
    except ValueError:
        raise ValueError(f"--set {change}: the value cannot be read as YAML") from None
    for name in reversed(names.split(".")):
        value = {name: value}
    _merge(values, value, origins, f"--set {change}", ())
