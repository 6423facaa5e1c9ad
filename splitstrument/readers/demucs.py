"""Reads Hybrid Transformer Demucs as its authors publish it: a folder with one file, or several with a bag's YAML.

Models of the class HTDemucs can be read (readers.demucs_file): htdemucs, htdemucs_6s, and the bag htdemucs_ft. A bag's
YAML names its `models`, files without their suffixes; `weights`, how much each counts for each source; and `segment`,
the length of windows in seconds. In the files the source called other comes anywhere; on the card it is the last, which
is the song minus the others.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from splitstrument import networks
from splitstrument.cards import Card, ModelError, Source
from splitstrument.readers import demucs_file, demucs_folder
from splitstrument.readers.demucs_file import DemucsFile
from splitstrument.readers.tensor_file import TensorFile

_DURATIONS = {1: "half as", 2: "as", 4: "twice as"}  # of networks of the published size
_SONG = {"drums", "bass", "other", "vocals"}  # together the whole song
# The published models by their files' names.
_PUBLISHED = {
    "955717e8": "htdemucs",
    "5c90dfd2": "htdemucs_6s",
    "f7e0c4bc": "htdemucs_ft_drums",
    "d12395a8": "htdemucs_ft_bass",
    "92cfc3b6": "htdemucs_ft_other",
    "04573f0d": "htdemucs_ft_vocals",
}
_DATA = (
    Source("MUSDB18-HQ", "educational purposes only", "songs with stems"),
    Source("800 songs of the authors", "not published", "songs with stems"),
)
# Their argument -> (our option, the value that it has without being named).
_OPTIONS: dict[str, tuple[str, Any]] = {
    "audio_channels": ("channels", 2),
    "channels": ("filters", 48),
    "growth": ("growth", 2),
    "nfft": ("fft_length", 4096),
    "depth": ("depth", 4),
    "context": ("context", 1),
    "dconv_depth": ("residual_depth", 2),
    "dconv_comp": ("compression", 8),
    "freq_emb": ("frequency_embedding", 0.2),
    "emb_scale": ("embedding_boost", 10),
    "bottom_channels": ("bottom", 0),
    "t_layers": ("layers", 5),
    "t_heads": ("heads", 8),
    "t_hidden_scale": ("expansion", 4.0),
    "t_dropout": ("dropout", 0.0),
}
# Arguments that change the network in ways that ours does not have: the values that they must have.
_FIXED: dict[str, tuple[Any, ...]] = {
    "cac": (True,),
    "rewrite": (True,),
    "multi_freqs": (None, []),
    "kernel_size": (8,),
    "stride": (4,),
    "context_enc": (0,),
    "t_emb": ("sin",),
    "t_norm_in": (True,),
    "t_group_norm": (False, 0),
    "t_norm_first": (True,),
    "t_norm_out": (True, 1),
    "t_max_period": (10000.0,),
    "t_layer_scale": (True,),
    "t_gelu": (True,),
    "t_weight_pos_embed": (1.0,),
    "t_sparse_self_attn": (False,),
    "t_sparse_cross_attn": (False,),
    "t_cross_first": (False,),
}


def recognises(folder: Path) -> bool:
    """Whether `folder` has files of the class HTDemucs."""
    return bool(demucs_folder.networks_in(folder))


def files(folder: Path) -> list[Path]:
    """The files of the model. Raises ModelError if there are several models."""
    bag = demucs_folder.bag_of(folder)
    return [*demucs_folder.members(folder), *([bag] if bag else [])]


def read_card(folder: Path) -> Card:
    """The card of the model in `folder`, from its files. Raises ModelError."""
    paths, bag = demucs_folder.members(folder), demucs_folder.bag_of(folder)
    sources, options, sample_rate = _arguments(paths[0], _open(paths[0]))
    order = _order(sources)
    if bag:
        options |= _bag_options(bag, paths, order, (sources, options, sample_rate))
    signatures = [demucs_folder.signature(path) for path in paths]
    name = bag.stem if bag else _PUBLISHED.get(signatures[0], signatures[0])
    published = set(signatures) <= set(_PUBLISHED)
    ordered = tuple(sources[place] for place in order)
    return Card(
        name=name,
        sources=ordered,
        whole=set(sources) >= _SONG,
        sample_rate=sample_rate,
        network="htdemucs",
        options=options,
        trained_on=_DATA if published else (),
        about=f"Takes {', '.join(ordered)} out of a song; Hybrid Transformer Demucs, 2023. "
        f"On two cores it takes about {_DURATIONS.get(len(paths), 'several times as')} long as the song plays.",
        training="Hybrid Transformer Demucs" + (", trained and published by its authors (MIT)" if published else ""),
    )


def weights_source(card: Card, what: str) -> Source:
    """The weights of the model with this card, as a source of another model that was initialised with them."""
    published = bool(card.trained_on)
    return Source(f"Hybrid Transformer Demucs, {card.name}", "MIT" if published else "that of its file", what)


def load_weights(network: Any, folder: Path) -> None:
    """Load the files in `folder` into the network of its card. Raises ModelError if they do not fit."""
    paths = demucs_folder.members(folder)
    for number, path in enumerate(paths):
        file = _open(path)
        sources, options, _ = _arguments(path, file)
        last, prefix = f"decoder.{options['depth'] - 1}.conv_tr", f"{number}." if len(paths) > 1 else ""
        for layer in network.layers:
            if layer.weights and layer.name.startswith(prefix):
                _load_layer(layer, layer.name.removeprefix(prefix), path, file.tensors, last, _order(sources))


def _load_layer(layer: Any, name: str, path: Path, tensors: TensorFile, last: str, order: Sequence[int]) -> None:
    """Load the tensors of the layer that the file calls `name`. `last`: the layer with an output for each source."""
    try:
        values = _values(tensors, name)
        if name in (last, f"t{last}"):  # the sources one after the other
            values = [_reordered(each, order) for each in values]
        # Dense layers stand for convolutions of width 1.
        shapes = [weight.shape for weight in layer.weights]
        shaped = (
            each.reshape(shape) if each.ndim != len(shape) else each for each, shape in zip(values, shapes, strict=True)
        )
        layer.set_weights(list(shaped))
    except KeyError as error:
        raise ModelError(f"{path}: the weights cannot be used ({error.args[0]} is missing)") from None
    except ValueError as error:
        reason = " ".join(str(error).split())[:120]
        raise ModelError(f"{path}: the weights of {name} cannot be used ({reason})") from None


def _values(tensors: TensorFile, layer: str) -> list[np.ndarray]:
    """The weights, in Keras's order and form, of a layer of networks.htdemucs.

    PyTorch has the axes of a kernel in the opposite order of Keras's, but for the places of a kernel of two dimensions,
    and queries, keys and values of an attention in one matrix.
    """
    if layer.endswith("_attn"):
        kernels = [each.T for each in np.split(tensors[f"{layer}.in_proj_weight"], 3)]
        biases = np.split(tensors[f"{layer}.in_proj_bias"], 3)
        kernels.append(tensors[f"{layer}.out_proj.weight"].T)
        biases.append(tensors[f"{layer}.out_proj.bias"])
        return [each for pair in zip(kernels, biases, strict=True) for each in pair]
    if f"{layer}.scale" in tensors:
        return [tensors[f"{layer}.scale"]]
    weight = tensors[f"{layer}.weight"]
    if f"{layer}.bias" not in tensors:
        return [weight]
    places = tuple(range(2, weight.ndim))
    return [weight.transpose(*places, *(1, 0)[: weight.ndim]) if weight.ndim > 1 else weight, tensors[f"{layer}.bias"]]


def _reordered(weight: np.ndarray, order: Sequence[int]) -> np.ndarray:
    """The last layer's bias, or kernel (..., channels of all sources, inputs), with its sources in another order."""
    axis = max(0, weight.ndim - 2)
    return np.concatenate([np.split(weight, len(order), axis)[place] for place in order], axis)


def _order(sources: Sequence[str]) -> list[int]:
    """The places of the sources, that of other at the end."""
    return sorted(range(len(sources)), key=lambda place: sources[place] == "other")


def _arguments(path: Path, file: DemucsFile) -> tuple[tuple[str, ...], dict[str, Any], int]:
    """(sources, options of our network, sample rate) of a file. Raises ModelError."""
    found = file.arguments
    try:
        sources = tuple(str(name) for name in found["sources"])
        sample_rate = int(found.get("samplerate", 44100))
        length = int(Fraction(found.get("segment", 10)) * sample_rate)
        options = {ours: found.get(name, default) for name, (ours, default) in _OPTIONS.items()}
        mode, rates = int(found.get("dconv_mode", 1)), found.get("channels_time")
        wrong = [name for name, values in _FIXED.items() if name in found and found[name] not in values]
        wrong += ["norm_starts"] * (found.get("norm_starts", 4) < options["depth"])
    except (KeyError, ValueError, TypeError, OverflowError):
        raise ModelError(f"{path}: its metadata lacks sources, or cannot be read") from None
    wrong += ["dconv_mode"] * (not mode & 1) + ["channels_time"] * (rates not in (None, options["filters"]))
    if wrong := [*wrong, *file.unknown]:
        raise ModelError(f"{path}: a variant of Demucs that cannot be used ({', '.join(wrong)})")
    options |= {"length": length, "decoder_residuals": bool(mode & 2)}
    try:
        networks.settings("htdemucs", options)
    except ValueError as error:
        raise ModelError(f"{path}: {error}") from None
    return sources, options, sample_rate


def _bag_options(bag: Path, paths: Sequence[Path], order: Sequence[int], first: tuple) -> dict[str, Any]:
    """The options that a bag's YAML sets; all its networks must be like the `first`. Raises ModelError."""
    sources, options, sample_rate = first
    for path in paths[1:]:
        if _arguments(path, _open(path)) != first:
            raise ModelError(f"{bag}: {path.name} is another network than {paths[0].name}, or for other sources")
    values, found = demucs_folder.read_bag(bag), {}
    try:
        if values.get("segment"):
            found["length"] = min(options["length"], int(Fraction(values["segment"]) * sample_rate))
        if len(paths) > 1:
            weights = values.get("weights") or [[1.0] * len(sources)] * len(paths)
            found["bag"] = [[float(row[place]) for place in order] for row in weights]
            if len(weights) != len(paths) or {len(row) for row in weights} != {len(sources)}:
                raise ValueError
        networks.settings("htdemucs", options | found)
    except (ValueError, TypeError, IndexError, AttributeError, OverflowError):
        raise ModelError(f"{bag}: needs weights for {len(paths)} models and {len(sources)} sources each") from None
    return found


def _open(path: Path) -> DemucsFile:
    try:
        return demucs_file.read(path)
    except (ValueError, OSError) as error:
        raise ModelError(f"{path}: {error}") from None
