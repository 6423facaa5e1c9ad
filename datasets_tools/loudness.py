"""Integrated loudness of a stream of sound by ITU-R BS.1770-4, as FFmpeg's filter `ebur128` measures it."""

import math
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

GATE = -70.0  # LUFS; blocks of 0.4 s below it count as silence (BS.1770-4, annex 1)
_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")  # of 1 to 8 channels


class Loudness:
    """Measure a stream of blocks in bounded memory; `sample_rate` in Hz, 1 to 8 `channels`.

    More than two channels are assumed to be in FFmpeg's default layout for that number: low-frequency channels do not
    count, surround channels count 1.5 dB more.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        import av

        self._rate, self._layout = sample_rate, _LAYOUTS[channels - 1]
        self._frames, self._value = 0, GATE
        # The standard's high-pass filter for 48 kHz has a gain of 1 + K / Q + K^2 above its corner. FFmpeg keeps that
        # form at other rates, which gives 0.2 dB too much at 8 kHz.
        self._excess = 20 * (_log_gain(sample_rate) - _log_gain(48_000))
        graph = self._graph = av.filter.Graph()
        self._source = graph.add_abuffer(
            sample_rate=sample_rate, format="flt", layout=self._layout, time_base=Fraction(1, sample_rate)
        )
        meter = graph.add("ebur128", "metadata=1:framelog=quiet")
        self._sink = graph.add("abuffersink")
        self._source.link_to(meter)
        meter.link_to(self._sink)
        graph.configure()

    def add(self, block: "np.ndarray") -> None:
        """Measure the next `block`: float32 (frames, channels), full scale 1, of any number of frames."""
        import av

        if not len(block):
            return
        frame = av.AudioFrame.from_ndarray(block.ravel()[None], format="flt", layout=self._layout)
        frame.sample_rate, frame.pts = self._rate, self._frames
        self._frames += len(block)
        self._source.push(frame)
        while True:
            try:
                self._value = float(self._sink.pull().metadata["lavfi.r128.I"])
            except av.error.BlockingIOError:
                return

    def value(self) -> float | None:
        """The loudness so far in LUFS; None if everything is below the gate, or shorter than one block of 0.4 s."""
        return self._value - self._excess if self._value > GATE else None


def _log_gain(sample_rate: int) -> float:
    """log10(1 + K / Q + K^2), where K = tan(pi f / sample rate) with f and Q of BS.1770's high-pass filter."""
    k = math.tan(math.pi * 38.135 / sample_rate)
    return math.log10(1 + k / 0.5003 + k * k)
