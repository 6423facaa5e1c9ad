"""Pairs -> a trained model: one run, in a folder that is a model folder with its history.

The run folder holds model.yaml and the weights of the best epoch (exponential averages, by validation loss), the
configuration, history.csv and a backup from which the same command goes on. Pure Keras 3: any backend.
"""

import argparse
import contextlib
import shutil
import sys
from dataclasses import replace
from pathlib import Path


def split(collections, root):
    """The collections as (training, validation), each a list of (weight, pairs)."""
    from splitstrument.pairs import PairError, find_pairs

    training, validation = [], []
    for collection in collections:
        pairs = find_pairs(Path(root) / collection.pairs)
        held = [pair for pair in pairs if pair.name.startswith(collection.validation or ("\0",))]
        kept = [pair for pair in pairs if pair not in held]
        if not kept:
            raise PairError(f"{collection.pairs}: every pair is held out for validation")
        training.append((collection.weight, kept))
        if held:
            validation.append((collection.weight, held))
    return training, validation or training


def train(run, root, output):
    """Train `run` on the pairs below `root` into the run folder `output`; goes on where a stopped one was."""
    import keras

    from splitstrument import models, networks
    from training.batches import Batches
    from training.losses import find as find_loss
    from training.losses import plain_sdr

    loss = find_loss(run.loss)
    keras.utils.set_random_seed(run.seed)
    settings = networks.settings(run.network, run.options)
    network = networks.build(run.network, run.options)
    if run.initial:
        network.set_weights(models.load(output.parent / run.initial)[1].get_weights())
    training, validation = split(run.collections, root)
    steps = run.epochs * run.steps
    batches = Batches(training, settings, steps, run.seed, run.mixing, workers=2, max_queue_size=4)
    held_out = Batches(validation, settings, run.validation_steps, run.seed + 1, run.mixing)
    schedule = keras.optimizers.schedules.CosineDecay(
        run.learning_rate / 20,
        steps - run.steps,
        alpha=0.02,
        warmup_target=run.learning_rate,
        warmup_steps=run.steps,
    )
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=run.weight_decay, global_clipnorm=1.0, use_ema=True, ema_momentum=run.average
    )
    network.compile(optimizer, loss=loss, metrics=[plain_sdr], jit_compile=True)
    output.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(KeyboardInterrupt):  # a run that is stopped is a model all the same
        network.fit(
            batches,
            validation_data=held_out,
            epochs=run.epochs,
            steps_per_epoch=run.steps,
            verbose=2 if not sys.stdout.isatty() else 1,
            callbacks=[
                keras.callbacks.BackupAndRestore(str(output / "backup")),
                _first_batch(batches, run.steps),
                keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
                keras.callbacks.ModelCheckpoint(
                    str(output / "best.weights.h5"), monitor="val_loss", save_best_only=True, save_weights_only=True
                ),
                keras.callbacks.CSVLogger(str(output / "history.csv"), append=True),
            ],
        )
    network.load_weights(output / "best.weights.h5")
    card = models.Card(
        name=run.name,
        instrument=run.instrument,
        sample_rate=run.sample_rate,
        network=run.network,
        options=run.options,
        trained_on=tuple(source for collection in run.collections for source in collection.sources),
        training=f"{steps} steps of {run.mixing.batch_size} windows, seed {run.seed}, best epoch by validation loss",
    )
    models.save(network, card, output)


def _first_batch(batches, steps):
    """Tells the batches at which epoch the run begins, so that one that goes on draws what is left."""
    import keras

    begun = []

    def begin(epoch, logs):
        if not begun:
            batches.first = epoch * steps
            begun.append(epoch)

    return keras.callbacks.LambdaCallback(on_epoch_begin=begin)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="splitstrument train", description=__doc__.split("\n")[0])
    parser.add_argument("configuration", help="YAML file of the run, for example training/configs/guitar.yaml")
    parser.add_argument("--pairs", default=".", help="folder that the configuration's pairs are relative to")
    parser.add_argument("--output", default="runs", help="folder of run folders")
    parser.add_argument("--seed", type=int, help="instead of the configuration's")
    arguments = parser.parse_args(arguments)
    from splitstrument.models import ModelError
    from training import config

    try:
        run = config.load(arguments.configuration)
        if arguments.seed is not None:
            run = replace(run, seed=arguments.seed)
        output = Path(arguments.output) / run.name
        train(run, arguments.pairs, output)
    except (ValueError, ModelError, OSError) as error:
        print(f"splitstrument: {error}", file=sys.stderr)
        return 2
    shutil.copy(arguments.configuration, output / "configuration.yaml")
    print(f"{output}: a model folder; use it with: splitstrument separate SONG --model {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
