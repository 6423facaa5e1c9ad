"""Small networks and models for tests: built in a second, with fixed random weights."""

from pathlib import Path

OPTIONS = {
    "conditioned_unet": {"fft_length": 256, "frames": 16, "example_frames": 32, "depth": 2, "filters": 4},
    "conv_tasnet": {"length": 4000, "filters": 8, "bottleneck": 4, "hidden": 6, "blocks": 1, "repeats": 2},
    "enhanced_unet": {"fft_length": 256, "frames": 32, "filters": 2},
    "hourglass": {"fft_length": 256, "frames": 16, "depth": 3, "filters": 6, "initial_filters": 8},
    "htdemucs": {"length": 1500, "fft_length": 64, "filters": 4, "depth": 1, "residual_depth": 1, "compression": 4}
    | {"bottom": 0, "layers": 2, "heads": 1, "expansion": 1.0},
    "open_unmix": {"fft_length": 512, "frames": 8, "seen": 64, "hidden": 6, "layers": 1, "wiener": 0},
    "spleeter": {"fft_length": 256, "frames": 64, "bins": 64, "filters": 2},
    "spectrogram_unet": {"fft_length": 256, "frames": 32, "depth": 2, "filters": 4},
    "tfc_tdf": {"fft_length": 256, "frames": 16, "depth": 2, "filters": 6, "growth": 4},
    "wave_unet": {"length": 4096, "levels": 3, "filters": 3, "down_kernel": 5, "up_kernel": 3},
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


_made = {}  # the files of models that were made already, by what they follow from


def model(folder, name="tfc_tdf", sample_rate=22050, seed=0, graph=False, **card):
    """A small model in `folder`: its path. With its `graph` it starts at once in every process."""
    from dataclasses import asdict

    from splitstrument import exporting, models
    from splitstrument.files.yaml_files import write_yaml

    fields = {"name": folder.name, "sources": ("guitar",), "network": name, "options": OPTIONS[name]} | card
    card = models.Card(sample_rate=sample_rate, **fields)
    made_from = repr((name, sample_rate, seed, card.sources, card.whole, sorted(card.options.items())))
    if made_from not in _made:
        models.save(network(name, seed, card.sources, **card.options), card, folder)
        _made[made_from] = {models.WEIGHTS: (folder / models.WEIGHTS).read_bytes()}
    made = _made[made_from]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / models.WEIGHTS).write_bytes(made[models.WEIGHTS])
    (folder / models.GRAPH).unlink(missing_ok=True)
    write_yaml(folder / models.CARD, asdict(card))
    if graph and models.GRAPH not in made:
        made[models.GRAPH] = exporting.export(folder).path.read_bytes()
    elif graph:
        (folder / models.GRAPH).write_bytes(made[models.GRAPH])
    return folder
