"""What Demucs 4.1 itself computes, which tests/test_demucs.py holds ours to: writes demucs/ beside it.

    python3.11 -m venv scratch && scratch/bin/pip install torch==2.13.0+cpu demucs==4.1.0
    scratch/bin/python -m tests.references.demucs      # from the root of the checkout

The weights are random and small, of networks of class HTDemucs, in files of safetensors as the authors publish them;
Demucs reads them before they are kept. `numbers.npz` has what they make of `song()`. The folder bag has two networks
in the two kinds of files and the YAML of their bag, with what `apply_model` makes of a song of several segments.
"""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

RATE = 8000
FOLDER = Path(__file__).with_suffix("")
NUMBERS = FOLDER / "numbers.npz"
_SMALL = {"nfft": 256, "depth": 2, "channels": 4, "dconv_comp": 2, "t_heads": 2, "samplerate": RATE}
# What the published ones have: a transformer wider than the last level, residual branches in the decoders.
MODELS: dict[str, dict[str, Any]] = {
    "wide": _SMALL
    | {"sources": ["drums", "bass", "other", "vocals"], "segment": Fraction(1601, RATE), "dconv_mode": 3}
    | {"bottom_channels": 12, "t_layers": 3, "t_hidden_scale": 2.0, "t_dropout": 0.02},
    "narrow": _SMALL
    | {"sources": ["other", "guitar"], "segment": Fraction(1, 10), "audio_channels": 1, "dconv_mode": 1}
    | {"t_layers": 2, "dconv_depth": 1, "context": 0, "freq_emb": 0},
}


BAG = _SMALL | {"sources": ["other", "drums"], "segment": Fraction(1, 10), "t_layers": 1, "dconv_depth": 1, "depth": 1}
WEIGHTS = [[1.0, 0.25], [0.0, 0.75]]


def long_song() -> np.ndarray:
    """(samples, channels) float32: 3.3 segments of the bag."""
    return np.random.default_rng(4).normal(0, 0.2, (2640, 2)).astype(np.float32)


def song(name: str) -> np.ndarray:
    """(2, samples, channels) float32: two windows for the model of this name, one loud, one quiet."""
    model = MODELS[name]
    shape = (2, int(model["segment"] * RATE), model.get("audio_channels", 2))
    random = np.random.default_rng(3)
    # Their means differ, and so do their levels.
    return (random.normal(0.02, 0.2, shape) * np.array([1, 0.01])[:, None, None]).astype(np.float32)


def main() -> None:
    """Write the files."""
    import torch
    from demucs.hf import load_safetensors_model
    from safetensors.torch import save_file

    FOLDER.mkdir(exist_ok=True)
    numbers = {}
    for seed, (name, arguments) in enumerate(MODELS.items()):
        (FOLDER / name).mkdir(exist_ok=True)
        path = FOLDER / name / f"{name}.safetensors"
        save_file(random_model(seed, arguments).state_dict(), path, metadata(arguments))
        model = load_safetensors_model(path).eval()
        with torch.no_grad():
            numbers[name] = model(torch.from_numpy(song(name).transpose(0, 2, 1).copy())).numpy()
    numbers["bag"] = bag_numbers()
    np.savez_compressed(NUMBERS, **numbers)


def bag_numbers() -> np.ndarray:
    """Write the files of the bag; returns what it makes of `long_song`, (sources, samples, channels)."""
    import torch
    from demucs.apply import BagOfModels, apply_model
    from demucs.hf import load_safetensors_model
    from demucs.states import get_state, load_model, save_with_checksum
    from safetensors.torch import save_file

    folder = FOLDER / "bag"
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*"):
        path.unlink()
    first, second = random_model(7, BAG), random_model(8, BAG)
    save_file(first.state_dict(), folder / "first.safetensors", metadata(BAG))
    content = {"klass": type(second), "args": (), "kwargs": BAG, "state": get_state(second, None, half=True)}
    save_with_checksum(content | {"training_args": {"seed": 8}}, folder / "second.th")
    (folder / "pair.yaml").write_text(f"models: ['first', 'second']\nweights: {WEIGHTS}\n")
    models = [load_safetensors_model(folder / "first.safetensors"), load_model(next(folder.glob("second-*.th")))]
    mixture = torch.from_numpy(long_song().T[None].copy())
    with torch.no_grad():
        return apply_model(BagOfModels(models, WEIGHTS), mixture, shifts=0)[0].numpy().swapaxes(1, 2)


def random_model(seed: int, arguments: dict[str, Any]) -> Any:
    """A network of Demucs with random weights, also where new ones are all alike."""
    import torch
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(seed)
    model = HTDemucs(**arguments)
    with torch.no_grad():
        for key, value in model.named_parameters():
            if key.endswith("scale"):  # at first so small that their branches would not be seen
                value.uniform_(0.2, 1)
            elif value.ndim == 1:
                value.add_(torch.randn_like(value) * 0.1)
    return model


def metadata(arguments: dict[str, Any]) -> dict[str, str]:
    """What the authors' files of safetensors say of a network."""
    kwargs = json.dumps(arguments, default=_fraction)
    return {"klass": "demucs.htdemucs.HTDemucs", "args": json.dumps([]), "kwargs": kwargs}


def _fraction(value: Fraction) -> dict[str, Any]:
    return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}


if __name__ == "__main__":
    main()
