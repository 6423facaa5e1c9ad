"""Separation in clips of a bar: stretched to the model's window, and back."""

import numpy as np
import pytest

from splitstrument.separator import Separator
from structure.clips import separate_by_bars
from tests import tiny

RATE = 22050


@pytest.fixture(scope="module")
def separator(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips") / "small"
    options = tiny.OPTIONS["conditioned_unet"] | {"frames": 64}
    tiny.model(folder, "conditioned_unet", sources=("like",), options=options)
    example = np.sin(0.1 * np.arange(RATE, dtype=np.float32))[:, None]
    return Separator(folder, example=(example, RATE))


class Constant:
    """Stands for a model: remembers what it was given, and gives every clip the mask of its mean level."""

    def __init__(self, model, share=None):
        self.card, self.form, self.runtime, self.names = model.card, model.form, model.runtime, ("like",)
        self.refine, self.share, self.given = None, share, []
        self.grid_at = model.grid_at

    def predict(self, windows):
        self.given.append(windows)
        share = self.share if self.share is not None else min(float(windows.mean()), 1.0)
        return np.full((*windows.shape, 1), share, np.float32)


def with_model(separator, share=None):
    import copy

    other = copy.copy(separator)
    other.models = (Constant(separator.models[0], share),)
    return other


def test_parts_add_up_for_any_number_of_channels(separator):
    random = np.random.default_rng(0)
    for channels in (1, 2, 3):
        song = random.uniform(-0.5, 0.5, (3 * RATE, channels)).astype(np.float32)
        parts = separate_by_bars(separator, song, RATE, [0.4, 1.1, 1.9])
        assert set(parts) == {"like", "rest"}
        np.testing.assert_allclose(parts["like"] + parts["rest"], song, atol=1e-6)
        assert np.abs(parts["like"]).max() > 0


def test_a_constant_mask_gives_that_share_whatever_the_clips(separator):
    song = np.random.default_rng(1).uniform(-0.5, 0.5, (2 * RATE, 1)).astype(np.float32)
    parts = separate_by_bars(with_model(separator, 0.25), song, RATE, [0.3, 0.9, 1.3])
    np.testing.assert_allclose(parts["like"], song / 4, atol=1e-5)


def test_each_clip_is_a_bar_of_the_song_at_any_tempo(separator):
    """A click on the second beat of each bar stands at the same place in every clip, though the bars grow longer."""
    edges = np.cumsum([0.3, 0.8, 1.0, 1.3])
    song = np.zeros((round(edges[-1] * RATE), 1), np.float32)
    for start, end in zip(edges, edges[1:], strict=False):
        song[round((start + (end - start) / 4) * RATE)] = 1.0
    other = with_model(separator)
    separate_by_bars(other, song, RATE, edges.tolist())
    clips = np.concatenate(other.models[0].given)
    heard = [clip.sum((0, 2)).argmax() for clip in clips if clip.sum() > 1e-3]
    assert len(heard) == 3
    assert max(abs(place + 2 - clips.shape[2] / 4) for place in heard) <= 1


@pytest.mark.parametrize("starts", [[], [0.5], [1.0, 1.0], [1.0, 0.5]])
def test_starts_that_do_not_rise_are_refused(separator, starts):
    with pytest.raises(ValueError, match="starts: needs two times or more"):
        separate_by_bars(separator, np.zeros((RATE, 1), np.float32), RATE, starts)
