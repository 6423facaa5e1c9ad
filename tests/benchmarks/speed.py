"""Times real time, against rivals in the same run on the same cores.

    python tests/benchmarks/speed.py

The default model from file to file (decode a 16-bit 44.1 kHz stereo WAV, separate, write both stems), and its network
alone, against Spleeter's 2stems networks alone, random weights, no decoding and no STFT. Then the thesis's Stacked
Hourglass in float32 one window at a time, network alone, against ours from the same spectra. Each figure is the best
of some rounds that alternate between the rivals.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def best(rivals, rounds):
    """The least time of each function of `rivals` (name -> function), rounds alternating, after one to warm up."""
    for function in rivals.values():
        function()
    times = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, function in rivals.items():
            times[name].append(seconds(function))
    return {name: min(values) for name, values in times.items()}


def default_model(folder, model, length, rounds):
    import spleeter_networks as spleeter

    from splitstrument import Separator
    from splitstrument.song_files import Output, separate_file

    song = Path(folder, "song.wav")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (length * 44100, 2))
    soundfile.write(song, noise, 44100, "PCM_16")
    separator = Separator(model)
    stems = [spleeter.build_stem() for _ in range(2)]
    windows = -(-length * spleeter.RATE // (spleeter.FRAMES * spleeter.HOP))
    window = np.random.default_rng(0).random((1, spleeter.FRAMES, spleeter.BINS, 2), np.float32)

    def spleeter_alone():
        for _ in range(windows):
            for network in stems:
                network.predict_on_batch(window)

    ours = separator.models[0]
    bins, frames, _ = ours.shape
    own_windows = round(length * ours.card.sample_rate / ((frames - ours.overlap) * (bins - 1) // 2))
    own_window = np.random.default_rng(0).random((1, *ours.shape), np.float32)

    def ours_alone():
        for _ in range(own_windows):
            ours.predict(own_window)

    times = best(
        {
            f"{model}, file to file": lambda: separate_file(separator, song, Path(folder), Output()),
            f"{model}, network alone": ours_alone,
            "Spleeter 2stems, networks alone": spleeter_alone,
        },
        rounds,
    )
    report(times, dict.fromkeys(times, length))


def hourglass(rounds):
    from splitstrument import networks
    from splitstrument.backend import keras_on
    from splitstrument.inference import quickest
    from splitstrument.windows import overlap_of

    keras_on()
    network, ours = networks.build("hourglass"), networks.build("hourglass")
    ours.set_weights(network.get_weights())
    quickest(ours)
    count = 8
    windows = np.random.default_rng(0).random((count, 769, 64, 1), np.float32)

    def the_thesis_way():
        for window in windows:
            network.predict(window[None], verbose=0)

    def our_way():
        for window in windows:
            ours.predict_on_batch(window[None])

    times = best({"hourglass, ours": our_way, "hourglass, the thesis's way": the_thesis_way}, rounds)
    # Our windows overlap, and cover so much less.
    frames = {"hourglass, ours": 64 - overlap_of(64), "hourglass, the thesis's way": 64}
    report({name: took / frames[name] for name, took in times.items()}, dict.fromkeys(times, count * 384 / 22050))


def report(times, audio):
    """Each speed, and as how many times the last one's."""
    last = list(times.values())[-1]
    for name, took in times.items():
        print(f"{name}: {audio[name] / took:.2f} times real time, ratio {last / took:.2f}")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="guitar")
    parser.add_argument("--length", type=int, default=120, help="seconds of the song")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        default_model(folder, options.model, options.length, options.rounds)
    hourglass(options.rounds)


if __name__ == "__main__":
    main()
