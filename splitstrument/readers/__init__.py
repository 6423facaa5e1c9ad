"""Models of other projects, as these publish them: one file per format.

Each has `recognises(folder)`, `read_card(folder)`, `files(folder)` (those that the model consists of),
`load_weights(network, folder)`, where the network is that of the card, and `weights_source(card, what)`, which names
the weights on the card of a model that began with them. Where all models of a kind share one ONNX graph there are
`graph(folder)`, its path, and `graph_tensors(folder)`, what it is filled with. Another reader is another file in
`_READERS`.
"""

import importlib
from pathlib import Path
from types import ModuleType

_READERS = ("thesis", "spleeter")


def reader_of(folder: str | Path) -> ModuleType | None:
    """The reader of the model in `folder`, or None where none knows it."""
    readers = (importlib.import_module(f"{__name__}.{name}") for name in _READERS)
    return next((reader for reader in readers if reader.recognises(Path(folder))), None)
