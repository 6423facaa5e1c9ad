"""How well `splitstrument beats` finds beats and bars of rendered songs, whose beats and bars are known.

    splitstrument synthesize --sounds /usr/share/sounds/sf2 /usr/share/sounds/sf3 --forms --songs 12 --seconds 60 \
        --seed 950 --output songs
    python -m tests.benchmarks.beats songs

F-measure of mir_eval.beat (within 70 ms, the first 5 s left out). For beats, librosa's tracker on the same onsets is
beside ours. For bars, the baselines are every fourth beat from the first that we found, and every fourth true beat.
A song may be of several kinds.
"""

import argparse
from pathlib import Path

import librosa
import numpy as np
from mir_eval.beat import f_measure, trim_beats

from splitstrument.files.tables import markdown
from structure.analysis import NoBeats, beats_in
from structure.features import HOP, RATE
from structure.tracking import strength
from tests.benchmarks.rendered import songs

COLUMNS = ("beats", "beats by librosa", "bars", "every 4th beat", "every 4th true beat", "right metre")


def scores(song):
    """The figures of one song, in the order of COLUMNS."""
    onsets = strength(song.features)
    theirs = librosa.beat.beat_track(onset_envelope=onsets, sr=RATE, hop_length=HOP, units="time")[1]
    try:
        ours = beats_in(song.features)
    except NoBeats:
        return [0.0, f_measure(trim_beats(song.beats), trim_beats(theirs)), 0.0, 0.0, 0.0, 0.0]
    pairs = ((song.beats, ours.times), (song.beats, theirs), (song.bars, ours.bars))
    pairs += ((song.bars, ours.times[::4]), (song.bars, song.beats[::4]))
    measured = [f_measure(trim_beats(known), trim_beats(found)) for known, found in pairs]
    return [*measured, float(np.median(ours.metres) == song.metre)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("songs", type=Path, help="a folder that synthesize wrote")
    parser.add_argument("--each", action="store_true", help="show every song")
    options = parser.parse_args()
    known = songs(options.songs)
    figures = {song.name: scores(song) for song in known}
    rows = []
    for kind in ("plain 4/4", "3/4", "pick-up", "tempo changes"):
        within = [figures[song.name] for song in known if kind in song.kinds]
        if within:
            rows.append([kind, str(len(within)), *(f"{value:.3f}" for value in np.mean(within, axis=0))])
    rows.append(["all", str(len(known)), *(f"{value:.3f}" for value in np.mean(list(figures.values()), axis=0))])
    print(markdown(("songs", "number", *COLUMNS), rows))
    if options.each:
        each = [[song.name, ", ".join(song.kinds), *(f"{v:.2f}" for v in figures[song.name])] for song in known]
        print(markdown(("song", "kind", *COLUMNS), each, left=2))


if __name__ == "__main__":
    main()
