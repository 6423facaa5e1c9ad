"""Small runs for tests of training: pairs of tones and noise, and configurations that train in seconds."""

import numpy as np
import soundfile
import yaml

RATE = 8000
# With dropout and batch normalisation, in a network that compiles quickly.
HOURGLASS = {"fft_length": 128, "frames": 8, "depth": 1, "filters": 3, "initial_filters": 4}
# All that is drawn by chance, but for librosa's vocoder, which takes seconds to compile.
AUGMENTATION = {
    "other_track": 0.5,
    "second_instrument": 0.2,
    "second_rest": 0.3,
    "silence": 0.1,
    "gain": 5,
    "polarity": 0.5,
    "swap": 0.5,
    "filtering": 0.5,
    "mono": 0.3,
}
AVERAGED = {"learning_rate": 0.003, "average": 0.9, "schedule": "plateau", "patience": 1}


def write_pair(root, name, seed=0, seconds=2.0, rate=RATE, subtype="PCM_16"):
    """A pair of `seconds`: a tone as instrument, noise as rest, stereo. Its folder."""
    folder = root / name
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    times = np.arange(int(seconds * rate)) / rate
    tone = 0.1 * np.sin(2 * np.pi * (200 + 100 * seed) * times)
    soundfile.write(folder / f"instrument_{name}.wav", np.stack([tone, 0.5 * tone], 1), rate, subtype)
    soundfile.write(folder / f"rest_{name}.wav", random.normal(0, 0.05, (len(times), 2)), rate, subtype)
    return folder


def write_pairs(root, count=5):
    """`root`, with pairs of 2 s in its folder "songs"."""
    for number in range(count):
        write_pair(root / "songs", f"track{number}", number)
    return root


def write_track(root, name, parts, seed=0, seconds=2.0, rate=RATE):
    """A track of named parts, each a tone of its own in stereo but for drums, which are noise. Its folder."""
    folder = root / name
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    times = np.arange(int(seconds * rate)) / rate
    for number, part in enumerate(parts):
        sound = 0.1 * np.sin(2 * np.pi * (200 + 100 * seed + 330 * number) * times)
        if part == "drums":
            sound = random.normal(0, 0.05, len(times))
        soundfile.write(folder / f"{part}_{name}.wav", np.stack([sound, 0.5 * sound], 1), rate, "PCM_16")
    return folder


def trained_step(network, form, whole=False, sample_rate=RATE, loss="snr"):
    """What a step of training gives, {"loss": ...}, for any network with its Form, on two windows of noise."""
    import keras

    from training import losses
    from training.trainee import Trainee

    trainee = Trainee(network, form, sample_rate, losses.find(loss), whole)
    trainee.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)  # to compile it takes longer than the step
    parts = trainee.parts + bool(form.example)
    windows = np.random.default_rng(0).normal(0, 0.1, (2, parts, form.samples, form.channels)).astype(np.float32)
    return {name: float(value) for name, value in trainee.train_on_batch(windows, return_dict=True).items()}


def settings(**changes):
    """A run's fields: a small hourglass, random windows, three epochs of twelve steps."""
    fields = {
        "name": "tones",
        "instrument": "tone",
        "network": "hourglass",
        "options": HOURGLASS,
        "sample_rate": RATE,
        "collections": [{"pairs": "songs", "sources": [{"name": "tones", "licence": "CC0-1.0"}]}],
        "windows": {"sampling": "random", "steps": 12, "batch_size": 4},
        "validation_steps": 3,
        "optimizer": {"learning_rate": 0.003},
        "epochs": 3,
    }
    return fields | changes


def write_run(path, **changes):
    """A configuration file of `settings`: its path as text."""
    path.write_text(yaml.safe_dump(settings(**changes), sort_keys=False), encoding="utf-8")
    return str(path)
