"""Makes a network's ONNX graph with Keras's own export. The weights stay in the model's weight file.

In ONNX, a tensor's data can be in another file, at a byte offset. Our HDF5 files and TensorFlow's checkpoints store
tensors uncompressed, so a graph of some kilobytes beside them is enough. Converters transpose and reshape weights, so
each constant of the graph is matched with a weight of the network by its values. Nodes of the graph then make the
constant from that weight; ONNX Runtime computes them once, when it loads the graph.
"""

import itertools
import logging
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from splitstrument.form import Form

if TYPE_CHECKING:
    import onnx

OPSET = 18
LEAST = 1024  # number of values; smaller constants stay in the graph


@dataclass(frozen=True)
class Weight:
    """A weight of a network: its `value` as it is stored, and its place in a `file`, at the byte `offset`.

    Without a file, it is stored in the graph.
    """

    name: str
    value: np.ndarray
    file: str = ""
    offset: int = 0


def convert(network: Any, form: Form) -> "onnx.ModelProto":
    """The graph of a Keras network of this form, for batches of any size, with all constants in it.

    Raises ValueError if the network has an operation that the converter cannot express.
    """
    import onnx

    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # what it cannot convert is reported below
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter's warnings about NumPy
        path = Path(scratch) / "network.onnx"
        network.export(path, format="onnx", verbose=False, input_signature=signature(form), opset_version=OPSET)
        model = onnx.load(path)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    # The converter guesses intermediate sizes for one batch; they are inferred again when the graph is loaded.
    del model.graph.value_info[:]
    _without_erfc(model)
    unknown = {node.op_type for node in model.graph.node if not onnx.defs.has(node.op_type, node.domain)}
    if unknown:
        raise ValueError(f"the network has operations that cannot be converted to ONNX: {', '.join(sorted(unknown))}")
    return model


def _without_erfc(model: "onnx.ModelProto") -> None:
    """Replace erfc(x), which TensorFlow uses for GELU and ONNX lacks, by 1 - erf(x)."""
    from onnx import helper, numpy_helper

    nodes = []
    for node in model.graph.node:
        if node.op_type != "Erfc":
            nodes.append(node)
            continue
        (output,) = node.output
        one = numpy_helper.from_array(np.ones((), np.float32))
        nodes.append(helper.make_node("Erf", node.input, [f"{output}/erf"]))
        nodes.append(helper.make_node("Constant", [], [f"{output}/one"], value=one))
        nodes.append(helper.make_node("Sub", [f"{output}/one", f"{output}/erf"], [output]))
    _set(model.graph, "node", nodes)


def _set(graph: "onnx.GraphProto", field: str, values: Iterable[Any]) -> None:
    """Set a repeated `field` of the graph to these values, some of which may already be in it."""
    copies = []
    for value in values:
        copies.append(type(value)())
        copies[-1].CopyFrom(value)
    graph.ClearField(field)
    getattr(graph, field).extend(copies)


def signature(form: Form) -> list[dict[str, Any]]:
    """The input signature for Keras's exports, for batches of any size."""
    import keras

    shapes = form.shapes().items()
    return [{name: keras.InputSpec(shape=(None, *shape), dtype="float32", name=name) for name, shape in shapes}]


def weights_in(path: Path, folder: Path) -> list[Weight]:
    """The larger weights of an HDF5 file, and their places in it. The file's name is relative to `folder`."""
    import h5py

    weights: list[Weight] = []

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.size >= LEAST and item.dtype.kind == "f":
            offset = item.id.get_offset()  # None: in chunks, or compressed
            if offset is not None:
                weights.append(Weight(name, item[()], path.relative_to(folder).as_posix(), offset))

    with h5py.File(path) as file:
        file.visititems(add)
    return weights


def halved(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """The graph with its larger constants in float16. It still computes in float32."""
    import onnx

    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    origins = {}
    for constant in model.graph.initializer:
        value = onnx.numpy_helper.to_array(constant)
        if value.size >= LEAST and value.dtype == np.float32:
            weight = Weight(f"{constant.name}/half", value.astype(np.float16))
            origins[constant.name] = _Origin(weight, tuple(range(value.ndim)))
    _replace(halved, origins)
    return halved


def refer(model: "onnx.ModelProto", weights: Sequence[Weight], least: int = LEAST) -> set[str]:
    """Replace the graph's constants of `least` values or more by the matching `weights`. Returns their names."""
    import onnx

    origins = {}
    for constant in model.graph.initializer:
        value = onnx.numpy_helper.to_array(constant)
        if value.size >= least and value.dtype == np.float32 and (origin := _origin(value, weights)):
            origins[constant.name] = origin
    _replace(model, origins)
    return {origin.weight.name for origin in origins.values()}


@dataclass(frozen=True)
class _Origin:
    """How a constant is made: the weight with its axes in another order, times `scale` if there is one."""

    weight: Weight
    axes: tuple[int, ...]
    scale: np.ndarray | None = None


def _origin(value: np.ndarray, weights: Iterable[Weight]) -> _Origin | None:
    """How `value` is made. Converters multiply the normalisation after a convolution into its kernel."""
    for weight in weights:
        if weight.value.size != value.size:
            continue
        stored = weight.value.astype(np.float32)
        for axes in itertools.permutations(range(stored.ndim)):
            turned = stored.transpose(axes)
            if _long(turned.shape) != _long(value.shape):
                continue
            turned = turned.reshape(value.shape)
            if np.allclose(turned, value, rtol=1e-6, atol=0):
                return _Origin(weight, axes)
            if stored.ndim == value.ndim == 4:  # a convolution's kernel: (out, in, height, width)
                largest = np.abs(turned).reshape(len(turned), -1).argmax(1)
                rows = np.arange(len(turned))
                divisor, product = (each.reshape(len(turned), -1)[rows, largest] for each in (turned, value))
                scale = (product / np.where(divisor == 0, 1, divisor)).reshape(-1, 1, 1, 1)
                if np.allclose(turned * scale, value, rtol=1e-5, atol=1e-7 * np.abs(value).max()):
                    return _Origin(weight, axes, scale)
    return None


def _long(shape: tuple[int, ...]) -> list[int]:
    return [size for size in shape if size > 1]


def _replace(model: "onnx.ModelProto", origins: Mapping[str, _Origin]) -> None:
    """Replace the constants with these names by nodes that make them from the weights."""
    graph = model.graph
    shapes = {constant.name: tuple(constant.dims) for constant in graph.initializer}
    kept = [constant for constant in graph.initializer if constant.name not in origins]
    weights = {origin.weight.name: origin.weight for origin in origins.values()}
    nodes = [node for name, origin in origins.items() for node in _made(name, shapes[name], origin)]
    nodes += graph.node
    _set(graph, "initializer", [*kept, *map(_tensor, weights.values())])
    _set(graph, "node", nodes)


def _made(name: str, shape: tuple[int, ...], origin: _Origin) -> "Iterable[onnx.NodeProto]":
    """The nodes that make the constant `name` from its origin."""
    from onnx import TensorProto, helper, numpy_helper

    weight, axes = origin.weight, origin.axes
    steps: list[tuple[str, list[str], dict[str, Any]]] = []
    if weight.value.dtype != np.float32:
        steps.append(("Cast", [], {"to": TensorProto.FLOAT}))
    if axes != tuple(range(len(axes))):
        steps.append(("Transpose", [], {"perm": axes}))
    if tuple(weight.value.shape[axis] for axis in axes) != shape:
        yield helper.make_node("Constant", [], [f"{name}/shape"], value_ints=list(shape))
        steps.append(("Reshape", [f"{name}/shape"], {}))
    if origin.scale is not None:
        value = numpy_helper.from_array(origin.scale)
        yield helper.make_node("Constant", [], [f"{name}/scale"], value=value)
        steps.append(("Mul", [f"{name}/scale"], {}))
    last = weight.name
    for number, (kind, others, attributes) in enumerate(steps or [("Identity", [], {})], 1):
        made = name if number >= len(steps) else f"{name}/{number}"
        yield helper.make_node(kind, [last, *others], [made], **attributes)
        last = made


def _tensor(weight: Weight) -> "onnx.TensorProto":
    from onnx import TensorProto, helper, numpy_helper

    if not weight.file:
        return numpy_helper.from_array(weight.value, weight.name)
    tensor = TensorProto(name=weight.name, dims=weight.value.shape, data_location=TensorProto.EXTERNAL)
    tensor.data_type = helper.np_dtype_to_tensor_dtype(weight.value.dtype)
    for key, value in (("location", weight.file), ("offset", weight.offset), ("length", weight.value.nbytes)):
        tensor.external_data.add(key=key, value=str(value))
    return tensor
