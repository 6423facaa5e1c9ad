"""What Open-Unmix 1.3 itself computes, which tests/test_open_unmix.py holds ours to: writes open_unmix/ beside it.

    python3.11 -m venv scratch && scratch/bin/pip install torch==2.13.0+cpu openunmix==1.3.0
    scratch/bin/python -m tests.references.open_unmix      # from the root of the checkout

The weights are random and small. `stereo/` has two sources as training writes them, the second in the format of before
PyTorch 1.6, as the models of 2019 are; `causal/` has a unidirectional network, whose file is named as published ones.
`numbers.npz` has masks of these networks for `magnitudes()`, Wiener filtered spectra of `wiener_input()`, and what
Open-Unmix's Separator takes out of `song()`.
"""

import json
import sys
import types
from pathlib import Path

import numpy as np

FFT, SEEN, RATE, FRAMES = 64, 24, 8000, 150
FOLDER = Path(__file__).with_suffix("")
NUMBERS = FOLDER / "numbers.npz"
# The file of each network, whether it is unidirectional, and its sizes.
FILES = {
    "stereo/vocals.pth": (False, {"hidden_size": 16, "nb_layers": 3, "nb_channels": 2}),
    "stereo/drums.pth": (False, {"hidden_size": 16, "nb_layers": 3, "nb_channels": 2}),
    "causal/vocals-0123abcd.pth": (True, {"hidden_size": 8, "nb_layers": 2, "nb_channels": 1}),
}
FILTERS = {"one": (1, False), "two": (2, False), "residual": (1, True)}  # iterations, and whether there is a residual


def magnitudes(channels: int) -> np.ndarray:
    """(1, channels, bins, frames) of a network's input."""
    return np.random.default_rng(1).gamma(1, 4, (1, channels, FFT // 2 + 1, 40)).astype(np.float32)


def wiener_input() -> tuple[np.ndarray, np.ndarray]:
    """Spectra (channels, frames, bins), also silent ones, and masks (sources, channels, frames, bins)."""
    random = np.random.default_rng(2)
    parts = random.normal(0, 20, (2, 2, 50, 9)).astype(np.float32)
    parts[:, 1] = 0.6 * parts[:, 0] + 0.1 * parts[:, 1]  # nearly in the middle, as most music
    parts[..., 7] = 0
    parts[:, :, 30:] /= 1000
    return (parts[0] + 1j * parts[1]).astype(np.complex64), random.random((3, 2, 50, 9), np.float32) ** 2


def song() -> np.ndarray:
    """Tones and noise that begin and end quietly, (samples, 2) float32: FRAMES frames in Open-Unmix.

    Not in silence: where a spectrum is exactly 0, Open-Unmix sets it to 1 before it filters.
    """
    random, samples = np.random.default_rng(3), (FRAMES - 1) * FFT // 4
    times = np.arange(samples) / RATE
    tones = np.stack([np.sin(2 * np.pi * pitch * times) for pitch in (440.0, 1250.0)], 1)
    sound = 0.3 * tones @ np.array([[0.8, 0.2], [0.4, 0.6]]) + random.normal(0, 0.1, (samples, 2))
    sound[:FFT] *= 1e-7
    sound[-FFT:] *= 1e-7
    return sound.astype(np.float32)


def main() -> None:
    sys.modules["torchaudio"] = types.ModuleType("torchaudio")  # only resamples, which is not needed
    import torch
    from openunmix.filtering import wiener
    from openunmix.model import OpenUnmix, Separator

    torch.manual_seed(0)
    random, kept, networks = np.random.default_rng(0), {}, {}
    for name, (causal, sizes) in FILES.items():
        statistics = random.uniform(3, 6, FFT // 2 + 1), random.uniform(3, 6, FFT // 2 + 1)
        network = OpenUnmix(FFT // 2 + 1, unidirectional=causal, max_bin=SEEN, input_mean=statistics[0],
                            input_scale=statistics[1], **sizes).eval()  # fmt: skip
        with torch.no_grad():
            for key, value in network.state_dict().items():
                if value.dtype == torch.float32 and value.ndim == 1 and not key.startswith("input"):
                    value += 0.5 * torch.rand(value.shape)
                if key.startswith("lstm"):
                    value *= 2
            x = torch.as_tensor(magnitudes(sizes["nb_channels"]))
            kept[name] = (network(x) / x).numpy()
        networks[name] = network
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(network.state_dict(), path, _use_new_zipfile_serialization=path.stem != "drums")
        settings = {"nfft": FFT, "nhop": FFT // 4, "sample_rate": RATE, "nb_channels": sizes["nb_channels"]}
        (path.parent / "separator.json").write_text(json.dumps(settings, indent=1))
    spectra, masks = wiener_input()
    mixture = torch.view_as_real(torch.as_tensor(spectra.transpose(1, 2, 0).astype(np.complex128)))
    estimates = torch.as_tensor((masks * np.abs(spectra)).transpose(2, 3, 1, 0).astype(np.float64))
    for name, (iterations, residual) in FILTERS.items():
        filtered = torch.view_as_complex(
            wiener(estimates.clone(), mixture.clone(), iterations, residual=residual).movedim(3, -1).contiguous()
        )
        kept[f"wiener/{name}"] = filtered.numpy().transpose(3, 2, 0, 1)[: len(masks)].astype(np.complex64)
    targets = {Path(name).stem: networks[name] for name in FILES if name.startswith("stereo")}
    # Its frames then lie as ours, whose first one ends a hop after the song's beginning.
    audio = torch.as_tensor(np.pad(song(), ((FFT // 4, 0), (0, 0)), "reflect").T[None])
    for name, residual in (("plain", False), ("residual", True)):
        separate = Separator(targets, 1, False, residual, RATE, FFT, FFT // 4, 2, None).double().eval()
        with torch.no_grad():
            parts = separate(audio.double())[0, : len(targets)]
        kept[f"separator/{name}"] = parts.numpy().transpose(0, 2, 1)[:, FFT // 4 :].astype(np.float32)
    for name, value in kept.items():
        print(f"{name}: {value.shape}, mean {value.mean():.4f}, deviation {value.std():.4f}")
    np.savez_compressed(NUMBERS, **kept)


if __name__ == "__main__":
    main()
