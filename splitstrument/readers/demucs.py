"""Reads Hybrid Transformer Demucs as its authors publish it: a folder with one `.safetensors` file for the model.

The file's metadata has the class of the network, `klass`, and its arguments in JSON, `args` and `kwargs`, where a
fraction such as the segment's 39/5 s is {"_type": "fraction", "numerator": 39, "denominator": 5}. Models of the class
HTDemucs can be read: htdemucs, htdemucs_6s, and each of the four of htdemucs_ft. In the file the source called other
comes anywhere; on the card it is the last, which is the song minus the others.
"""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from splitstrument import networks
from splitstrument.cards import Card, ModelError, Source
from splitstrument.readers.safetensors_file import SafetensorsError, SafetensorsFile

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
    """Whether `folder` has files of safetensors of the class HTDemucs."""
    return bool(_files(folder))


def files(folder: Path) -> list[Path]:
    """The file of the model. Raises ModelError if there are several models."""
    return [_file(folder)]


def read_card(folder: Path) -> Card:
    """The card of the model in `folder`, from its file's name and metadata. Raises ModelError."""
    path = _file(folder)
    sources, options, sample_rate = _arguments(path, _open(path))
    name = _PUBLISHED.get(path.stem, path.stem)
    published = path.stem in _PUBLISHED
    ordered = tuple(sources[place] for place in _order(sources))
    return Card(
        name=name,
        sources=ordered,
        whole=set(sources) >= _SONG,
        sample_rate=sample_rate,
        network="htdemucs",
        options=options,
        trained_on=_DATA if published else (),
        about=f"Takes {', '.join(ordered)} out of a song; Hybrid Transformer Demucs, 2023.",
        training="Hybrid Transformer Demucs" + (", trained and published by its authors (MIT)" if published else ""),
    )


def weights_source(card: Card, what: str) -> Source:
    """The weights of the model with this card, as a source of another model that was initialised with them."""
    published = card.name in _PUBLISHED.values()
    return Source(f"Hybrid Transformer Demucs, {card.name}", "MIT" if published else "that of its file", what)


def load_weights(network: Any, folder: Path) -> None:
    """Load the file in `folder` into the network of its card. Raises ModelError if it does not fit."""
    path = _file(folder)
    tensors = _open(path)
    sources, options, _ = _arguments(path, tensors)
    last = f"decoder.{options['depth'] - 1}.conv_tr"
    for layer in network.layers:
        if not layer.weights:
            continue
        try:
            values = _values(tensors, layer.name)
            if layer.name in (last, f"t{last}"):  # the sources one after the other
                values = [_reordered(each, _order(sources)) for each in values]
            shapes = [weight.shape for weight in layer.weights]
            # Dense layers stand for convolutions of width 1.
            layer.set_weights(
                [
                    each.reshape(shape) if each.ndim != len(shape) else each
                    for each, shape in zip(values, shapes, strict=True)
                ]
            )
        except KeyError as error:
            raise ModelError(f"{path}: the weights cannot be used ({error.args[0]} is missing)") from None
        except ValueError as error:
            reason = " ".join(str(error).split())[:120]
            raise ModelError(f"{path}: the weights of {layer.name} cannot be used ({reason})") from None


def _values(tensors: SafetensorsFile, layer: str) -> list[np.ndarray]:
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


def _arguments(path: Path, tensors: SafetensorsFile) -> tuple[tuple[str, ...], dict[str, Any], int]:
    """(sources, options of our network, sample rate) from the file's metadata. Raises ModelError."""
    try:
        args, found = (_plain(json.loads(tensors.metadata[name])) for name in ("args", "kwargs"))
        found = dict(found) | ({"sources": args[0]} if args else {})
        sources = tuple(str(name) for name in found["sources"])
        sample_rate = int(found.get("samplerate", 44100))
        length = int(Fraction(found.get("segment", 10)) * sample_rate)
        options = {ours: found.get(name, default) for name, (ours, default) in _OPTIONS.items()}
        mode, rates = int(found.get("dconv_mode", 1)), found.get("channels_time")
        wrong = [name for name, values in _FIXED.items() if name in found and found[name] not in values]
    except (KeyError, ValueError, TypeError, IndexError, ZeroDivisionError):
        raise ModelError(f"{path}: its metadata lacks sources, or cannot be read") from None
    wrong += ["dconv_mode"] * (not mode & 1) + ["channels_time"] * (rates not in (None, options["filters"]))
    wrong += ["norm_starts"] * (found.get("norm_starts", 4) < options["depth"])
    wrong += ["structure"] * ("structure" in tensors.metadata) + ["args"] * (len(args) > 1)
    if wrong:
        raise ModelError(f"{path}: a variant of Demucs that cannot be used ({', '.join(wrong)})")
    options |= {"length": length, "decoder_residuals": bool(mode & 2)}
    try:
        networks.settings("htdemucs", options)
    except ValueError as error:
        raise ModelError(f"{path}: {error}") from None
    return sources, options, sample_rate


def _plain(value: Any) -> Any:
    """JSON with its fractions as such. Raises KeyError, TypeError and ZeroDivisionError."""
    if isinstance(value, dict):
        if value.get("_type") == "fraction":
            return Fraction(value["numerator"], value["denominator"])
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _files(folder: Path) -> list[Path]:
    """The files of class HTDemucs."""
    found = []
    for path in sorted(folder.glob("*.safetensors")):
        try:
            if SafetensorsFile(path).metadata.get("klass", "").split(".")[-1] == "HTDemucs":
                found.append(path)
        except (OSError, SafetensorsError):
            continue
    return found


def _file(folder: Path) -> Path:
    paths = _files(folder)
    if len(paths) > 1:
        names = ", ".join(path.name for path in paths)
        raise ModelError(f"{folder}: holds several models ({names}); put each into a folder of its own")
    if not paths:
        raise ModelError(f"{folder}: holds no file of safetensors of Hybrid Transformer Demucs")
    return paths[0]


def _open(path: Path) -> SafetensorsFile:
    try:
        return SafetensorsFile(path)
    except (SafetensorsError, OSError) as error:
        raise ModelError(f"{path}: {error}") from None
