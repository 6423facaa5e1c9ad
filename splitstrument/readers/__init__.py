"""Readers for the models of other projects, in the form in which they are published: one file per format.

Each reader has `recognises(folder)`, `read_card(folder)`, `files(folder)` (the files of the model),
`load_weights(network, folder)` for the network on the card, and `weights_source(card, what)`, which describes the
weights on the card of a model that was initialised with them. If all models of a kind share one ONNX graph, the reader
also has `graph(folder)`, the path of the graph, and `graph_tensors(folder)`, the weights to fill it with. To add a
reader, add a file and its name to `_READERS`.
"""

import importlib
from pathlib import Path
from types import ModuleType

_READERS = ("thesis", "spleeter", "open_unmix", "demucs")


def reader_of(folder: str | Path) -> ModuleType | None:
    """The reader for the model in `folder`, or None if no reader recognises it."""
    readers = (importlib.import_module(f"{__name__}.{name}") for name in _READERS)
    return next((reader for reader in readers if reader.recognises(Path(folder))), None)
