"""Spleeter's networks of 2stems alone, in its own TensorFlow. Runs in an environment that has Spleeter.

    MODEL_PATH=PRETRAINED_MODELS PYTHON spleeter_networks.py WINDOWS

Prints the seconds for so many windows of 11.9 s at once, as Spleeter takes a song, after a first time.
"""

import os
import sys
import time

WINDOW = (512, 1024, 2)  # frames, bins, channels


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    import numpy as np
    import tensorflow
    from spleeter.model import EstimatorSpecBuilder
    from spleeter.utils.configuration import load_configuration

    one = tensorflow.compat.v1
    with tensorflow.Graph().as_default(), one.Session() as session:
        magnitudes = one.placeholder(tensorflow.float32, (None, *WINDOW))
        features = {"mix_stft": None, "mix_spectrogram": magnitudes}
        outputs = EstimatorSpecBuilder(features, load_configuration("spleeter:2stems")).model_outputs
        one.train.Saver().restore(session, os.path.join(os.environ["MODEL_PATH"], "2stems", "model"))
        wanted = [output.op for output in outputs.values()]
        windows = np.random.default_rng(0).random((int(sys.argv[1]), *WINDOW), np.float32) * 10
        for _ in range(2):
            start = time.perf_counter()
            session.run(wanted, {magnitudes: windows})
            took = time.perf_counter() - start
    print(took)


if __name__ == "__main__":
    main()
