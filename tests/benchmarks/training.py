"""How quickly training windows come, and how long a training step waits for them.

    python tests/benchmarks/training.py --part loader    windows per second of the loader alone
    python tests/benchmarks/training.py --part step      the share of real training steps spent waiting for data
    python tests/benchmarks/training.py --part thesis    windows per second, the 2021 thesis's way against ours
    python tests/benchmarks/training.py --part gpu       the thesis's network on a GPU, and the share of its peak
    python tests/benchmarks/training.py                  all four

KERAS_BACKEND chooses the backend. The data are twelve pairs of three minutes (16-bit stereo at 22,050 Hz: tones and
coloured noise) in a temporary folder, or with `--pairs DIR` real ones at that rate, mostly in the system's cache when
they are read: disks are not measured. Batches come as in training, from `find_devices().feed`. Where it says least and
most, rivals took turns in some rounds, and the other figure is the median.

- loader: batches of the compact network, 8 stereo windows of 3 s at random places.
- step: real steps of the compact network on such batches, timed as `training.loop` does: the time until the next batch
  is there, over the whole time. What making batches takes from the step on the same cores is no waiting; so steps on
  one batch again and again, with nothing made beside them, stand first.
- thesis: magnitudes of mixture and instrument for batches of 4 windows (FFT 1536, 64 frames, mono), an epoch's windows
  in order. The thesis's way: load both files of a song and transform all of it with librosa, then cut 64 frames; for
  every window anew, and keeping the last five songs; in one thread. Ours: the loader, then the STFT as a training step
  compiles it, and by XLA, which Keras leaves out under TensorFlow where there is no GPU. What comes out is compared.
- gpu: training steps of the hourglass in batches of 4 and 32, float32 and bfloat16. A step's operations are those of
  the forward convolutions times three; peaks are those of NVIDIA's data sheets, dense, for float32 that of TF32, in
  which GPUs since Ampere multiply float32 by default.
"""

import argparse
import functools
import itertools
import math
import os
import platform
import re
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

# This file's folder would come first, and give this file for the package of its name.
sys.path = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent]
RATE, PAIRS, SECONDS = 22050, 12, 180
COMPACT = {"fft_length": 2048, "frames": 128, "channels": 2, "depth": 3, "filters": 24, "growth": 24, "bottleneck": 2}
# Much as in training/configs/guitar.yaml.
CHANCES = {"other_track": 0.7, "second_instrument": 0.2, "second_rest": 0.35, "silence": 0.08, "gain": 5}
CHANCES |= {"polarity": 0.5, "swap": 0.5, "filtering": 0.7, "mono": 0.4}
AUGMENTATIONS = {
    "(a) plain": {},
    "(b) the guitar run's augmentation": CHANCES,
    "(c) and stretched, chance 0.2": CHANCES | {"stretched": 0.2},
    "(c) everything, chance 1": dict.fromkeys(CHANCES, 1) | {"gain": 5, "stretched": 1},
}
# TFLOP/s of dense products by the words of a device's name: (bfloat16, TF32).
PEAKS = {"H200": (989, 494), "H100 PCIe": (756, 378), "H100": (989, 494), "A100": (312, 156), "L4": (121, 60)}


def write_pairs(root):
    """Pairs: as instrument chords that change each second, as rest noise that falls by 6 dB an octave."""
    import soundfile
    from scipy.signal import lfilter

    times = np.arange(RATE, dtype=np.float32) / RATE
    for number in range(PAIRS):
        random, folder = np.random.default_rng(number), root / f"track{number:02}"
        folder.mkdir()
        chords = random.uniform(80, 2000, (SECONDS, 4, 1)).astype(np.float32)
        tones = 0.1 * np.sin(2 * np.pi * chords * times).sum(1).reshape(-1, 1) * np.float32([1, 0.6])
        noise = 0.02 * random.standard_normal((SECONDS * RATE, 2), np.float32)
        for part, sound in (("instrument", tones + 0.1 * noise), ("rest", lfilter([1], [1, -0.95], noise, axis=0))):
            soundfile.write(folder / f"{part}_{folder.name}.wav", sound, RATE, "PCM_16")


def prepared(root, network, options, batch_size, sampling="random", **fields):
    """(a run of `network` on the pairs below `root`, the sampler of its training windows)."""
    from training.config import Collection, Run, Windows
    from training.train import prepare

    fields |= {"name": "benchmark", "instrument": "guitar", "collections": (Collection("."),), "sample_rate": RATE}
    windows = Windows(sampling=sampling, batch_size=batch_size, steps=10**6)  # sequential: all there are
    run = Run(network=network, options=options, windows=windows, **fields)
    return run, prepare(run, root)[1][0]


def compact(root, **fields):
    """(a run of the compact network, name of an augmentation -> the sampler of its batches)."""
    from training.config import Augmentation

    samplers = {}
    for name, chances in AUGMENTATIONS.items():
        run, samplers[name] = prepared(root, "tfc_tdf", COMPACT, 8, augmentation=Augmentation(**chances), **fields)
    return run, samplers


def feed(found, sampler, first=0, last=None):
    from training.batches import Batches

    return found.feed(Batches(sampler, 0, first, last or sampler.steps, found.share(sampler.windows.batch_size)))


def loader(keras, found, root, rounds=3, seconds=2):
    samplers = compact(root)[1]
    rates = {name: [] for name in samplers}
    for _, (name, sampler) in itertools.product(range(rounds), samplers.items()):
        coming, count = feed(found, sampler), 0
        next(coming), next(coming)  # threads start, librosa compiles
        start = time.perf_counter()
        while (took := time.perf_counter() - start) < seconds or count < 6:
            next(coming)
            count += 1
        rates[name].append(count / took)
        del coming  # ends what makes batches
    print("| batches of 8 windows | batches/s | windows/s | least and most |\n|---|---|---|---|")
    for name, each in rates.items():
        rate = statistics.median(each)
        print(f"| {name} | {rate:.1f} | {8 * rate:.0f} | {8 * min(each):.0f} to {8 * max(each):.0f} |")


def trainee_of(keras, run, found):
    """The trainee of `run`, made as training.train makes it."""
    from splitstrument import networks
    from training import losses, optimizers
    from training.trainee import Trainee

    with found.scope():
        keras.config.set_dtype_policy("mixed_bfloat16" if run.precision == "bfloat16" else "float32")
        network = networks.build(run.network, run.options, run.source_names)
        keras.config.set_dtype_policy("float32")
        form = networks.form(run.network, run.options)
        trainee = Trainee(network, form, run.sample_rate, losses.find(run.loss), run.whole, found.replicas)
        optimizer = optimizers.build(run.optimizer, run.windows.steps, run.epochs)
        optimizer.build(network.trainable_variables)
        trainee.compile(optimizer, jit_compile="auto" if found.replicas == 1 else False)
    return trainee


def trained(trainee, batches, count, warm_up=3):
    """(seconds until the batch was there, seconds in all) of each of `count` steps after those to warm up."""
    times, before = [], time.monotonic()
    for batch in itertools.islice(batches, warm_up + count):
        waited = time.monotonic() - before
        assert math.isfinite(trainee.train_on_batch(batch, return_dict=True)["loss"])
        now = time.monotonic()
        times.append((waited, now - before))
        before = now
    return np.array(times[warm_up:])


def step(keras, found, root, count=25):
    from training.config import Optimizer

    optimizer = Optimizer(name="adamw", learning_rate=1e-3, weight_decay=1e-4, clip=1.0, average=0.995)
    run, samplers = compact(root, loss="snr", optimizer=optimizer)
    trainee, batch = trainee_of(keras, run, found), next(feed(found, samplers["(a) plain"]))
    print("| steps of 8 windows on | waiting | windows/s | median step in s | load average |\n|---|---|---|---|---|")
    for name, sampler in {"one batch again and again": None, **samplers}.items():
        times = trained(trainee, feed(found, sampler) if sampler else itertools.repeat(batch), count)
        waited, whole = times.sum(0)
        share, middle = f"{100 * waited / whole:.2f} %" if sampler else "", np.median(times[:, 1])
        print(f"| {name} | {share} | {8 * count / whole:.2f} | {middle:.3f} | {os.getloadavg()[0]:.1f} |", flush=True)


def whole_song(pair, window=1536):
    """Magnitudes of a song's mixture and instrument, as the thesis's code made them."""
    import librosa

    sounds = (librosa.load(pair.path(part), sr=None)[0] for part in ("instrument", "rest"))
    instrument, rest = (librosa.stft(sound, n_fft=window, hop_length=window // 4) for sound in sounds)
    return np.abs(instrument + rest), np.abs(instrument)


def their_batch(places, songs, frames=64, hop=384):
    """Windows (windows, 2, bins, frames) at `places` out of what `songs` gives for a pair."""
    batch = []
    for place in places:
        first = place.start // hop + 2  # librosa counts frames by their middles
        mixture, instrument = (part[:, first : first + frames] for part in songs(place.track.track))
        batch.append(np.stack([mixture, instrument]) / max(mixture.max(), 1e-6))
    return np.stack(batch)


def our_batch(parts, window=1536):
    """The same in Keras operations, from a sampler's batch, as a training step makes its magnitudes."""
    from keras import ops

    from training.stft import stft

    spectra = stft(ops.reshape(parts, (-1, *parts.shape[2:])), window)
    real, imaginary = (ops.reshape(part, (-1, 2, *part.shape[1:3])) for part in spectra)
    real, imaginary = (ops.stack([ops.sum(part, 1), part[:, 0]], 1) for part in (real, imaginary))
    magnitudes = ops.sqrt(real**2 + imaginary**2)
    return magnitudes / ops.maximum(ops.max(magnitudes[:, :1], (2, 3), keepdims=True), 1e-6)


def thesis(keras, found, root, rounds=5):
    _, sampler = prepared(root, "hourglass", {}, 4, "sequential")
    entrance, kept = keras.Input((2, sampler.length, 1)), functools.lru_cache(5)(whole_song)
    plain, by_xla = (keras.Model(entrance, keras.layers.Lambda(our_batch)(entrance)) for _ in range(2))
    by_xla.compile(jit_compile=True)
    theirs, batch = their_batch(sampler.places(0, 0), whole_song), next(feed(found, sampler))
    apart = max(np.abs(theirs - model.predict_on_batch(batch)).max() for model in (plain, by_xla))
    print(f"(windows, 2, bins, frames) = {theirs.shape}, both ways apart by at most {apart:.1e} of 1\n")

    def their_way(songs, steps):
        for number in steps:
            their_batch(sampler.places(0, number), songs)

    def our_way(model, steps):
        for batch in feed(found, sampler, steps[0], steps[-1] + 1):
            model.predict_on_batch(batch)

    size = min(100, sampler.steps // rounds)
    ways = {
        "ours": (our_way, plain, size),
        "ours, STFT by XLA": (our_way, by_xla, size),
        "the thesis's, each window's song anew": (their_way, whole_song, 2),
        "the thesis's, five songs kept": (their_way, kept, size),
    }
    rates = {name: [] for name in ways}
    for number, (name, (way, what, count)) in itertools.product(range(rounds), ways.items()):
        start = time.perf_counter()
        way(what, range(number * size, number * size + count))
        rates[name].append(4 * count / (time.perf_counter() - start))
    print("| way | windows/s | least and most | ours is quicker by |\n|---|---|---|---|")
    for name, values in rates.items():
        rate, span = statistics.median(values), f"{min(values):.1f} to {max(values):.1f}"
        print(f"| {name} | {rate:.1f} | {span} | {statistics.median(rates['ours']) / rate:.2f} |")
    print(f"\nfive songs kept: {kept.cache_info().misses} songs transformed for {4 * size * rounds} windows")


def gpu_name(keras):
    """What the first GPU is called; None where there is none."""
    if all(device.startswith("cpu") for device in keras.distribution.list_devices()):
        return None
    if keras.backend.backend() == "tensorflow":
        from tensorflow import config

        return config.experimental.get_device_details(config.list_physical_devices("GPU")[0])["device_name"]
    import jax

    return jax.devices()[0].device_kind


def gpu(keras, found, root, sizes=(4, 32), count=60):
    name = gpu_name(keras)
    peaks = next((peak for known, peak in PEAKS.items() if {*known.split()} <= {*re.split(r"[\s-]+", name)}), None)
    print(f"{name}, {found.replicas} in use; a peak of (bfloat16, TF32) TFLOP/s: {peaks or 'unknown'}\n")
    print("| hourglass in | batch | windows/s | waiting | TFLOP/s | of the peak |\n|---|---|---|---|---|---|")
    for precision, size in itertools.product(("float32", "bfloat16"), sizes):
        run, sampler = prepared(root, "hourglass", {}, size, precision=precision)
        trainee = trainee_of(keras, run, found)
        waited, whole = trained(trainee, feed(found, sampler), count).sum(0)
        rate = size * count / whole
        layers = [layer for layer in trainee.network.layers if isinstance(layer, keras.layers.Conv2D)]
        forward = sum(2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3]) for layer in layers)
        speed = 3 * forward * rate / 1e12
        share = f"{100 * speed / found.replicas / peaks[precision == 'float32']:.1f} %" if peaks else ""
        row = precision, size, f"{rate:.1f}", f"{100 * waited / whole:.2f} %", f"{speed:.1f}", share
        print(f"| {' | '.join(map(str, row))} |", flush=True)
        del trainee, layers
        keras.backend.clear_session()


PARTS = {"loader": loader, "step": step, "thesis": thesis, "gpu": gpu}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=Path, help="a folder of real pairs at 22,050 Hz instead of made ones")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part")
    options = parser.parse_args()
    from splitstrument.backend import keras_on

    keras, parts = keras_on(), options.part or list(PARTS)
    from training import train

    versions = ", ".join(f"{name} {version(name)}" for name in ("keras", keras.backend.backend(), "numpy", "librosa"))
    facts = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    processor = re.search("model name\\s*: (.*)|$", facts)[1] or platform.processor()
    print(f"{processor}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}")
    if "gpu" in parts and not gpu_name(keras):
        parts.remove("gpu")
        print("gpu: skipped, Keras's backend finds none")
    with tempfile.TemporaryDirectory() as folder:
        root = options.pairs or Path(folder)
        if parts and not options.pairs:
            write_pairs(root)
        for part in parts:
            print(f"\n{part} (load average {os.getloadavg()[0]:.1f}):\n", flush=True)
            start = time.perf_counter()
            PARTS[part](keras, train.find_devices(), root)
            print(f"\n{time.perf_counter() - start:.0f} s; load average {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
