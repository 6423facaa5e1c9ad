"""Makes the ONNX graphs of Spleeter's models, without their weights: splitstrument/readers/graphs.

    python tests/references/spleeter_graphs.py splitstrument/readers/graphs

They change when the network or the converter does; tests/test_export.py holds that they compute the same as Keras.
"""

import argparse
from pathlib import Path


def graph_of(count):
    """The graph for `count` sources; readers.spleeter.graph_tensors fills it."""
    import numpy as np

    from splitstrument import networks
    from splitstrument.readers import spleeter
    from splitstrument.runtimes import graph

    options = spleeter.OPTIONS[count]
    network = networks.build("spleeter", options, spleeter.SOURCES[count])
    random = np.random.default_rng(0)  # by their values weights are known again
    for weight in network.weights:
        weight.assign(random.uniform(0.5, 1.5, weight.shape) * (weight.name != "moving_mean"))  # which loses digits
    weights = []
    for layer in network.layers:
        values = {weight.name: np.asarray(weight) for weight in layer.weights}
        if layer.name.endswith("normalisation"):
            values = spleeter.scale_and_offset(spleeter.EPSILON, **values)
        weights += [graph.Weight(f"{layer.name}/{name}", value, "weights") for name, value in values.items()]
    model = graph.convert(network, networks.form("spleeter", options))
    used = graph.refer(model, weights, least=1)
    assert used == {weight.name for weight in weights}, {weight.name for weight in weights} - used
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    from splitstrument import backend

    backend.keras_on("cpu")
    import onnx

    from splitstrument.readers.spleeter import SOURCES

    for count in SOURCES:
        onnx.save(graph_of(count), output / f"spleeter_{count}.onnx")


if __name__ == "__main__":
    main()
