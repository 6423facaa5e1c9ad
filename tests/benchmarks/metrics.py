"""How quick `evaluation.metrics.bss_eval` is against mir_eval, on pairs of three minutes, and how far they differ.

    python tests/benchmarks/metrics.py --pairs 20 --minutes 3

The self-made band plays the pairs (mono, 22,050 Hz); the estimates are those of an ideal ratio mask, which is about as
good as masks can be, and, on every other pair, the mixture with half of the instrument taken out, which is poor.
"""

import argparse
import time

import numpy as np

from datasets_tools.synthesis.band import play
from evaluation.metrics import bss_eval, reference_bss_eval
from evaluation.systems import ORACLES

RATE = 22050


def case(number, seconds):
    """(references, estimates) of one pair: lists of guitar and rest, (samples, 1)."""
    song = play(number, seconds, RATE)
    stems = {name: stem.mean(1, keepdims=True) for name, stem in song.stems.items()}
    guitar = stems.pop("guitar")
    truth = {"instrument": guitar, "rest": sum(stems.values())}
    mixture = sum(truth.values())
    if number % 2:
        return list(truth.values()), [mixture - 0.5 * truth["rest"], mixture - 0.5 * guitar]
    return list(truth.values()), list(ORACLES[0].separate(mixture, RATE, truth).values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=3)
    options = parser.parse_args()
    spent, worst = {bss_eval: [], reference_bss_eval: []}, 0.0
    for number in range(options.pairs):
        references, estimates = case(number, 60 * options.minutes)
        scores = []
        for function in spent:
            start = time.perf_counter()
            scores.append(function(references, estimates))
            spent[function].append(time.perf_counter() - start)
        # Above 100 dB, as the SAR of estimates that hold nothing but the sources, rounding decides.
        apart = np.abs(scores[0] - scores[1])[scores[1] < 100].max()
        worst = max(worst, apart)
        print(
            f"pair {number}: {spent[bss_eval][-1]:.2f} s against {spent[reference_bss_eval][-1]:.2f} s, "
            f"{apart:.1e} dB apart; SDR {scores[0][0, 0]:.2f} and {scores[0][1, 0]:.2f} dB",
            flush=True,
        )
    ours, theirs = (sum(times) for times in spent.values())
    print(
        f"{options.pairs} pairs of {options.minutes:g} min: ours {ours:.1f} s, mir_eval {theirs:.1f} s: "
        f"{theirs / ours:.1f} times; at most {worst:.1e} dB apart"
    )


if __name__ == "__main__":
    main()
