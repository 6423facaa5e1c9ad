"""How well `splitstrument sections` finds the sections of rendered songs, whose sections are known.

    splitstrument synthesize --sounds /usr/share/sounds/sf2/FluidR3_GM.sf2 \
        /usr/share/sounds/sf3/MuseScore_General_Full.sf3 --forms --songs 19 --seconds 90 --seed 960 --output songs
    python -m tests.benchmarks.sections songs

F-measures of mir_eval.segment: boundaries within 0.5 s and within 3 s (those at the song's ends left out), and pairs of
frames with one label. The baseline has the true number of sections, all of one length, each with its own label.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from mir_eval.segment import detection, pairwise
from mir_eval.util import adjust_intervals

from splitstrument.files.tables import markdown
from structure.analysis import sections_in
from structure.segmentation import METHODS, SectionSettings
from tests.benchmarks.rendered import songs


def scores(song, edges, labels):
    """F at 0.5 s, F at 3 s, pairwise F, and how many sections were found beyond the true ones."""
    known = np.array([(start, end) for start, end, _ in song.sections])
    names = [label for *_, label in song.sections]
    found = np.stack([edges[:-1], edges[1:]], axis=1)
    found, labels = adjust_intervals(found, list(labels), t_min=0.0, t_max=known[-1, 1])
    hits = [detection(known, found, window=window, trim=True)[2] for window in (0.5, 3.0)]
    return [*hits, pairwise(known, names, found, labels)[2], len(found) - len(known)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("songs", type=Path, help="a folder that synthesize wrote")
    options = parser.parse_args()
    warnings.simplefilter("ignore", FutureWarning)
    known = [song for song in songs(options.songs) if len(song.sections) > 1]
    rows = []
    even = []
    for song in known:
        edges = np.linspace(0, song.sections[-1][1], len(song.sections) + 1)
        even.append(scores(song, edges, [str(number) for number in range(len(song.sections))]))
    rows.append(("evenly spaced", even, 0.0))
    for method in METHODS:
        began, figures = time.perf_counter(), []
        for song in known:
            found, _ = sections_in(song.features, SectionSettings(method=method))
            figures.append(scores(song, found.edges, found.labels))
        rows.append((method, figures, (time.perf_counter() - began) / len(known)))
    print(f"{len(known)} songs")
    table = [[what, *(f"{v:.3f}" for v in np.mean(all_, axis=0)), f"{took:.1f}"] for what, all_, took in rows]
    print(markdown(("method", "F at 0.5 s", "F at 3 s", "pairwise F", "sections too many", "seconds a song"), table))


if __name__ == "__main__":
    main()
