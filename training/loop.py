"""The training loop: epochs of steps, validation, and a state that can be saved after any step.

The state, the variables and the seed determine all later steps. So a run that resumes from a checkpoint ends with the
same weights as a run that was never stopped.
"""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from splitstrument.stages.console import progress
from splitstrument.tracks import TrackError
from training import checkpoints, optimizers
from training.batches import Batches
from training.config import Run
from training.devices import Devices
from training.run_folder import RunFolder
from training.sampler import Sampler
from training.state import MEASURES, State, is_finished
from training.stopping import Stopping
from training.trainee import Trainee


class NotFinite(ValueError):
    """The loss or a weight is NaN or infinite; the message lists the windows of the batch and says what to do."""


class Stopped(Exception):
    """The user asked to stop."""


class Loop:
    """Train `trainee` on the samplers' windows and write the results to `folder`."""

    def __init__(
        self,
        run: Run,
        trainee: Trainee,
        training: Sampler,
        validation: Sampler,
        devices: Devices,
        folder: RunFolder,
        stopping: Stopping,
    ) -> None:
        self.run, self.trainee, self.devices, self.folder, self.stopping = run, trainee, devices, folder, stopping
        self.training, self.validation = training, validation
        self.share = devices.share(training.windows.batch_size)
        self.state = State()
        self.saved = time.monotonic()

    def resume(self) -> None:
        """Load the newest checkpoint, or write the first one. Raises ValueError if there are only unreadable ones."""
        state = checkpoints.load(self.folder.checkpoints, self.trainee, self._say)
        if state is None and (self.folder.path / "model.yaml").exists():
            raise ValueError(
                f"{self.folder.path}: has a model but no checkpoint to resume from; --set name=... starts another run"
            )
        if state is not None:
            self.state = State(**state)
            self._say(f"resuming in epoch {self.state.epoch + 1} after step {self.state.step} of {self.training.steps}")
        if not self.devices.alike(self.state.epoch, self.state.step):
            raise ValueError(f"{self.folder.path}: differs between workers; it must be a shared folder")
        if state is None:
            self._save()

    def finished(self) -> bool:
        """Whether all epochs are done, or early stopping applies."""
        return is_finished(self.run, self.state)

    def go(self) -> None:
        """Train to the end. Raises Stopped, NotFinite or TrackError; the progress is saved."""
        if self.stopping.asked:
            raise Stopped
        while not self.finished():
            if self.state.step < self.training.steps:
                try:
                    self._train()
                except TrackError:
                    if self.devices.replicas == 1:  # saving needs all workers
                        self._save()
                    raise
                self._save()
            self._close_epoch(self._validated())
            self._save()

    def _train(self) -> None:
        """Run the remaining steps of an epoch."""
        state, steps, run = self.state, self.training.steps, self.run
        batches = Batches(self.training, state.epoch, state.step, steps, self.share)
        title = f"epoch {state.epoch + 1}/{run.epochs}: "
        before = time.monotonic()
        with progress(steps, "step", initial=state.step, desc=title, leave=False) as bar:
            for batch in self.devices.feed(batches):
                waited = time.monotonic() - before
                values = _numbers(self.trainee.train_on_batch(batch, return_dict=True))
                if not math.isfinite(values["loss"]):
                    raise self._not_finite(f"the loss is {values['loss']}", self.training, state.epoch, state.step)
                for name in MEASURES:
                    state.sums[name] += values[name]
                state.step += 1
                state.waited += waited
                state.seconds += time.monotonic() - before
                bar.set_postfix_str(f"loss {state.sums['loss'] / state.step:.4g}", refresh=False)
                bar.update()
                due = self.devices.chief and time.monotonic() - self.saved >= 60 * run.save_minutes
                asked, due = self.devices.together(self.stopping.asked, due)
                if asked:
                    self._save()
                    raise Stopped
                if due and state.step < steps:
                    self._save()
                before = time.monotonic()

    def _validated(self) -> dict[str, float]:
        """Validate with the averaged weights, if any, and save the models. Returns means over validation windows."""
        network, optimizer = self.trainee.network, self.trainee.optimizer
        self.devices.agree(network.non_trainable_variables)
        began = time.monotonic()
        kept = [np.array(variable) for variable in network.trainable_variables]
        try:
            if self.run.optimizer.average:
                optimizer.finalize_variable_values(network.trainable_variables)
                # With JAX, weights and averages now share memory, which the next step would donate.
                _assign(network.trainable_variables, [np.array(weight) for weight in network.trainable_variables])
            means = self._evaluated()
            if self.devices.chief:
                better = self._is_better(means["loss"])
                self.folder.save_model(network, self.state.epoch + 1, better)
        finally:
            if self.run.optimizer.average:
                _assign(network.trainable_variables, kept)
        return means | {"seconds": time.monotonic() - began}

    def _evaluated(self) -> dict[str, float]:
        sums, sampler = dict.fromkeys(MEASURES, 0.0), self.validation
        batches = Batches(sampler, 0, 0, sampler.steps, self.share)
        with progress(sampler.steps, "step", desc="validation: ", leave=False) as bar:
            for step, batch in enumerate(self.devices.feed(batches)):
                values = _numbers(self.trainee.test_on_batch(batch, return_dict=True))
                if not math.isfinite(values["loss"]):
                    raise self._not_finite(f"the validation loss is {values['loss']}", sampler, 0, step)
                for name in MEASURES:
                    sums[name] += values[name]
                bar.update()
                if self.devices.together(self.stopping.asked)[0]:
                    raise Stopped  # the steps are saved; validation will start again
        return {name: total / sampler.steps for name, total in sums.items()}

    def _is_better(self, loss: float) -> bool:
        return self.state.best is None or loss < self.state.best

    def _close_epoch(self, validated: dict[str, float]) -> None:
        state = self.state
        means = {name: total / state.step for name, total in state.sums.items()}
        rate = float(np.array(self.trainee.optimizer.learning_rate))
        state.history.append(
            {"epoch": state.epoch + 1}
            | means
            | {f"val_{name}": validated[name] for name in MEASURES}
            | {"learning_rate": rate, "seconds": round(state.seconds, 3), "waited": round(state.waited, 3)}
            | {"val_seconds": round(validated["seconds"], 3)}
        )
        state.epoch += 1
        if self._is_better(validated["loss"]):
            state.best, state.best_epoch = validated["loss"], state.epoch
        optimizers.after_epoch(self.run.optimizer, self.trainee.optimizer, state.epoch - state.best_epoch)
        self._say(
            f"epoch {state.epoch} of {self.run.epochs}: "
            + ", ".join(f"{name} {means[name]:.4g} (validation {validated[name]:.4g})" for name in MEASURES)
            + f"; {state.seconds:.0f} s, {100 * state.waited / max(state.seconds, 1e-9):.1f} % of it waiting for data, "
            + f"plus {validated['seconds']:.0f} s for validation"
        )
        state.step, state.sums, state.seconds, state.waited = 0, dict.fromkeys(MEASURES, 0.0), 0.0, 0.0
        if self.devices.chief:
            self.folder.write_history(state.history)

    def _save(self) -> None:
        self.devices.agree(self.trainee.network.non_trainable_variables)
        arrays = checkpoints.values(self.trainee)
        if not checkpoints.finite(arrays):
            raise self._not_finite("a weight is NaN or infinite", self.training, self.state.epoch, self.state.step - 1)
        if self.devices.chief:
            checkpoints.save(self.folder.checkpoints, self.state.epoch, self.state.step, arrays, asdict(self.state))
            if not self.state.epoch:  # so that the run folder is a model from the start
                self.folder.save_model(self.trainee.network, 0, True)
        self.saved = time.monotonic()

    def _not_finite(self, what: str, sampler: Sampler, epoch: int, step: int) -> NotFinite:
        places = ", ".join(str(place) for place in sampler.places(epoch, max(step, 0)))
        return NotFinite(
            f"{what} after step {step + 1} of epoch {self.state.epoch + 1}; its windows: {places}; {self.folder.path} "
            "keeps the last good weights; check these files, or use a smaller learning rate or optimizer.clip"
        )

    def _say(self, text: str) -> None:
        if self.devices.chief:
            self.folder.say(text)


def _assign(variables: Sequence[Any], values: Iterable[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    # With several devices, the values are arrays with one number.
    return {name: float(np.mean(value)) for name, value in values.items()}
