"""Runs a model's graph with ONNX Runtime, on the processor, in float32.

Several windows are computed in parallel, each on one or a few cores. This uses the cores better than one window on all
of them, since not all operations of a network can be split.
"""

from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from splitstrument import models, networks
from splitstrument.cards import ModelError
from splitstrument.runtimes import processors

AT_ONCE = 4  # windows in parallel; each one takes memory


class Onnx:
    """The graph of the model in `folder`, or the graph at `path`. Raises ModelError if it is broken or belongs to
    another model."""

    name = "onnx"

    def __init__(self, folder: Path, path: Path | None = None) -> None:
        import onnxruntime

        path = path or models.graph(folder)
        if path is None:
            raise ModelError(f"{folder}: has no {models.GRAPH}; make one with: splitstrument export {folder}")
        at_once = min(AT_ONCE, processors())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = processors() // at_once
        options.log_severity_level = 4  # errors are raised, not logged
        try:
            if path.parent != folder:  # a reader's graph, shared by all models of a kind
                tensors = models.graph_tensors(folder)
                values = map(onnxruntime.OrtValue.ortvalue_from_numpy, tensors.values())
                options.add_external_initializers(list(tensors), list(values))
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except ModelError:
            raise
        except Exception as error:  # ONNX Runtime raises many kinds of errors for a broken, foreign or newer file
            reason = " ".join(str(error).split())[:160]
            if path.parent != folder:
                raise ModelError(
                    f"{folder}: the weights do not fit the graph for this kind of model ({reason})"
                ) from None
            raise ModelError(f"{path}: ONNX Runtime cannot load it ({reason}); {_way_out(folder)}") from None
        self._check(folder, path, own=path.parent == folder)
        self.workers: Executor = ThreadPoolExecutor(at_once, thread_name_prefix="window")

    def predict(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """See Runtime."""
        return self._session.run(None, dict(inputs))[0]

    def _check(self, folder: Path, path: Path, own: bool) -> None:
        """Raise ModelError if the graph does not match the card and the weights beside it."""
        card = models.read_card(folder)
        form = networks.form(card.network, card.options)
        expected = {name: list(shape) for name, shape in form.shapes().items()}
        found = {each.name: list(each.shape[1:]) for each in self._session.get_inputs()}
        outputs = [each.shape[-1] for each in self._session.get_outputs()]
        if found != expected or outputs != [len(card.sources)]:
            raise ModelError(f"{path}: its inputs or outputs differ from the card's; {_way_out(folder)}")
        made_from = self._session.get_modelmeta().custom_metadata_map.get("identity")
        if own and made_from != models.network_identity(folder):
            raise ModelError(f"{path}: was made from other weights or another network; {_way_out(folder)}")


def _way_out(folder: Path) -> str:
    return f"make it again with: splitstrument export {folder}"
