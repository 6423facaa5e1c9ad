"""Separates a song in clips of one bar each, stretched to the length of a model's window.

After the poster "The extraction of musical instruments from bachata songs" (Illes): its model knows clips of four beats
that begin on beat 1, so a song is cut where its bars begin. The poster stretches the sound of each clip and what comes
out of it. Here the spectrogram's frames are stretched, and the masks that come out are stretched back onto the song's
own spectrum: no sound is stretched, the clips join without seams, the tempo may change, and the parts add up.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from splitstrument.separator import Separator


def separate_by_bars(
    separator: "Separator", song: "np.ndarray", sample_rate: int, starts: Sequence[float]
) -> "dict[str, np.ndarray]":
    """{part: array of the shape of `song`} by the separator's one model, clip by clip.

    `song`: (samples, channels). `starts`: at least two times in seconds, rising, at which clips begin; before and after
    them, clips go on as long as the first and the last. All of the song is in memory. Raises ValueError for a separator
    of several models or of waves, and if starts do not rise.
    """
    import numpy as np

    from splitstrument.extraction import Masking
    from splitstrument.separator import rest_of
    from splitstrument.spectrogram import OVERLAP, masked, spectra_of

    if len(separator.models) != 1 or separator.models[0].form.domain != "spectrum":
        raise ValueError("clips need one model of spectrograms")
    (model,) = separator.models
    grid = model.grid_at(sample_rate)
    spectra = np.concatenate(list(spectra_of(np.asarray(song, np.float32), grid)), 1)
    # In frames: frame j of a song is centred j - 1 hops after its start, frame i of a window in training i + 2.
    places = np.arange(spectra.shape[1])
    edges = 1 + _edges(np.asarray(starts, float), len(song) / sample_rate) * sample_rate / grid.hop
    inside = (np.arange(model.form.length) + OVERLAP / 2) / model.form.length
    asked = (edges[:-1, None] + np.diff(edges)[:, None] * inside).reshape(-1)
    stretched = _between(np.abs(spectra), places, asked)
    masks = Masking(model.predict, model.form, 0, model.runtime.workers, model.refine)(stretched, last=True)
    assert masks is not None
    masks = np.stack([_between(mask, asked, places) for mask in masks])
    taken = masked([(spectra, dict(zip(model.names, masks, strict=True)))], grid, len(song))
    return taken | {separator.remainder: rest_of(np.asarray(song, np.float32), taken.values())}


def _edges(starts: "np.ndarray", seconds: float) -> "np.ndarray":
    """`starts`, continued at either end until all of the song lies between them."""
    import numpy as np

    if len(starts) < 2 or np.diff(starts).min() <= 0:
        raise ValueError("starts: needs two times or more, each later than the one before")
    first, last = starts[1] - starts[0], starts[-1] - starts[-2]
    before = starts[0] - first * np.arange(max(0, np.ceil(starts[0] / first)) + 1, 0, -1)
    after = starts[-1] + last * np.arange(1, max(0, np.ceil((seconds - starts[-1]) / last)) + 2)
    return np.concatenate([before, starts, after])


def _between(rows: "np.ndarray", at: "np.ndarray", wanted: "np.ndarray") -> "np.ndarray":
    """`rows` (channels, frames, bins), which are those `at` rising places, interpolated linearly at `wanted` places."""
    import numpy as np

    later = np.clip(np.searchsorted(at, wanted), 1, len(at) - 1)
    share = np.clip((wanted - at[later - 1]) / (at[later] - at[later - 1]), 0, 1).astype(np.float32)[:, None]
    return rows[:, later - 1] * (1 - share) + rows[:, later] * share
