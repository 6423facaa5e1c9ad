"""Small networks and models for tests: built in a second, with fixed random weights."""

OPTIONS = {
    "hourglass": {"fft_length": 256, "frames": 16, "depth": 3, "filters": 6, "initial_filters": 8},
    "tfc_tdf": {"fft_length": 256, "frames": 16, "depth": 2, "filters": 6, "growth": 4},
}


def network(name, seed=0, **options):
    """A small network of this name whose weights, normalisations too, are random."""
    import keras
    import numpy as np

    from splitstrument import networks

    keras.utils.set_random_seed(seed)
    built = networks.build(name, OPTIONS[name] | options)
    random = np.random.default_rng(seed)
    built.set_weights([w + np.abs(random.normal(0, 0.1, w.shape)) * (w.ndim == 1) for w in built.get_weights()])
    return built


def model(folder, name="tfc_tdf", sample_rate=22050, **card):
    """A small model in `folder`: its path."""
    from splitstrument import models

    fields = {"name": folder.name, "instrument": "guitar", "network": name, "options": OPTIONS[name]} | card
    models.save(network(name, **fields["options"]), models.Card(sample_rate=sample_rate, **fields), folder)
    return folder
