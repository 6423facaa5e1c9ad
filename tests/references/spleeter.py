"""Masks of Spleeter 2.4.2 itself, which tests/test_spleeter.py holds our network to: writes spleeter.npz beside it.

    python3.11 -m venv scratch && scratch/bin/pip install spleeter==2.4.2 soundfile
    scratch/bin/python -m tests.references.spleeter PRETRAINED_MODELS      # from the root of the checkout

PRETRAINED_MODELS holds Deezer's `2stems`. The networks get an STFT of Spleeter's own of each of `inputs()`; the masks
are kept at random places. `2stems` and `2stems-16kHz` have Deezer's weights, the others, named `random-...`, those of
tests/spleeter_checkpoints.py. `vocals` are samples of what Spleeter takes out of `glides`. Besides it is checked that
Spleeter's variables have the names and shapes that tests/spleeter_checkpoints.py says.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from tests import spleeter_checkpoints

FRAMES, RATE = 512, 44100
SAMPLES = (FRAMES - 4) * 1024  # with the 4096 zeros that Spleeter puts before a song, just one window
SONG = Path(__file__).with_name("band.ogg")  # by datasets_tools/synthesis/band.py, seed 0
STORED = Path(__file__).with_suffix(".npz")
# Of each case, the input's name, how many sources, and how many bins.
CASES = {
    "2stems": ("song", 2, 1024),
    "2stems-glides": ("glides", 2, 1024),
    "2stems-16kHz": ("glides", 2, 1536),
    "random-2stems": ("song", 2, 1024),
    "random-4stems": ("song", 4, 1024),
    "random-5stems": ("song", 5, 1024),
}


def inputs(name: str) -> np.ndarray:
    """The sound of this name, (SAMPLES, 2) float32 at RATE: a part of SONG, or `glides`."""
    if name == "glides":
        return glides()
    import soundfile

    return soundfile.read(SONG, SAMPLES, start=5 * RATE, dtype="float32", always_2d=True)[0]


def glides() -> np.ndarray:
    """What resembles a voice, which SONG has none of: harmonics that glide, and noise in bursts."""
    random = np.random.default_rng(21)
    time = np.arange(SAMPLES) / RATE
    sound = np.zeros((SAMPLES, 2))
    for place, base in ((0.5, 220.0), (0.2, 110.0)):
        pitch = base * 2 ** (np.sin(2 * np.pi * 0.31 * time) / 2 + 0.03 * np.sin(2 * np.pi * 5.5 * time))
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        for harmonic in range(1, 24):
            loudness = 0.3 / harmonic * np.sin(np.pi * 0.4 * time + harmonic) ** 2
            sound += (loudness * np.sin(harmonic * phase))[:, None] * np.array([place, 1 - place])
    bursts = 0.3 * np.exp(-8 * (time % 0.5))
    return (sound + bursts[:, None] * (2 * random.random((SAMPLES, 2)) - 1)).astype(np.float32)


def places(bins: int, count: int = 1500) -> tuple[np.ndarray, ...]:
    """Random frames, bins and channels where masks are kept."""
    random = np.random.default_rng(bins)
    return tuple(random.integers(0, size, count) for size in (FRAMES, bins, 2))


def moments(count: int = 3000) -> np.ndarray:
    """Random samples where `vocals` are kept."""
    return np.sort(np.random.default_rng(0).integers(0, SAMPLES, count))


def separated(configuration: str, checkpoint: Path, sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spleeter's masks (frames, bins, channels, sources) of `sound`, and the first source, by its own graph."""
    import tensorflow
    from spleeter.model import EstimatorSpecBuilder
    from spleeter.utils.configuration import load_configuration

    parameters = load_configuration(f"spleeter:{configuration}")
    one = tensorflow.compat.v1
    with tensorflow.Graph().as_default(), one.Session() as session:
        waveform = one.placeholder(tensorflow.float32, (None, 2))
        builder = EstimatorSpecBuilder({"waveform": waveform}, parameters)
        outputs, masks = builder.outputs, builder.masks
        variables = {variable.op.name: tuple(variable.shape) for variable in one.global_variables()}
        assert variables == spleeter_checkpoints.shapes(len(masks)), "Spleeter's variables have other names or shapes"
        one.train.Saver().restore(session, str(checkpoint / "model"))
        sources = parameters["instrument_list"]
        wanted = [masks[name] for name in sources], outputs[sources[0]]
        values, first = session.run(wanted, {waveform: sound})
    return np.stack(values, -1)[:, : parameters["F"]], first


def main() -> None:
    pretrained = Path(sys.argv[1])
    kept = {}
    with tempfile.TemporaryDirectory() as scratch:
        for case, (sound, count, bins) in CASES.items():
            configuration = f"{count}stems" + ("-16kHz" if bins > 1024 else "")
            if case.startswith("random"):
                checkpoint = Path(scratch, case)
                spleeter_checkpoints.write(checkpoint, spleeter_checkpoints.random_weights(count))
            else:
                checkpoint = pretrained / "2stems"
            masks, first = separated(configuration, checkpoint, inputs(sound))
            kept[case] = masks[places(bins)]
            if case == "2stems-glides":
                kept["vocals"] = first[moments()]
            spread = ", ".join(f"{kept[case][:, k].mean():.3f} +- {kept[case][:, k].std():.3f}" for k in range(count))
            print(f"{case}: masks of {spread}", flush=True)
    np.savez_compressed(STORED, **kept)


if __name__ == "__main__":
    main()
