"""How quickly training windows come, and how long a training step waits for them.

    python tests/benchmarks/training.py --part loader    windows per second of the loader alone
    python tests/benchmarks/training.py --part step      the share of real training steps spent waiting for data
    python tests/benchmarks/training.py --part thesis    windows per second, the 2021 thesis's way against ours
    python tests/benchmarks/training.py --part gpu       the thesis's network on a GPU, and the share of its peak
    python tests/benchmarks/training.py                  all four

KERAS_BACKEND chooses the backend. Twelve pairs of three minutes (16-bit stereo at 22,050 Hz: tones, coloured noise) are
written into a temporary folder; `--pairs DIR` takes real ones at that rate. Either way files are mostly in the system's
cache by the time they are read: disks are not measured. Batches come as in training, from `devices.find().feed`.

- loader: batches of the compact network (8 windows of 132,096 samples, stereo, random places): plain; with every
  augmentation but `stretched` at the chances of the guitar run and at chance 1; then `stretched` too. Medians of rounds
  in which they take turns.
- step: real steps of the compact network on such batches, timed as `training.loop` does: the time until the next batch
  is there, over the whole time. What making batches takes from the step on the same cores is no waiting; so steps on
  one batch again and again, with nothing else to do, stand beside them.
- thesis: magnitudes of mixture and instrument for batches of 4 windows (FFT 1536, 64 frames, mono), an epoch's windows
  in order. The thesis's way: load both files of a song and transform all of it with librosa, then cut 64 frames; for
  every window anew, and keeping the last five songs. It has one thread, ours two and the backend's. First both are
  compared. Medians of rounds in which they take turns.
- gpu: training steps of the hourglass in batches of 4 and 32, float32 and bfloat16. A step's operations are those of
  the forward convolutions times three; peaks are those of NVIDIA's data sheets, dense, for float32 that of TF32, in
  which GPUs since Ampere multiply float32 by default. Says so where there is no GPU.
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

# This file's folder is searched first, and would give this file for the package of its name.
sys.path = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent]
RATE, PAIRS, SECONDS = 22050, 12, 180
COMPACT = {"fft_length": 2048, "frames": 128, "channels": 2, "depth": 3, "filters": 24, "growth": 24, "bottleneck": 2}
# Of training/configs/guitar-start.yaml.
CHANCES = {"other_track": 0.7, "second_instrument": 0.2, "second_rest": 0.35, "silence": 0.08, "gain": 5}
CHANCES |= {"polarity": 0.5, "swap": 0.5, "filtering": 0.7, "mono": 0.4}
ALWAYS = dict.fromkeys(CHANCES, 1) | {"gain": 5}
AUGMENTATIONS = {
    "(a) plain": {},
    "(b) all but stretched, the guitar run's chances": CHANCES,
    "(b) all but stretched, chance 1": ALWAYS,
    "(c) the guitar run's chances, stretched 0.2": CHANCES | {"stretched": 0.2},
    "(c) everything, chance 1": ALWAYS | {"stretched": 1},
}
# TFLOP/s of dense products by the words of a device's name: (bfloat16, TF32).
PEAKS = {"H200": (989, 494), "H100 PCIe": (756, 378), "H100": (989, 494), "A100": (312, 156), "L4": (121, 60)}


def write_pairs(root):
    """Pairs: as instrument chords that change each second, as rest noise that falls by 6 dB an octave."""
    import soundfile
    from scipy.signal import lfilter

    times = np.arange(RATE, dtype=np.float32) / RATE
    for number in range(PAIRS):
        random = np.random.default_rng(number)
        folder = root / f"track{number:02}"
        folder.mkdir()
        chords = random.uniform(80, 2000, (SECONDS, 4, 1)).astype(np.float32)
        tones = 0.1 * np.sin(2 * np.pi * chords * times).sum(1).reshape(-1, 1) * np.float32([1, 0.6])
        noise = 0.02 * random.standard_normal((SECONDS * RATE, 2), np.float32)
        for part, sound in (("instrument", tones + 0.1 * noise), ("rest", lfilter([1], [1, -0.95], noise, axis=0))):
            soundfile.write(folder / f"{part}_{folder.name}.wav", sound, RATE, "PCM_16")


def configuration(network, options, batch_size, **fields):
    """A run of `network` on the folder of pairs, random windows without end unless `fields` say else."""
    from training.config import Collection, Run, Windows

    windows = Windows(sampling="random", steps=1_000_000, batch_size=batch_size)
    standard = {"name": "benchmark", "instrument": "guitar", "collections": (Collection("."),), "windows": windows}
    return Run(network=network, options=options, sample_rate=RATE, **standard | fields)


def sampler_of(run, root):
    from training.train import prepare

    return prepare(run, root)[1][0]


def feed(found, sampler, first=0, last=None):
    from training.batches import Batches

    share = found.share(sampler.windows.batch_size)
    return found.feed(Batches(sampler, 0, first, sampler.steps if last is None else last, share))


def compact_samplers(root):
    """name of an augmentation -> the sampler of the compact network's batches with it."""
    from training.config import Augmentation

    return {
        name: sampler_of(configuration("tfc_tdf", COMPACT, 8, augmentation=Augmentation(**chances)), root)
        for name, chances in AUGMENTATIONS.items()
    }


def loader(keras, root, rounds=5, seconds=3):
    from training import devices

    found, samplers = devices.find(), compact_samplers(root)
    rates = {name: [] for name in samplers}
    for name, sampler in itertools.chain(*itertools.repeat(samplers.items(), rounds)):
        coming = feed(found, sampler)
        for _ in range(5):  # threads start, librosa compiles
            next(coming)
        start, count = time.perf_counter(), 0
        while (took := time.perf_counter() - start) < seconds:
            next(coming)
            count += 1
        coming.close()
        rates[name].append(count / took)
    print("| batches of 8 windows | batches/s | windows/s | least and most |\n|---|---|---|---|")
    for name, values in rates.items():
        rate = statistics.median(values)
        print(f"| {name} | {rate:.1f} | {8 * rate:.0f} | {8 * min(values):.0f} to {8 * max(values):.0f} |")


def trainee_of(keras, run, found):
    """The trainee of `run`, made as training.train makes it."""
    from splitstrument import networks
    from training import losses, optimizers
    from training.trainee import Trainee

    keras.utils.set_random_seed(run.seed)
    with found.scope():
        keras.config.set_dtype_policy("mixed_bfloat16" if run.precision == "bfloat16" else "float32")
        network = networks.build(run.network, run.options)
        keras.config.set_dtype_policy("float32")
        fft_length = networks.settings(run.network, run.options).fft_length
        trainee = Trainee(network, fft_length, run.sample_rate, losses.find(run.loss), found.replicas)
        optimizer = optimizers.build(run.optimizer, run.windows.steps, run.epochs)
        optimizer.build(network.trainable_variables)
        trainee.compile(optimizer, jit_compile="auto" if found.replicas == 1 else False)
    return trainee


def trained(trainee, batches, count, warm_up=3):
    """[(seconds until the batch was there, seconds of the whole step)] of `count` steps after those to warm up."""
    times, before = [], time.monotonic()
    for batch in itertools.islice(batches, warm_up + count):
        waited = time.monotonic() - before
        assert math.isfinite(trainee.train_on_batch(batch, return_dict=True)["loss"])
        now = time.monotonic()
        times.append((waited, now - before))
        before = now
    return np.array(times[warm_up:])


def step(keras, root, count=25):
    from training import devices
    from training.config import Optimizer

    found, samplers = devices.find(), compact_samplers(root)
    optimizer = Optimizer(name="adamw", learning_rate=1e-3, weight_decay=1e-4, clip=1.0, average=0.995)
    trainee = trainee_of(keras, configuration("tfc_tdf", COMPACT, 8, loss="snr", optimizer=optimizer), found)
    batch = next(feed(found, samplers["(a) plain"]))
    print("| steps of 8 windows on | waiting | windows/s | median step in s | load average |\n|---|---|---|---|---|")
    for name, sampler in {"one batch again and again": None, **samplers}.items():
        coming = feed(found, sampler) if sampler else itertools.cycle([batch])
        times = trained(trainee, coming, count)
        waited, whole = times.sum(0)
        share = f"{100 * waited / whole:.2f} %" if sampler else ""
        middle, load = np.median(times[:, 1]), os.getloadavg()[0]
        print(f"| {name} | {share} | {8 * count / whole:.2f} | {middle:.3f} | {load:.1f} |", flush=True)
        del coming  # ends what makes batches


def whole_song(pair, window=1536):
    """Magnitudes of a song's mixture and instrument, as the thesis's code made them."""
    import librosa

    sounds = [librosa.load(pair.path(part), sr=None)[0] for part in ("instrument", "rest")]
    instrument, rest = (librosa.stft(sound, n_fft=window, hop_length=window // 4) for sound in sounds)
    return np.abs(instrument + rest), np.abs(instrument)


def their_batch(places, songs, frames=64, hop=384):
    """Windows (windows, 2, bins, frames) at `places` out of what `songs` gives for a pair."""
    batch = []
    for place in places:
        # librosa's frames have their middle where ours, of which none reaches beyond the song, begin two hops before.
        first = place.start // hop + 2
        mixture, instrument = (part[:, first : first + frames] for part in songs(place.track.pair))
        batch.append(np.stack([mixture, instrument]) / max(mixture.max(), 1e-6))
    return np.stack(batch)


def our_batch(parts, window=1536):
    """The same in Keras operations, from a sampler's batch."""
    from keras import ops

    from training.transforms import stft

    spectra = stft(ops.reshape(parts, (-1, *parts.shape[2:])), window)
    real, imaginary = (ops.reshape(part, (-1, 2, *part.shape[1:3])) for part in spectra)
    mixture = ops.sqrt(ops.sum(real, 1) ** 2 + ops.sum(imaginary, 1) ** 2)
    magnitudes = ops.stack([mixture, ops.sqrt(real[:, 0] ** 2 + imaginary[:, 0] ** 2)], 1)
    return magnitudes / ops.maximum(ops.max(mixture, (1, 2), keepdims=True)[:, None], 1e-6)


def compiled(keras, function):
    """`function` compiled as a training step is, to NumPy."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        function = tensorflow.function(function, jit_compile=True)
    elif keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    return lambda *given: keras.ops.convert_to_numpy(function(*given))


def thesis(keras, root, rounds=5):
    from training import devices
    from training.config import Windows

    windows = Windows(sampling="sequential", shuffle="track", batch_size=4)
    sampler = sampler_of(configuration("hourglass", {}, 4, windows=windows), root)
    found, ours, kept = devices.find(), compiled(keras, our_batch), functools.lru_cache(5)(whole_song)
    theirs, mine = their_batch(sampler.places(0, 0), whole_song), ours(next(feed(found, sampler)))
    assert theirs.shape == mine.shape
    print(f"both (windows, 2, bins, frames) = {mine.shape}, apart by at most {np.abs(theirs - mine).max():.1e} of 1\n")

    def each_time(steps):
        for number in steps[:2]:
            their_batch(sampler.places(0, number), whole_song)
        return 2

    def five_songs(steps):
        for number in steps:
            their_batch(sampler.places(0, number), kept)
        return len(steps)

    def our_way(steps):
        for batch in feed(found, sampler, steps[0], steps[-1] + 1):
            ours(batch)
        return len(steps)

    ways = {
        "ours": our_way,
        "the thesis's, each window's song anew": each_time,
        "the thesis's, five songs kept": five_songs,
    }
    rates, size = {name: [] for name in ways}, min(100, sampler.steps // rounds)
    for number in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            count = way(range(number * size, (number + 1) * size))
            rates[name].append(4 * count / (time.perf_counter() - start))
    middle = {name: statistics.median(values) for name, values in rates.items()}
    print("| way | windows/s | least and most | ours is quicker by |\n|---|---|---|---|")
    for name, values in rates.items():
        span = f"{min(values):.1f} to {max(values):.1f}"
        print(f"| {name} | {middle[name]:.1f} | {span} | {middle['ours'] / middle[name]:.1f} |")
    loaded = kept.cache_info()
    print(f"five songs kept: {loaded.misses} songs transformed for {loaded.misses + loaded.hits} windows")


def operations(network):
    """Floating-point operations of a window's way forward through the network's convolutions."""
    from keras.layers import Conv2D

    layers = [layer for layer in network.layers if isinstance(layer, Conv2D)]
    return sum(2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3]) for layer in layers)


def gpu_name(keras):
    """What the first GPU is called; None where there is none."""
    if not any(not device.startswith("cpu") for device in keras.distribution.list_devices()):
        return None
    if keras.backend.backend() == "tensorflow":
        from tensorflow import config

        return config.experimental.get_device_details(config.list_physical_devices("GPU")[0])["device_name"]
    import jax

    return jax.devices()[0].device_kind


def gpu(keras, root, sizes=(4, 32), count=60):
    from training import devices

    found, name = devices.find(), gpu_name(keras)
    words = set(re.split(r"[\s-]+", name))
    peaks = next((peak for known, peak in PEAKS.items() if words.issuperset(known.split())), None)
    print(f"{name}, {found.replicas} in use\n")
    print("| hourglass | windows/s | waiting | TFLOP/s | of the peak |\n|---|---|---|---|---|")
    for precision, size in itertools.product(("float32", "bfloat16"), sizes):
        run = configuration("hourglass", {}, size, precision=precision)
        trainee = trainee_of(keras, run, found)
        waited, whole = trained(trainee, feed(found, sampler_of(run, root)), count).sum(0)
        rate = size * count / whole
        speed, share = 3 * operations(trainee.network) * rate / 1e12, "no peak known"
        if peaks:
            peak = found.replicas * peaks[precision == "float32"]
            share = f"{100 * speed / peak:.1f} % of {peak}"
        print(
            f"| {precision}, batch of {size} | {rate:.1f} | {100 * waited / whole:.2f} % | {speed:.1f} | {share} |",
            flush=True,
        )
        del trainee
        keras.backend.clear_session()


PARTS = {"loader": loader, "step": step, "thesis": thesis, "gpu": gpu}


def machine(keras):
    """Processor, cores and versions in a line."""
    processor = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        processor = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), processor)
    packages = ("keras", keras.backend.backend(), "numpy", "librosa")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return f"{processor}, {len(os.sched_getaffinity(0))} cores; Python {platform.python_version()}, {versions}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=Path, help="a folder of real pairs at 22,050 Hz instead of made ones")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part")
    options = parser.parse_args()
    from splitstrument.backend import keras_on

    keras = keras_on()
    print(machine(keras))
    with tempfile.TemporaryDirectory() as folder:
        root, parts = options.pairs or Path(folder), options.part or list(PARTS)
        if "gpu" in parts and not gpu_name(keras):
            parts.remove("gpu")
            print("gpu: there is none that Keras's backend finds; skipped")
        if parts and not options.pairs:
            write_pairs(root)
        for part in parts:
            print(f"\n{part} (load average {os.getloadavg()[0]:.1f}):\n", flush=True)
            start = time.perf_counter()
            PARTS[part](keras, root)
            took = time.perf_counter() - start
            print(f"\n{took:.0f} s; load average {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
