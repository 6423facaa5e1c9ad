"""The weights between two models of one network: better than either where each knows what the other forgot.

    python3 recipes/between.py FIRST SECOND SHARE FOLDER

SHARE: how far to go from FIRST (0) to SECOND (1), which began with FIRST's weights (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models"). FOLDER: the model that is written.
"""

import sys
from dataclasses import replace

from splitstrument import models


def main(first, second, share, folder):
    (card, network), (other_card, other) = models.load(first), models.load(second)
    share = float(share)
    weights = zip(network.get_weights(), other.get_weights(), strict=True)
    network.set_weights([(1 - share) * one + share * two for one, two in weights])
    sources = [*card.trained_on, *(each for each in other_card.trained_on if each not in card.trained_on)]
    training = f"{card.training}; then {share:g} of the way to: {other_card.training}"
    models.save(network, replace(card, trained_on=tuple(sources), training=training, scores=()), folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
