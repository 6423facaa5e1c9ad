"""`splitstrument separate` against Spleeter itself with the same weights: time, memory and length of what comes out.

    python3.11 -m venv scratch && scratch/bin/pip install spleeter==2.4.2       # and ffmpeg
    python tests/benchmarks/spleeter_speed.py --spleeter scratch/bin/spleeter --models PRETRAINED_MODELS

PRETRAINED_MODELS holds Deezer's `2stems`. Songs are the example song, again and again, as 16-bit 44.1 kHz stereo WAV.
Programs run from start to end, alternating; memory is the peak of the largest process of each. Then the networks alone,
on windows of 11.9 s: ours one at a time, and theirs in TensorFlow 2.12 as Spleeter runs them, a song's windows at once.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

EXAMPLE = Path(__file__).parents[2] / "examples" / "song.ogg"
WINDOW = (512, 1024, 2)  # frames, bins, channels
WINDOWS = 16  # about three minutes


def programs(options):
    """Both programs on songs of each length."""
    import soundfile
    from memory import peak

    ours = str(Path(sys.executable).with_name("splitstrument"))
    os.environ["MODEL_PATH"] = str(options.models.absolute())
    piece, rate = soundfile.read(EXAMPLE, dtype="int16")
    for minutes in options.minutes:
        length = round(minutes * 60)
        with tempfile.TemporaryDirectory() as folder:
            song = Path(folder, "song.wav")
            soundfile.write(song, np.resize(piece, (length * rate, 2)), rate)
            model = str(options.models / "2stems")
            commands = {
                "splitstrument": [ours, "separate", str(song), "--model", model, "--output", f"{folder}/ours"],
                "Spleeter": [options.spleeter, "separate", "-p", "spleeter:2stems", "-d", str(length)]
                + ["-o", f"{folder}/theirs", str(song)],
            }
            commands["splitstrument"].append("--overwrite")
            times, memory = {name: [] for name in commands}, dict.fromkeys(commands, 0)
            for _ in range(options.rounds):
                for name, command in commands.items():
                    start = time.perf_counter()
                    memory[name] = max(memory[name], peak(*command))
                    times[name].append(time.perf_counter() - start)
            print(f"{minutes:g} minutes from file to files, {options.rounds} rounds:")
            for name, root in (("splitstrument", "ours"), ("Spleeter", "theirs")):
                written = soundfile.info(next(Path(folder, root).rglob("vocals.wav"))).duration
                print(
                    f"  {name}: best {min(times[name]):.1f} s, median {statistics.median(times[name]):.1f} s, "
                    f"{memory[name]:.0f} MiB, {written:.2f} s of vocals"
                )
        quicker = min(times["Spleeter"]) / min(times["splitstrument"])
        share = memory["splitstrument"] / memory["Spleeter"]
        print(f"  splitstrument: {quicker:.2f} times as fast, {share:.2f} of the memory", flush=True)


def networks_alone(options):
    """Ours in each precision and theirs, alternating."""
    from splitstrument import inference

    window = np.random.default_rng(0).random((1, WINDOW[1], WINDOW[0], WINDOW[2]), np.float32) * 10
    models = {
        f"ours, {precision}": inference.load(str(options.models / "2stems"), precision)
        for precision in ("float32", "bfloat16")
    }
    times = {name: [] for name in (*models, "theirs, float32")}
    python = Path(options.spleeter).with_name("python")
    theirs = [str(python), __file__, "--theirs", "--models", str(options.models)]
    for _ in range(options.rounds):
        for name, model in models.items():
            model.predict(window)
            start = time.perf_counter()
            for _ in range(WINDOWS):
                model.predict(window)
            times[name].append(time.perf_counter() - start)
        printed = subprocess.run(theirs, check=True, capture_output=True, text=True).stdout
        times["theirs, float32"].append(float(printed.split()[-1]))
    print(f"Networks alone, {WINDOWS} windows, {options.rounds} rounds:")
    for name, values in times.items():
        quicker = min(times["theirs, float32"]) / min(values)
        print(f"  {name}: {1000 * min(values) / WINDOWS:.0f} ms a window, {quicker:.2f} times as fast as theirs")


def their_networks(options):
    """Print the seconds of Spleeter's graph for all windows at once, after a first time. Runs beside Spleeter."""
    import tensorflow
    from spleeter.model import EstimatorSpecBuilder
    from spleeter.utils.configuration import load_configuration

    one = tensorflow.compat.v1
    with tensorflow.Graph().as_default(), one.Session() as session:
        magnitudes = one.placeholder(tensorflow.float32, (None, *WINDOW))
        features = {"mix_stft": None, "mix_spectrogram": magnitudes}
        outputs = EstimatorSpecBuilder(features, load_configuration("spleeter:2stems")).model_outputs
        one.train.Saver().restore(session, str(options.models / "2stems" / "model"))
        wanted = [output.op for output in outputs.values()]
        windows = np.random.default_rng(0).random((WINDOWS, *WINDOW), np.float32) * 10
        for _ in range(2):
            start = time.perf_counter()
            session.run(wanted, {magnitudes: windows})
        print(time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spleeter", help="its program")
    parser.add_argument("--models", required=True, type=Path, help="the folder that holds 2stems")
    parser.add_argument("--minutes", type=float, nargs="*", default=[3, 12])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--theirs", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.theirs:
        their_networks(options)
        return
    programs(options)
    networks_alone(options)


if __name__ == "__main__":
    main()
