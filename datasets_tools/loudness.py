"""Integrated loudness of a stream of sound by ITU-R BS.1770-4, as FFmpeg's filter `ebur128` measures it."""

from fractions import Fraction

GATE = -70.0  # LUFS; blocks of 0.4 s below it count as silence (BS.1770-4, annex 1)
_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")  # of 1 to 8 channels


class Loudness:
    """Measure a stream of blocks in bounded memory; `sample_rate` in Hz, 1 to 8 `channels`.

    More than two channels are weighted as in FFmpeg's usual order of their number: a low-frequency channel does not
    count, surround channels count 1.5 dB more.
    """

    def __init__(self, sample_rate, channels):
        import av

        self._rate, self._layout = sample_rate, _LAYOUTS[channels - 1]
        self._frames, self._value = 0, GATE
        graph = self._graph = av.filter.Graph()
        self._source = graph.add_abuffer(
            sample_rate=sample_rate, format="flt", layout=self._layout, time_base=Fraction(1, sample_rate)
        )
        meter = graph.add("ebur128", "metadata=1:framelog=quiet")
        self._sink = graph.add("abuffersink")
        self._source.link_to(meter)
        meter.link_to(self._sink)
        graph.configure()

    def add(self, block):
        """Go on with `block`: float32 (frames, channels), full scale 1, of any number of frames."""
        import av

        if not len(block):
            return
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="flt", layout=self._layout)
        frame.sample_rate, frame.pts = self._rate, self._frames
        self._frames += len(block)
        self._source.push(frame)
        while True:
            try:
                self._value = float(self._sink.pull().metadata["lavfi.r128.I"])
            except av.error.BlockingIOError:
                return

    def value(self):
        """The loudness so far in LUFS (0.001 LU); None where it is below the gate or shorter than one block, 0.4 s."""
        return self._value if self._value > GATE else None
