"""A network in training: from windows of parts, compute spectra and mixture on the device, and the loss.

The mixture is the sum of the parts, and its spectrum is the sum of their spectra, as in the thesis (appendix D.4).
Networks get it unscaled, as in separation. For the losses, every window is divided by the largest magnitude of its
mixture (section 5.3), so that their constants mean the same everywhere. Networks take magnitudes in float32 and may
compute in bfloat16.

If a network only sees the lower bins of its STFT, the losses only use these bins. Above them, separation extends the
mask by a fixed rule that training cannot change; including those bins would bias the mask's uppermost bins.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from splitstrument.form import Form
from splitstrument.spectrogram import grid_at
from training.estimate import Estimate
from training.losses import plain_sdr, scale_invariant_sdr
from training.stft import OVERLAP, stft

WATCHED = {"sdr": plain_sdr, "si_sdr": scale_invariant_sdr}


class Trainee(keras.Model):
    """Train `network` of this Form with `loss` (a function of Estimate); `sample_rate` in Hz.

    The input is (batch, parts, samples, channels): the network's sources in order; then, unless they are the `whole`
    song, everything else; then, if the form has one, an example of the first source. The loss is the mean over
    sources. `replicas`: the number of devices that share each batch.
    """

    def __init__(
        self,
        network: keras.Model,
        form: Form,
        sample_rate: int,
        loss: Callable[[Estimate], Any],
        whole: bool = False,
        replicas: int = 1,
    ) -> None:
        super().__init__(dtype="float32")
        self.network, self.form, self.rate = network, form, sample_rate
        self.objective, self.replicas = loss, replicas
        self.sources = network.output_shape[-1]
        self.parts = self.sources if whole else self.sources + 1
        # For waveform networks, losses use the STFT window of the project's pictures, if the audio is long enough.
        self.window = form.window or min(grid_at(sample_rate).window, form.length // OVERLAP * OVERLAP)
        self.bins = form.bins if form.domain == "spectrum" else self.window // 2 + 1
        self.watched = [keras.metrics.Mean(name=name) for name in WATCHED]
        self.built = True

    def call(self, windows: Any, training: bool = False) -> tuple:
        """(masks, or spectra of the estimates; spectra of the mixture; spectra of the sources), for the losses.

        Spectra are (real, imaginary). Each is (batch * sources, bins, frames, channels).
        """
        parts = windows[:, : self.parts]
        samples, channels = windows.shape[2:]
        spectra = self._spectra(ops.reshape(parts, (-1, samples, channels)))
        real, imaginary = (ops.reshape(part, (-1, self.parts, *part.shape[1:])) for part in spectra)
        mixture = ops.sum(real, 1), ops.sum(imaginary, 1)
        magnitude = ops.sqrt(mixture[0] ** 2 + mixture[1] ** 2)
        inputs = {"mixture": magnitude if self.form.domain == "spectrum" else ops.sum(parts, 1)}
        if self.form.example:
            inputs["example"] = self._example(windows[:, self.parts])
        made = self._by_source(ops.cast(self.network(inputs, training=training), "float32"))
        scale = 1 / ops.maximum(ops.max(magnitude, (1, 2, 3), keepdims=True), 1e-6)
        scales = ops.repeat(scale, self.sources, 0)
        waves = self.form.domain == "waveform"
        estimates = tuple(part * scales for part in self._spectra(made)) if waves else (made,)
        mixtures = (ops.repeat(part * scale, self.sources, 0) for part in mixture)
        truths = (ops.reshape(part[:, : self.sources], (-1, *part.shape[2:])) * scales for part in (real, imaginary))
        return *estimates, *mixtures, *truths

    def _spectra(self, audio: Any) -> tuple:
        return tuple(part[:, : self.bins] for part in stft(audio, self.window))

    def _by_source(self, made: Any) -> Any:
        """(batch, ..., sources) -> (batch * sources, ...), with the sources of a window next to each other."""
        return ops.reshape(ops.moveaxis(made, -1, 1), (-1, *made.shape[1:-1]))

    def _example(self, audio: Any) -> Any:
        """The magnitudes of the excerpt's first frames as an input; a short excerpt is padded with silence."""
        samples = (self.form.example + OVERLAP - 1) * self.form.window // OVERLAP
        audio = ops.pad(audio[:, :samples], ((0, 0), (0, max(0, samples - audio.shape[1])), (0, 0)))
        real, imaginary = stft(audio, self.form.window)
        return ops.sqrt(real**2 + imaginary**2)[:, : self.form.bins]

    def _estimate(self, outputs: tuple) -> Estimate:
        *estimates, mixture_real, mixture_imaginary, real, imaginary = outputs
        mask, guess = (estimates[0], None) if len(estimates) == 1 else (None, tuple(estimates))
        return Estimate(mask, (mixture_real, mixture_imaginary), (real, imaginary), self.window, self.rate, guess)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss of a replica's share; the gradients of all replicas are summed."""
        return self.objective(self._estimate(y_pred)) / self.replicas

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """The loss and the monitored measures of this batch."""
        estimate = self._estimate(y_pred)
        for metric, measure in zip(self.watched, WATCHED.values(), strict=True):
            metric.update_state(measure(estimate))
        values = self.get_metrics_result()
        # Keras averages over workers along the first axis, which a scalar lacks.
        return {name: ops.reshape(value, (1,)) for name, value in values.items()} if self.replicas > 1 else values
