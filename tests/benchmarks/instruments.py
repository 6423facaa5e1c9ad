"""How far the groups guessed from the names of stems agree with lists of tracks that were made by hand.

    python tests/benchmarks/instruments.py tracks-cambridge.yaml tracks-rockband.yaml

Such lists tell guitar, piano, excluded and mix from all else; so distorted guitars count as guitar here, and the other
groups as other.
"""

import argparse
import time
from collections import Counter
from pathlib import Path

from datasets_tools import tracks
from datasets_tools.instruments import Instruments

COMPARED = ("guitar", "piano", "excluded", "mix")


def compared(group):
    """A group as the lists know it; unknown where there is none."""
    group = {"distorted_guitar": "guitar", None: "unknown"}.get(group, group)
    return group if group in (*COMPARED, "unknown") else "other"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lists", type=Path, nargs="+", help="files in the form of tracks.yaml")
    parser.add_argument("--names", type=Path, nargs="*", default=(), help="YAML files of further names: group")
    options = parser.parse_args()
    instruments = Instruments(options.names)
    for path in options.lists:
        listed = tracks.load(path)
        start = time.perf_counter()
        pairs = []
        for track in listed:
            labels = [stem.label or stem.name for stem in track.stems]
            for number, stem in enumerate(track.stems):
                guess = instruments.guess(labels[number], labels[:number] + labels[number + 1 :])
                pairs.append((compared(stem.group), compared(guess.group), guess, labels[number]))
        report(path, pairs, time.perf_counter() - start)


def report(path, pairs, seconds):
    """Print what agrees and what does not: pairs of (listed group, guessed group, Guess, label)."""
    share = f"{100 * sum(a == b for a, b, *_ in pairs) / len(pairs):.2f} %"
    sure = f"{100 * sum(guess.sure for _, _, guess, _ in pairs) / len(pairs):.1f} %"
    print(f"{path}: {len(pairs)} stems, {share} agree, {sure} of the guesses are sure, {seconds:.3f} s")
    for group in (*COMPARED, "other"):
        ours, theirs = (sum(pair[k] == group for pair in pairs) for k in (1, 0))
        both = sum(pair[0] == pair[1] == group for pair in pairs)
        found = (
            f" ({100 * both / theirs:.1f} % of the listed, {100 * both / ours:.1f} % of the guessed)" if both else ""
        )
        print(f"  {group}: {theirs} listed, {ours} guessed, {both} both{found}")
    kinds = Counter((a, b, guess.sure) for a, b, guess, _ in pairs if a != b)
    for (a, b, sure), count in kinds.most_common():
        names = Counter(label for c, d, guess, label in pairs if (c, d, guess.sure) == (a, b, sure))
        few = ", ".join(f"{name} ({times})" if times > 1 else name for name, times in names.most_common(12))
        print(f"  {a} listed, {b} guessed{'' if sure else ', not sure'}: {count}: {few}")
    unknown = sorted({label for _, b, _, label in pairs if b == "unknown"})
    print(f"  unknown names: {', '.join(unknown) or 'none'}")


if __name__ == "__main__":
    main()
