"""Times real time, against rivals in the same run on the same cores.

    python tests/benchmarks/speed.py

The default model from file to file (decode a 16-bit 44.1 kHz stereo WAV, separate, write both stems), and its network
alone, against our Spleeter's networks of 2stems alone, float32, random weights, no decoding and no STFT (the real
Spleeter: spleeter_speed.py). Then the thesis's Stacked
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
    from splitstrument import Separator, networks
    from splitstrument.song_files import Output, separate_file

    song = Path(folder, "song.wav")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (length * 44100, 2))
    soundfile.write(song, noise, 44100, "PCM_16")
    separator = Separator(model)
    spleeter, form = networks.build("spleeter", {}, ("vocals", "accompaniment")), networks.form("spleeter")
    ours = separator.models[0]

    def alone(predict, shape, seconds):
        """Runs a network over random windows that begin so many seconds apart, as many as the song needs."""
        window = np.random.default_rng(0).random((1, *shape), np.float32)
        count = round(length / seconds)
        return lambda: [predict(window) for _ in range(count)]

    own_step = (ours.form.length - ours.overlap) * ours.form.window / 4 / ours.card.sample_rate
    ours_alone = alone(ours.predict, ours.form.shapes()["mixture"], own_step)
    mixture = form.shapes()["mixture"]
    spleeter_alone = alone(lambda window: spleeter.predict_on_batch({"mixture": window}), mixture, form.step / 44100)

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
            network.predict({"mixture": window[None]}, verbose=0)

    def our_way():
        for window in windows:
            ours.predict_on_batch({"mixture": window[None]})

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
