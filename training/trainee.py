"""A network in training: windows of instrument and rest in, spectra and mixture made on the device, loss out.

The mixture's spectrum is the sum of the two spectra, as in the thesis (appendix D.4); every window is divided by the
largest magnitude of its mixture (section 5.3). Networks take magnitudes in float32 and may compute in bfloat16.
"""

import keras
from keras import ops

from training.losses import Estimate, plain_sdr, scale_invariant_sdr
from training.stft import stft

WATCHED = {"sdr": plain_sdr, "si_sdr": scale_invariant_sdr}


class Trainee(keras.Model):
    """Trains `network`, whose STFT window and sample rate are given, with `loss` (a function of Estimate).

    Takes (batch, 2, samples, channels). `replicas`: how many devices share each batch.
    """

    def __init__(self, network, window, sample_rate, loss, replicas=1):
        super().__init__(dtype="float32")
        self.network, self.window, self.rate = network, window, sample_rate
        self.objective, self.replicas = loss, replicas
        self.watched = [keras.metrics.Mean(name=name) for name in WATCHED]
        self.built = True

    def call(self, parts, training=False):
        """(mask, mixture's real and imaginary parts, the instrument's), each (batch, bins, frames, channels)."""
        samples, channels = parts.shape[2:]
        spectra = stft(ops.reshape(parts, (-1, samples, channels)), self.window)
        real, imaginary = (ops.reshape(part, (-1, 2, *part.shape[1:])) for part in spectra)
        magnitude = ops.sqrt(ops.sum(real, 1) ** 2 + ops.sum(imaginary, 1) ** 2)
        loudest = ops.max(magnitude, (1, 2, 3), keepdims=True)
        scale = 1 / ops.maximum(loudest, 1e-6)
        mask = ops.cast(self.network(magnitude * scale, training=training), "float32")
        mixture = (ops.sum(real, 1) * scale, ops.sum(imaginary, 1) * scale)
        return mask, *mixture, real[:, 0] * scale, imaginary[:, 0] * scale

    def _estimate(self, outputs):
        mask, *spectra = outputs
        return Estimate(mask, tuple(spectra[:2]), tuple(spectra[2:]), self.window, self.rate)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The loss of a replica's share; gradients of all replicas are summed."""
        return self.objective(self._estimate(y_pred)) / self.replicas

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Loss and watched measures of this batch."""
        estimate = self._estimate(y_pred)
        for metric, measure in zip(self.watched, WATCHED.values(), strict=True):
            metric.update_state(measure(estimate))
        values = self.get_metrics_result()
        # Keras takes the mean over workers along the first axis, which a plain number lacks.
        return {name: ops.reshape(value, (1,)) for name, value in values.items()} if self.replicas > 1 else values
