"""Reads models of Open-Unmix: a folder with a PyTorch file for each source, as published or as its training writes it.

The files are `vocals.pth` or, as published, `vocals-b62c91ce.pth`. Training also writes `separator.json`, which says
sample rate and STFT, and `vocals.json`, which is not needed. All else follows from the shapes of the tensors.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from splitstrument.cards import Card, ModelError, Source
from splitstrument.readers.torch_file import TorchFile, TorchFileError

_FILE = re.compile(r"([a-z][a-z0-9_]*)(?:-([0-9a-f]{8}))?\.pth")
_SONG = ("vocals", "drums", "bass", "other")  # together the whole song
_CONFIGURATION = "separator.json"
FRAMES = 512  # 12 s: nearer to the original, which takes a whole song at once, than the network's own 256
# The published models: the beginnings of their files' SHA-256, their data with its licence, and their own licence.
_EDUCATION = "educational purposes only"
_PUBLISHED = {
    "umx": ("c8df74a5 5a48008b 646024d3 f8e132cc", ("MUSDB18", _EDUCATION), "MIT"),
    "umxhq": ("b62c91ce 9619578f 8d85a5bd b52fbbf7", ("MUSDB18-HQ", _EDUCATION), "MIT"),
    "umxl": ("bccbd9aa 69e0ebd4 2ca1ce51 c8c5b3e6", ("private stems", "not published"), "CC BY-NC-SA 4.0"),
}


def recognises(folder: Path) -> bool:
    """Whether `folder` has PyTorch files whose names may be those of sources."""
    return any(_FILE.fullmatch(path.name) for path in folder.glob("*.pth"))


def files(folder: Path) -> list[Path]:
    """The files of the model that exist."""
    targets = _targets(folder)
    others = [folder / _CONFIGURATION, *(folder / f"{name}.json" for name in targets)]
    return [*targets.values(), *(path for path in others if path.is_file())]


def read_card(folder: Path) -> Card:
    """The card of the model in `folder`, from its files' names and its tensors' shapes. Raises ModelError."""
    targets = _targets(folder)
    options, fft_length = _options(next(iter(targets.values())))
    name, data, licence = _origin(targets)
    published = f", trained and published by its authors ({licence})" if name in _PUBLISHED else ""
    return Card(
        name=name,
        sources=tuple(targets),
        whole=set(targets) == set(_SONG),
        sample_rate=_sample_rate(folder, fft_length),
        network="open_unmix",
        options=options,
        trained_on=(Source(*data, "songs with stems"),) if data else (),
        about=f"Takes {', '.join(targets)} out of a song; Open-Unmix, 2019.",
        training=f"Open-Unmix{published}",
    )


def weights_source(card: Card, what: str) -> Source:
    """The weights of the model with this card, as a source of another model that was initialised with them."""
    licence = _PUBLISHED[card.name][2] if card.name in _PUBLISHED else "that of its files"
    return Source(f"Open-Unmix, {card.name}", licence, what)


def load_weights(network: Any, folder: Path) -> None:
    """Load the files in `folder` into the network of its card. Raises ModelError if they do not fit."""
    for number, (name, path) in enumerate(_targets(folder).items()):
        tensors = _open(path)
        for layer in network.layers:
            if layer.weights and layer.name.startswith(f"blstm{number}_"):
                try:
                    layer.set_weights(_values(tensors, layer.name.removeprefix(f"blstm{number}_")))
                except (KeyError, TorchFileError, ValueError) as error:
                    reason = " ".join(str(error).split())[:120]
                    raise ModelError(f"{path}: the weights of {name} cannot be used ({reason})") from None


def _values(tensors: TorchFile, layer: str) -> list[np.ndarray]:
    """The weights, in Keras's order and form, of a layer of networks.open_unmix.

    PyTorch's LSTM has the gates in the same order, i, f, g, o; its two biases are added.
    """
    if layer.startswith("lstm"):
        level, values = layer.removeprefix("lstm"), []
        for direction in ("", "_reverse"):
            kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            names = [f"lstm.{kind}_l{level}{direction}" for kind in kinds]
            if names[0] in tensors:
                kernel, recurrent, *biases = (tensors[name] for name in names)
                values += [kernel.T, recurrent.T, biases[0] + biases[1]]
        return values
    if layer in ("input", "output"):
        return [tensors[f"{layer}_scale"], tensors[f"{layer}_mean"]]
    place = ("encoder", "middle", "decoder").index(layer.split("_")[0]) + 1
    if layer.endswith("_normalisation"):
        return [tensors[f"bn{place}.{kind}"] for kind in ("weight", "bias", "running_mean", "running_var")]
    return [tensors[f"fc{place}.weight"].T]


def _targets(folder: Path) -> dict[str, Path]:
    """{source: its file}: vocals, drums, bass, then others in order of their names, and what is called other last."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.pth")):
        match = _FILE.fullmatch(path.name)
        if match and match[1] in found:
            raise ModelError(f"{folder}: {found[match[1]].name} and {path.name} are both of {match[1]}; remove one")
        if match:
            found[match[1]] = path
    return {name: found[name] for name in sorted(found, key=lambda name: (name == "other", _place(name), name))}


def _place(name: str) -> int:
    return _SONG.index(name) if name in _SONG else len(_SONG)


def _origin(targets: dict[str, Path]) -> tuple[str, tuple[str, str] | None, str]:
    """(name, data, licence) of the model; if it is not a published one, nothing is known of the last two."""
    matches = [_FILE.fullmatch(path.name) for path in targets.values()]
    digests = {match[2] for match in matches if match}
    for name, (published, data, licence) in _PUBLISHED.items():
        if digests <= set(published.split()):
            return name, data, licence
    return "open-unmix", None, ""


def _options(path: Path) -> tuple[dict[str, Any], int]:
    """(the network's options, the length of its FFT), from the shapes of a source's tensors. Raises ModelError."""
    tensors = _open(path)
    try:
        (seen,), (bins,) = tensors.shape("input_mean"), tensors.shape("output_mean")
        hidden, columns = tensors.shape("fc1.weight")
    except (KeyError, ValueError):
        raise ModelError(f"{path}: a file of PyTorch, but not of Open-Unmix") from None
    options = {
        "frames": FRAMES,
        "fft_length": 2 * (bins - 1),
        "seen": seen,
        "channels": columns // max(1, seen),
        "hidden": hidden,
        "layers": sum(name.startswith("lstm.weight_hh_l") and not name.endswith("_reverse") for name in tensors),
        "unidirectional": "lstm.weight_hh_l0_reverse" not in tensors,
    }
    return options, 2 * (bins - 1)


def _sample_rate(folder: Path, fft_length: int) -> int:
    """The sample rate that `separator.json` names; without that file, the published models' 44,100 Hz."""
    path = folder / _CONFIGURATION
    if not path.is_file():
        if fft_length != 4096:
            raise ModelError(f"{folder}: also needs {_CONFIGURATION}, which says the sample rate of the model")
        return 44100
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        rate, found, hop = (int(values[name]) for name in ("sample_rate", "nfft", "nhop"))
    except (OSError, ValueError, KeyError, TypeError):
        raise ModelError(f"{path}: cannot be read, or lacks sample_rate, nfft or nhop") from None
    if found != fft_length or 4 * hop != fft_length:
        wanted = f"an FFT of {fft_length} as in the weights and a hop of a quarter of it"
        raise ModelError(f"{path}: nfft is {found} and nhop is {hop}; {wanted} can be used")
    return rate


def _open(path: Path) -> TorchFile:
    try:
        return TorchFile(path)
    except (TorchFileError, OSError) as error:
        raise ModelError(f"{path}: {error}") from None
