"""Interpolate between the weights of two models of one network, to combine what each has learned.

    python3 recipes/between.py FIRST SECOND SHARE FOLDER [BIAS]

SHARE: the position between FIRST (0) and SECOND (1). SECOND was trained from FIRST's weights (Wortsman et al. 2022,
"Robust fine-tuning of zero-shot models"), or both from the same ones (Wortsman et al. 2022, "Model soups"). FOLDER: the
model to write. BIAS: is added to the bias of the masks of Spleeter's U-Nets, before their sigmoid: a louder estimate.
"""

import sys
from dataclasses import replace
from pathlib import Path

from splitstrument import models
from splitstrument.backend import keras_on
from splitstrument.stages.console import command


@command
def main(arguments):
    first, second, share, folder, *bias = arguments
    keras_on()
    (card, network), (other_card, other) = models.load(first), models.load(second)
    share = float(share)
    weights = zip(network.get_weights(), other.get_weights(), strict=True)
    network.set_weights([(1 - share) * one + share * two for one, two in weights])
    for layer in network.layers if bias else ():
        if layer.name.endswith("_mask"):
            layer.bias.assign_add([float(bias[0])] * layer.bias.shape[0])
    names = {source.name for source in card.trained_on}
    sources = *card.trained_on, *(source for source in other_card.trained_on if source.name not in names)
    training = f"{card.training}; then {share:g} of the way to: {other_card.training}"
    training += "".join(f"; {float(added):g} added to the mask's bias" for added in bias)
    card = replace(card, name=Path(folder).name, trained_on=sources, training=training, scores=())
    models.save(network, card, folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
