"""The progress of a run, as stored in checkpoints, and whether it is finished."""

import math
from dataclasses import dataclass, field

from training.config import Run

MEASURES = ("loss", "sdr", "si_sdr")


@dataclass
class State:
    """The progress of a run: complete epochs, steps of the current epoch, sums over these steps, best epoch so far."""

    epoch: int = 0
    step: int = 0
    sums: dict = field(default_factory=lambda: dict.fromkeys(MEASURES, 0.0))
    seconds: float = 0.0
    waited: float = 0.0
    best: float | None = None
    best_epoch: int = 0
    history: list = field(default_factory=list)


def is_finished(run: Run, state: State) -> bool:
    """Whether a run is finished: all epochs are done, or early stopping applies."""
    waited, patience = state.epoch - _last_gain(run, state), run.early_stopping.patience
    return not state.step and (state.epoch >= run.epochs or bool(patience and state.epoch and waited >= patience))


def _last_gain(run: Run, state: State) -> int:
    """The last epoch that improved the best validation loss by at least `least_gain`."""
    best, epoch = math.inf, 0
    for row in state.history:
        if row["val_loss"] < best - (run.early_stopping.least_gain if best < math.inf else 0):
            best, epoch = row["val_loss"], row["epoch"]
    return epoch
