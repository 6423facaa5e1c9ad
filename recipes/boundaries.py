"""Trains the U-Net that finds boundaries of sections, structure/boundaries.onnx, on songs whose sections are known.

    python recipes/boundaries.py --bank /usr/share/sounds/sf2/TimGM6mb.sf2

Songs are made as in recipes/downbeats.py; songs for tests should have other banks. The labels may be off by some
frames: `--noise` moves each by as many seconds, at random, to try that. Targets are soft, as of labels that are not
exact: 1 at a label and a Gaussian around it; `--hard` has 1 at the nearest step alone. The F-measures printed at the
end are of the songs held out, with their true boundaries. Needs mma, tinysoundfont and the extras synthesize,
structure, train and evaluation. Takes ten minutes on one core.
"""

import argparse
from pathlib import Path

import numpy as np
from downbeats import Bank, rendered
from mir_eval.segment import detection
from tqdm import tqdm

from splitstrument.files.atomic import AtomicFile
from structure.boundaries import GRAPH, LEVELS, STEP, described
from structure.features import MELS

SONGS, SECONDS, SEED, HELD = 300, (45.0, 100.0), 79, 30
FILTERS, BATCH, EPOCHS, RATE = 8, 8, 40, 2e-3
SPREAD = 0.5  # seconds, the deviation of a soft target
WEIGHT = 4.0  # of a boundary against other steps
STEPS = 128  # of a window, 47.6 s
APART = 6  # steps between peaks


def song(seed: int, bank: Bank) -> tuple[np.ndarray, np.ndarray] | None:
    """(what the network sees, the true boundaries in seconds) of one song; None if it cannot be played."""
    random = np.random.default_rng([SEED, seed])
    try:
        score, features = rendered(seed, random.uniform(*SECONDS), bank, random)
    except ValueError:
        return None
    return described(features), np.array([start for start, *_ in score.sections[1:]])


def targets(count: int, labels: np.ndarray, hard: bool) -> np.ndarray:
    """The target of each of `count` steps, (count,), for labels in seconds."""
    places = (np.arange(count) + 0.5) * STEP
    if not len(labels):
        return np.zeros(count, np.float32)
    off = np.abs(places[:, None] - labels[None])
    if hard:
        return (off <= STEP / 2).any(axis=1).astype(np.float32)
    return np.exp(-0.5 * (off / SPREAD) ** 2).max(axis=1).astype(np.float32)


def network():
    """Log-magnitudes (batch, steps, MELS, 1) to log odds (batch, steps, 1), for any multiple of 2 ** LEVELS steps."""
    import keras
    from keras import layers

    def convolved(x, filters):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        return x

    entrance = keras.Input((None, MELS, 1), name="mels")
    x, kept = entrance, []
    for level in range(LEVELS):
        x = convolved(x, FILTERS << level)
        kept.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(0.3)(convolved(x, FILTERS << LEVELS))
    for level in reversed(range(LEVELS)):
        x = layers.Conv2DTranspose(FILTERS << level, 2, strides=2)(x)
        x = convolved(layers.Concatenate()([x, kept[level]]), FILTERS << level)
    # Each step sees all bands at once, and its neighbours.
    x = layers.Reshape((-1, MELS * FILTERS))(x)
    x = layers.Conv1D(32, 5, padding="same", activation="relu")(layers.Dropout(0.3)(x))
    return keras.Model(entrance, layers.Conv1D(1, 1)(x))


def windows(songs, random, noise, hard):
    """Batches of random windows of the songs, with each band at a random level and moved by up to two bands."""
    order = random.permutation(np.repeat(np.arange(len(songs)), 2))
    for first in range(0, len(order) - BATCH + 1, BATCH):
        seen, wanted = [], []
        for number in order[first : first + BATCH]:
            whole, labels = songs[number]
            target = targets(len(whole), labels + random.normal(0, noise, len(labels)) if noise else labels, hard)
            missing = max(0, STEPS - len(whole))
            whole, target = np.pad(whole, ((0, missing), (0, 0))), np.pad(target, (0, missing))
            start = int(random.integers(0, len(whole) - STEPS + 1))
            part = whole[start : start + STEPS] * random.uniform(0.7, 1.3) + random.normal(0, 0.2, (1, MELS))
            seen.append(np.roll(part, int(random.integers(-2, 3)), axis=1))
            wanted.append(target[start : start + STEPS])
        yield np.stack(seen)[..., None].astype(np.float32), np.stack(wanted)[..., None]


def trained(songs, options):
    """A network after EPOCHS passes over the songs."""
    import keras
    from keras import ops

    def loss(target, odds):
        errors = ops.softplus(odds) - target * odds  # cross-entropy
        return ops.mean(errors * (1 + (WEIGHT - 1) * target))

    keras.utils.set_random_seed(SEED)
    random, made = np.random.default_rng(SEED), network()
    steps = EPOCHS * (2 * len(songs) // BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(RATE, steps)
    made.compile(keras.optimizers.AdamW(schedule, weight_decay=1e-3, clipnorm=1.0), loss)
    for _ in tqdm(range(EPOCHS), desc="epochs"):
        for seen, wanted in windows(songs, random, options.noise, options.hard):
            made.train_on_batch(seen, wanted)
    return made


def f_measures(made, songs) -> np.ndarray:
    """Mean F at 0.5 s and 3 s of the peaks above even odds, for songs held out."""
    figures = []
    for seen, labels in songs:
        odds = np.asarray(made.predict_on_batch(seen[None, :, :, None]))[0, :, 0]
        near = np.lib.stride_tricks.sliding_window_view(np.pad(odds, APART, constant_values=-np.inf), 2 * APART + 1)
        found = (np.flatnonzero((odds >= near.max(axis=1)) & (odds > 0)) + 0.5) * STEP
        end = len(seen) * STEP + 5
        edges = [np.unique(np.concatenate([[0.0], times[times < end], [end]])) for times in (labels, found)]
        spans = [np.stack([all_[:-1], all_[1:]], axis=1) for all_ in edges]
        figures.append([detection(*spans, window=window, trim=True)[2] for window in (0.5, 3.0)])
    return np.mean(figures, axis=0)


def main() -> None:
    """Render, train, score and write the graph."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bank", type=Path, required=True, help="a General MIDI bank, SF2")
    parser.add_argument("--songs", type=int, default=SONGS, help=f"default: {SONGS}")
    parser.add_argument("--kept", type=Path, help="a file for the songs, read instead of rendering if it is there")
    parser.add_argument("--noise", type=float, default=0.0, metavar="S", help="deviation of the labels in seconds")
    parser.add_argument("--hard", action="store_true", help="targets of single steps")
    parser.add_argument("--output", type=Path, default=GRAPH, help=f"default: {GRAPH}")
    options = parser.parse_args()
    if options.kept and options.kept.is_file():
        with np.load(options.kept) as stored:
            songs = [(stored[f"seen{n}"], stored[f"labels{n}"]) for n in range(len(stored.files) // 2)]
    else:
        bank = Bank(options.bank)
        made = (song(seed, bank) for seed in tqdm(range(options.songs), desc="songs"))
        songs = [one for one in made if one is not None and len(one[1])]
        if options.kept:
            arrays = {f"seen{n}": one[0] for n, one in enumerate(songs)}
            arrays |= {f"labels{n}": one[1] for n, one in enumerate(songs)}
            with AtomicFile(options.kept) as unfinished, unfinished.open("wb") as file:
                np.savez(file, **arrays)
    model = trained(songs[HELD:], options)
    half, three = f_measures(model, songs[:HELD])
    print(
        f"{len(songs) - HELD} songs, {model.count_params()} weights; F of {HELD} others {half:.3f}, at 3 s {three:.3f}"
    )
    with AtomicFile(options.output) as unfinished:
        model.export(unfinished, format="onnx", verbose=False)


if __name__ == "__main__":
    main()
