"""The configuration of a run: files (training.inheritance) and changes from the command line -> frozen settings."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from splitstrument.cards import PART_NAME, Card, Source
from splitstrument.checking import STRICT, checked
from training.inheritance import VARY, change, merged

SETTINGS = STRICT | {"allow_inf_nan": False}
PartName = Annotated[str, Field(pattern=f"^{PART_NAME}$")]


@dataclass(frozen=True, config=SETTINGS)
class Collection:
    """A folder of pairs, or of tracks with other named parts.

    `ratio`: its share of the tracks (see `training.selection`; default: all its tracks). `weight`: how often random
    windows come from it. `validation`: prefixes of the names of tracks to hold out, instead of the run's
    `validation_ratio` ([]: none). `sources`: the origin of the material, for the model's card; a configuration may
    name files that list them (relative to the configuration).
    """

    pairs: str
    ratio: float | None = Field(default=None, gt=0)
    weight: float = Field(default=1.0, gt=0)
    validation: tuple[str, ...] | None = None
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, config=SETTINGS)
class Windows:
    """Which windows form a batch, and how many batches form an epoch.

    sequential: adjacent windows, track by track; `shuffle` puts them in random order within each track or within the
    epoch; at most `per_track` windows of each track (0: all) and the first `steps` batches (0: all).
    random: windows from any position of any track; `steps` batches (0: as many as there are adjacent windows).
    """

    sampling: Literal["sequential", "random"] = "sequential"
    shuffle: Literal["none", "track", "epoch"] = "track"
    per_track: int = Field(default=0, ge=0)
    steps: int = Field(default=0, ge=0)
    batch_size: int = Field(default=4, ge=1)

    def __post_init__(self) -> None:
        if self.sampling == "random" and self.per_track:
            raise ValueError("per_track only works with sequential windows")


@dataclass(frozen=True, config=SETTINGS)
class Augmentation:
    """The probabilities (0 to 1) of changes to training windows, all 0 by default; see `training.augmentation`.

    `gain` is in dB. `pitch` (semitones) and `tempo` (0.1 is 10 %) are the largest changes of `stretched` windows.
    `resampled` windows are played faster and higher, or slower and lower, by up to `pitch` semitones. `wrong_example`:
    the example of a run `by_example` is of a part that the track lacks, so that nothing is to be taken out;
    `own_example`: it is from the same track, as when a song has a place where the instrument plays alone. In such a run
    `other_track` and `second_rest` take tracks without the part that is wanted.
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
    wrong_example: float = Field(default=0.0, ge=0, le=1)
    own_example: float = Field(default=0.0, ge=0, le=1)
    pitch: float = Field(default=2.0, ge=0, le=12)
    tempo: float = Field(default=0.1, ge=0, le=0.5)


@dataclass(frozen=True, config=SETTINGS)
class Optimizer:
    """The optimizer. `clip`: the maximum global norm of the gradients (0: no limit).

    `average`: the momentum of an exponential moving average of the weights, which is validated and saved (0: none).
    The schedule "cosine" lets the learning rate rise for `warm_up` epochs and then fall to a fiftieth by the last
    epoch; "plateau" multiplies it by `factor` after `patience` epochs without a lower validation loss, until `least`.
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
    """Stop after `patience` epochs (0: never) in which the validation loss has not fallen by `least_gain`."""

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
    """A published result that the run reproduces: the name of the table and its figures."""

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
    """One training run: the network, the tracks, the batches, the loss, and the number of epochs.

    The network learns to extract either one `instrument`, from pairs or from tracks with a part of that name, or
    several `sources`, from tracks with parts of these names. `whole`: the sources make up the whole song, and the last
    one, such as "other", is everything except the others. `by_example`: the network gets an example, and every part of
    the tracks but other and rest is the `instrument` in turn, with an example of a part of that name. `limit`: the
    total number of tracks (0: no limit). `initial`: a model that provides the initial weights; `initial_source`: which
    of its sources to use, if the names do not match. `save_minutes`: the interval of checkpoints within an epoch.
    `validation_steps`: the number of validation batches, spread over all windows (0: all).
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    instrument: PartName | None = None
    sources: tuple[PartName, ...] = ()
    whole: bool = False
    by_example: bool = False
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
            raise ValueError("a run needs either instrument or sources")
        if self.by_example and not self.instrument:
            raise ValueError("by_example: needs instrument, the name of what is taken out, instead of sources")
        if self.by_example and self.augmentation.second_instrument:
            raise ValueError("by_example: second_instrument would add another kind of instrument; leave it out")
        # A run must not use sources that a model card cannot describe.
        Card(self.name, self.source_names, self.sample_rate, self.network, whole=self.whole)
        if self.initial_source and not self.initial:
            raise ValueError("initial_source: needs initial, the model that has this source")
        ratios = [collection.ratio is None for collection in self.collections]
        if any(ratios) and not all(ratios):
            raise ValueError("collections: either all or none must have a ratio")

    @property
    def source_names(self) -> tuple[str, ...]:
        """The sources in the order of the network's outputs: `sources`, or the one instrument."""
        return self.sources or (self.instrument or "",)


def load(path: str | Path, changes: Iterable[str] = ()) -> Run:
    """Load the run configuration `path` and apply `changes` ("field=value"; dots separate nested fields).

    Raises ValueError, in one line that names the file, the field and the problem.
    """
    values, origins = merged(path)
    values.pop(VARY, None)
    for text in changes:
        change(values, origins, text)

    def where(field: tuple) -> Path | str:
        known = [place for place in origins if field[: len(place)] == place]
        return str(origins[max(known, key=len)] if known else path)

    run = checked(Run, values, where)
    _check_names(run, where)
    return run


def _check_names(run: Run, where: Callable) -> None:
    """Check the names that only networks and losses know, and that only some networks take an example."""
    from splitstrument import networks
    from training import losses

    def takes_example() -> None:
        if bool(networks.form(run.network, run.options).example) < run.by_example:
            raise ValueError(f"by_example: {run.network} takes no example; conditioned_unet does")

    for field, check in (
        ("network", lambda: networks.settings(run.network)),
        ("options", lambda: networks.settings(run.network, run.options)),
        ("loss", lambda: losses.find(run.loss)),
        ("by_example", takes_example),
    ):
        try:
            check()
        except ValueError as error:
            option = re.search(r"called '(.+?)'|: (\w+):", str(error))
            raise ValueError(f"{where((field, option and (option[1] or option[2])))}: {error}") from None
