"""How well a model takes out of tracks what sounds like an example, and what a wrong example does.

    python -m tests.benchmarks.by_example MODEL TRACKS

For each part of each track, the example is the same part of the next track. The first table has medians over the
tracks in dB: plain SDR and SI-SDR of the right example, both above those of the mixture. The second has the SI-SDR,
again above the mixture's, of every part when the example is another one: its diagonal should be high, all else low.

Tracks of `splitstrument bachata` are also separated in clips of a bar (structure.clips) that begin where bars truly do,
where `splitstrument beats` finds them, and at every fourth beat from the first one, as on the poster.
"""

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from datasets_tools.pairs import record_of
from evaluation.metrics import plain_sdr, scale_invariant_sdr
from splitstrument.files.tables import markdown
from splitstrument.separator import SILENCE, Separator
from splitstrument.tracks import find_tracks
from structure.clips import separate_by_bars

WHOLE, TRUE, FOUND, FOURTH = "windows", "true bars", "found bars", "every fourth beat"


def ways(song, rate, times):
    """{name: function of a separator that separates the song}."""
    found = {WHOLE: lambda separator: separator.separate(song, rate)}
    if "bars" not in times:
        return found
    import soundfile

    from structure.analysis import NoBeats, beats_in
    from structure.features import read_features

    with tempfile.TemporaryDirectory() as folder:
        soundfile.write(Path(folder) / "song.wav", song, rate)
        features = read_features(Path(folder) / "song.wav")
    starts = {TRUE: times["bars"], FOURTH: times["beats"][::4]}
    try:
        starts[FOUND] = beats_in(features).bars
    except NoBeats:
        print("no beats were found in a song")
    for name, at in starts.items():
        found[name] = lambda separator, at=at: separate_by_bars(separator, song, rate, at)
    return found


def improvements(truth, estimate, mixture):
    """(plain SDR, SI-SDR) above those of the mixture."""
    return tuple(measure(truth, estimate) - measure(truth, mixture) for measure in (plain_sdr, scale_invariant_sdr))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("tracks", type=Path)
    options = parser.parse_args()
    tracks = [(track, *track.read()) for track in find_tracks(options.tracks)]
    figures, crossed = defaultdict(list), defaultdict(list)
    model = Separator(options.model, example=SILENCE)
    for number, (track, truth, rate) in enumerate(tracks):
        mixture = sum(truth.values())
        separated = ways(mixture, rate, record_of(track.folder) or {})
        named = [part for part in truth if part not in ("rest", "other") and np.abs(truth[part]).max() > 1e-3]
        for part in named:
            others = [(known[part], at) for _, known, at in tracks[number + 1 :] + tracks[:number] if part in known]
            if not others:
                continue
            separator = model.like(others[0])
            for way, separate in separated.items():
                estimate = separate(separator)[separator.sources[0]]
                figures[way, part].append(improvements(truth[part], estimate, mixture))
                if way == WHOLE:
                    for other in named:
                        crossed[other, part].append(improvements(truth[other], estimate, mixture)[1])
    parts = list(dict.fromkeys(part for _, part in figures))
    rows = [
        (way, part, len(values), *(f"{value:.2f}" for value in np.median(values, 0)))
        for (way, part), values in figures.items()
    ]
    for way in dict.fromkeys(way for way, _ in figures):
        values = [value for (each, _), found in figures.items() if each == way for value in found]
        rows.append((way, "all", len(values), *(f"{value:.2f}" for value in np.median(values, 0))))
    print(markdown(("way", "part", "tracks", "plain SDR", "SI-SDR"), rows, left=2) + "\n")
    table = [(part, *(f"{np.median(crossed[part, asked] or [np.nan]):.1f}" for asked in parts)) for part in parts]
    print(markdown(("SI-SDR of", *(f"like {part}" for part in parts)), table))


if __name__ == "__main__":
    main()
