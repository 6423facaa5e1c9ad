"""Put the scores of evaluations on the card of a shipped model: mean and median over the tracks, with the commands.

    python3 recipes/card.py MODEL EVALUATIONS

MODEL: the folder of a shipped model, copied from a run (`model.yaml`, `model.weights.h5`); EVALUATIONS: a folder with
outputs of `splitstrument evaluate`.
"""

import sys
from dataclasses import asdict, replace
from pathlib import Path

from evaluation.results import find
from splitstrument.cards import Score
from splitstrument.files.yaml_files import write_yaml
from splitstrument.models import CARD, read_card

MEASURES = {
    "plain_sdr": ("mean", "plain SDR"),
    "plain_sdr_improvement": ("mean", "improvement in plain SDR"),
    "sdr": ("median", "SDR (BSS Eval)"),
    "si_sdr": ("mean", "SI-SDR"),
    "leak": ("mean", "level against the mixture where the instrument is silent"),
}


def scores(card, evaluations):
    """Yield a Score for each measure of the model of `card`, for each Evaluation and each part that it takes out."""
    for _, evaluation in evaluations:
        for part in ("instrument", *card.sources):
            yield from part_scores(card.name, part, evaluation)


def part_scores(name, part, evaluation):
    parts = {system.name: system.summary[part] for system in evaluation.systems if part in system.summary}
    if name in parts:
        form = ", the mean of the channels" if evaluation.remove_panning else ""
        which = "" if part == "instrument" else f" of {part}"
        for measure, (figure, title) in MEASURES.items():
            value = getattr(parts[name].measures[measure], figure)
            if value is None:
                continue
            also = [
                f"{system} {limit:.2f}"
                for system in ("mixture", "ideal ratio mask")
                if measure != "leak" and (limit := getattr(parts[system].measures[measure], figure)) is not None
            ]
            beside = f" ({', '.join(also)} dB)" if also else ""
            data = f"{evaluation.tracks} tracks of {evaluation.pairs}{form}{beside}"
            yield Score(data, f"{figure} {title}{which} in dB", round(value, 2), evaluation.command)


def main(folder, evaluations):
    folder = Path(folder)
    card = read_card(folder)
    card = replace(card, scores=tuple(scores(card, find([evaluations]))))
    write_yaml(folder / CARD, asdict(card), width=110)


if __name__ == "__main__":
    main(*sys.argv[1:])
