"""Small networks and models for tests: built in a second, with fixed random weights."""

from pathlib import Path

OPTIONS = {
    "hourglass": {"fft_length": 256, "frames": 16, "depth": 3, "filters": 6, "initial_filters": 8},
    "spleeter": {"fft_length": 256, "frames": 64, "bins": 64, "filters": 2},
    "tfc_tdf": {"fft_length": 256, "frames": 16, "depth": 2, "filters": 6, "growth": 4},
    # Those of tests/networks, which are found once `with_own_networks` was called.
    "tiny_example": {},
    "tiny_recurrent": {},
    "tiny_waves": {},
}


def with_own_networks(monkeypatch):
    """Let networks be found in tests/networks too."""
    from splitstrument import networks

    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(Path(__file__).parent / "networks")])


def network(name, seed=0, sources=("guitar",), **options):
    """A small network of this name whose weights, normalisations too, are random."""
    import keras
    import numpy as np

    from splitstrument import networks

    keras.utils.set_random_seed(seed)
    built = networks.build(name, OPTIONS[name] | options, sources)
    random = np.random.default_rng(seed)
    built.set_weights([w + np.abs(random.normal(0, 0.1, w.shape)) * (w.ndim == 1) for w in built.get_weights()])
    return built


_weights = {}  # the files of models that were made already, by what they follow from


def model(folder, name="tfc_tdf", sample_rate=22050, seed=0, **card):
    """A small model in `folder`: its path."""
    from dataclasses import asdict

    from splitstrument import models
    from splitstrument.files.yaml_files import write_yaml

    fields = {"name": folder.name, "sources": ("guitar",), "network": name, "options": OPTIONS[name]} | card
    kept = models.Card(sample_rate=sample_rate, **fields)
    made_from = repr((name, seed, fields["sources"], sorted(fields["options"].items())))
    if made_from in _weights:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / models.GRAPH).unlink(missing_ok=True)
        (folder / models.WEIGHTS).write_bytes(_weights[made_from])
        write_yaml(folder / models.CARD, asdict(kept))
    else:
        models.save(network(name, seed, fields["sources"], **fields["options"]), kept, folder)
        _weights[made_from] = (folder / models.WEIGHTS).read_bytes()
    return folder
