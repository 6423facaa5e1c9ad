"""The folder of a run: its inputs, its history and the trained model.

It has configuration.yaml (merged, complete), environment.yaml (versions, devices), data.yaml (the tracks), log.txt,
history.csv, losses.png and .svg, and checkpoints/. The model of the best epoch is in the folder itself, the model of
the last epoch in last/.
"""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.checking import checked
from splitstrument.files.tables import write_csv
from splitstrument.files.yaml_files import flat, plain, read_yaml, write_yaml
from training.config import Run
from training.selection import Selection
from training.state import State

if TYPE_CHECKING:
    from splitstrument.cards import Card

CONFIGURATION, DATA, HISTORY = "configuration.yaml", "data.yaml", "history.csv"
# Settings that may change when a run resumes, since they do not affect completed steps.
FREE = ("epochs", "save_minutes", "tensorboard", "reference")


def read_history(folder: str | Path) -> list[dict]:
    """The rows of history.csv in a run folder as dicts of numbers; empty before the end of the first epoch.

    Raises ValueError for an invalid row.
    """
    import csv

    path = Path(folder) / HISTORY
    if not path.exists():
        return []
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
            return [row | {"epoch": int(row["epoch"])} for row in rows]
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{path}: contains an invalid row") from None


def _settings(path: Path) -> dict:
    """The settings in a run folder, with defaults for settings that did not exist when the run started."""
    values = read_yaml(path)
    try:
        return asdict(checked(Run, values, str(path)))
    except ValueError:
        return values


class RunFolder:
    """The folder `path` of one run. Raises ValueError if it has a run with different settings or tracks."""

    def __init__(self, path: str | Path, run: Run, selection: Selection) -> None:
        self.path, self.run, self.selection = Path(path), run, selection
        self.checkpoints = self.path / "checkpoints"
        self.path.mkdir(parents=True, exist_ok=True)
        self._check_settings()
        self._check_data()

    def _check_settings(self) -> None:
        path = self.path / CONFIGURATION
        if not path.exists():
            return
        before, now = (flat(plain(values)) for values in (_settings(path), asdict(self.run)))
        changed = [
            f"{name} was {before.get(name)}, now {now.get(name)}"
            for name in sorted({*before, *now})
            if before.get(name) != now.get(name) and name.split(".")[0] not in FREE
        ]
        if changed:
            raise ValueError(
                f"{self.path}: this run was started with other settings ({'; '.join(changed[:3])}); "
                "--set name=... starts another run, or use another --output"
            )

    def _check_data(self) -> None:
        path = self.path / DATA
        if path.exists() and self.checkpoints.exists() and (read_yaml(path) or {}).get("tracks") != self._tracks():
            raise ValueError(
                f"{self.path}: this run was started with other tracks ({path.name}); "
                "--set name=... starts another run, or use another --output"
            )

    def _tracks(self) -> dict[str, list]:
        sides = {"training": self.selection.training, "validation": self.selection.validation}
        return {side: [[track.name, track.samples] for track in tracks] for side, tracks in sides.items()}

    def describe(self, environment: dict) -> None:
        """Write configuration, environment (a dict of versions and devices) and tracks."""
        write_yaml(self.path / CONFIGURATION, asdict(self.run))
        write_yaml(self.path / "environment.yaml", environment)
        sides, seconds = self._tracks(), self.run.sample_rate * 3600
        hours = {side: round(sum(samples for _, samples in tracks) / seconds, 3) for side, tracks in sides.items()}
        folders = {str(track.track.folder.parent) for track in (*self.selection.training, *self.selection.validation)}
        summary = {
            "tracks of training": len(self.selection.training),
            "tracks of validation": len(self.selection.validation),
            "hours": hours,
            "folders": sorted(folders),
            "left_out": list(self.selection.left_out),
            "tracks": sides,
        }
        write_yaml(self.path / DATA, summary)

    def say(self, text: str) -> None:
        """Print a line and add it to the log with the time."""
        print(text, flush=True)
        with open(self.path / "log.txt", "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")

    def say_beginning(self, what: str, began: str) -> None:
        """Print what is trained on which tracks, and the initial weights (`began`); compiling takes a while."""
        training, validation = self.selection.training, self.selection.validation
        limit = f" (limit {self.run.limit})" if self.run.limit else ""
        self.say(f"{self.path}: {len(training)} tracks{limit}, {len(validation)} for validation; {what}")
        if began:
            self.say(f"{self.path}: {began}")

    def say_end(self, state: State) -> None:
        """Print why the run ended."""
        stopping = self.run.early_stopping
        gain = f" (no gain of {stopping.least_gain:g} in {stopping.patience} epochs)" if stopping.patience else ""
        early = f", stopped early{gain}" if state.epoch < self.run.epochs else ""
        self.say(f"{self.path}: finished after epoch {state.epoch}{early}; the best was epoch {state.best_epoch}")

    def write_history(self, history: list[dict]) -> None:
        """Write history.csv, a row for each epoch, and draw losses.png and .svg if matplotlib is installed."""
        if not history:
            return
        write_csv(self.path / HISTORY, [tuple(history[0]), *(tuple(row.values()) for row in history)])
        if self.run.tensorboard:
            self._write_events(history[-1])
        try:
            from training.plots import losses
        except ModuleNotFoundError:
            return
        losses(self.path / "losses", history, f"{self.run.name}: {self.run.loss}")

    def _write_events(self, row: dict) -> None:
        """Write the figures of an epoch for TensorBoard, replacing those of the same and later epochs."""
        from tensorboardX import SummaryWriter

        # The time in seconds and this suffix make file names unique.
        folder, suffix = str(self.path / "tensorboard"), f".{row['epoch']:05d}"
        with SummaryWriter(folder, purge_step=row["epoch"], filename_suffix=suffix) as writer:
            for name, value in row.items():
                writer.add_scalar(name, value, row["epoch"])

    def save_model(self, network: Any, epochs: int, best: bool) -> None:
        """Save the network as the model after `epochs`, and if it is the best so far, as the model of the run."""
        from splitstrument import models

        folders = [self.path / "last"] + ([self.path] if best else [])
        for folder in folders:
            models.save(network, self._card(epochs), folder)

    def _card(self, epochs: int) -> "Card":
        from splitstrument.cards import Card
        from training.initial import initial_material

        run = self.run
        material = [source for collection in run.collections for source in collection.sources]
        material += initial_material(run, self.path.parent)
        return Card(
            name=run.name,
            sources=run.source_names,
            whole=run.whole,
            sample_rate=run.sample_rate,
            network=run.network,
            options=run.options,
            trained_on=tuple(dict.fromkeys(material)),
            training=f"epoch {epochs}, batches of {run.windows.batch_size} windows, loss {run.loss}, seed {run.seed}",
        )
