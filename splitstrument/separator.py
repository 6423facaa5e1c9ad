"""Separator: a song in, its instrument and the rest out, at the song's own rate, channels and length.

The song's own spectrum is masked, on a grid with the same times and frequencies as the model's (`Grid.at_rate`), so
nothing is resampled, and instrument + rest is the song: the rest is the song minus the instrument.
"""

import numpy as np

from splitstrument.masks import Masks, overlap_of
from splitstrument.spectrogram import Analysis, Grid, Synthesis

BLOCK_SECONDS = 5.0


class Separator:
    """Takes songs apart with one model, which is loaded once.

    `model`: a shipped model's name or a model folder. `precision`: "float32", "bfloat16", or "auto", which takes
    bfloat16 where the processor has it and a measurement finds it faster. `device`: "cpu", "gpu" or None for what
    there is. Raises ModelError (no such model, broken files) and ValueError (no GPU).
    """

    def __init__(self, model="guitar", precision="auto", device=None):
        from splitstrument import inference

        self.card, self.network = inference.load(model, precision, device)
        self.shape = tuple(self.network.input_shape[1:])
        self.grid = Grid(2 * (self.shape[0] - 1))

    @property
    def instrument(self):
        """The name of what is taken out, such as "guitar"."""
        return self.card.instrument

    def separate(self, audio, sample_rate):
        """{instrument: array, "rest": array}, float32, each of the shape of `audio`.

        `audio` is (frames,) or (frames, channels), up to 8 channels, at 8,000 to 192,000 Hz. ValueError otherwise,
        and for samples that are NaN or infinite.
        """
        audio = np.asarray(audio)
        if audio.ndim not in (1, 2) or (audio.ndim == 2 and not 1 <= audio.shape[1] <= 8):
            raise ValueError(
                f"audio of shape {audio.shape}: it must be (frames,) or (frames, channels), 1 to 8 channels"
            )
        if not 8000 <= sample_rate <= 192000:
            raise ValueError(f"a sample rate of {sample_rate} Hz: it must be 8,000 to 192,000")
        song = audio.astype(np.float32).reshape(len(audio), audio.shape[1] if audio.ndim == 2 else 1)
        if not np.isfinite(song).all():
            raise ValueError("audio holds samples that are NaN or infinite")
        instrument = np.zeros_like(song)
        size, done = int(BLOCK_SECONDS * sample_rate), 0
        blocks = (song[start : start + size] for start in range(0, len(song), size))
        for _, part in self.stream(blocks, sample_rate, song.shape[1]):
            instrument[done : done + len(part)] = part
            done += len(part)
        instrument = instrument.reshape(audio.shape)
        return {self.instrument: instrument, "rest": song.reshape(audio.shape) - instrument}

    def stream(self, blocks, sample_rate, channels):
        """(song, instrument) pieces, float32 (frames, channels), for a stream of blocks of any length.

        Pieces come some seconds behind the blocks; together they have the song's length. Memory does not grow.
        """
        grid = self.grid.at_rate(self.card.sample_rate, sample_rate)
        analysis, synthesis = Analysis(grid, channels), Synthesis(grid, channels)
        masks = Masks(self._predict, self.shape, overlap_of(self.shape[1]))
        song = np.zeros((0, channels), np.float32)
        for block, last in _with_end(blocks):
            song = np.concatenate([song, block])
            spectra = analysis.finish() if last else analysis(block)
            masked, mask = masks(spectra, last)
            instrument = synthesis(masked * mask)[: len(song)]
            if len(instrument):
                yield song[: len(instrument)], instrument
                song = song[len(instrument) :]

    def _predict(self, windows):
        return np.asarray(self.network.predict_on_batch(windows), np.float32)


def _with_end(blocks):
    """(block, False) for each block, then (an empty one, True) if there was any."""
    block = None
    for block in blocks:
        yield block, False
    if block is not None:
        yield block[:0], True
