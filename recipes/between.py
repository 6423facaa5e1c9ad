"""The weights between two models of one network: better than either where each knows what the other forgot.

    python3 recipes/between.py FIRST SECOND SHARE FOLDER

SHARE: how far to go from FIRST (0) to SECOND (1), which began with FIRST's weights (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models"). FOLDER: the model that is written.
"""

import sys
from dataclasses import replace
from pathlib import Path

from splitstrument import models
from splitstrument.backend import keras_on
from splitstrument.stages.console import command


@command
def main(arguments):
    first, second, share, folder = arguments
    keras_on()
    (card, network), (other_card, other) = models.load(first), models.load(second)
    share = float(share)
    weights = zip(network.get_weights(), other.get_weights(), strict=True)
    network.set_weights([(1 - share) * one + share * two for one, two in weights])
    names = {source.name for source in card.trained_on}
    sources = *card.trained_on, *(source for source in other_card.trained_on if source.name not in names)
    training = f"{card.training}; then {share:g} of the way to: {other_card.training}"
    card = replace(card, name=Path(folder).name, trained_on=sources, training=training, scores=())
    models.save(network, card, folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
