"""Where sections begin, by a small U-Net that sees the log-mel spectrogram of a song.

recipes/boundaries.py trains it on rendered songs whose sections are known, with soft targets: where a boundary is said
to be, and less around it, since labels may be off by some frames. Its weights are in boundaries.onnx.
"""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from structure.features import LONG_HOP, RATE, Features

if TYPE_CHECKING:
    import numpy as np

GRAPH = Path(__file__).with_name("boundaries.onnx")
POOL = 4  # long frames in a step of the network
STEP = POOL * LONG_HOP / RATE  # seconds, 0.37
LEVELS = 3  # steps must be a multiple of 2 ** LEVELS


def described(features: Features) -> "np.ndarray":
    """What the network sees: log-magnitudes in mel bands, standardised over the song, (steps, MELS), float32.

    Step t is centred at (t + 1/2) STEP seconds. Zeros follow the song up to a multiple of 2 ** LEVELS steps.
    """
    import numpy as np

    mels = features.mels[: len(features.mels) // POOL * POOL]
    steps = mels.reshape(-1, POOL, mels.shape[1]).mean(axis=1)
    steps = (steps - steps.mean(axis=0)) / (steps.std(axis=0) + 0.1)
    missing = -len(steps) % 2**LEVELS
    return np.pad(steps, ((0, missing), (0, 0))).astype(np.float32)


def boundary_odds(features: Features, times: "np.ndarray") -> "np.ndarray":
    """The log odds that a section begins at each of the `times` (n, in seconds), (n,)."""
    import numpy as np

    seen = described(features)
    odds = _session().run(None, {"mels": seen[None, :, :, None]})[0][0, :, 0]
    return np.interp(times, (np.arange(len(odds)) + 0.5) * STEP, odds)


@functools.cache
def _session() -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(str(GRAPH), providers=["CPUExecutionProvider"])
