"""The one grid of spectra in evaluation: baselines, ideal masks and pictures all see the same resolution."""

from splitstrument.spectrogram import Grid


def grid_at(rate):
    """The Grid at `rate` Hz that has the times and frequencies of a window of 2048 samples at 22,050 Hz (93 ms)."""
    return Grid(2048).at_rate(22050, rate)
