"""Songs of rhythm games (Frets on Fire, Rock Band, Guitar Hero folders) -> pairs of guitar and rest.

A song's folder holds guitar.ogg and the backing song.ogg, which lacks the guitar; other stems (rhythm.ogg, drums.ogg,
vocals.ogg) are backing too, and rhythm.ogg, a second guitar or a bass, is why a folder that has one is left out.
"""

import argparse
import sys
from pathlib import Path

REST = ("song.ogg", "drums.ogg", "vocals.ogg")


def song_folders(roots):
    """The folders below `roots` with a guitar.ogg and a song.ogg and no rhythm.ogg, in order."""
    found = {path.parent for root in roots for path in Path(root).rglob("guitar.ogg")}
    return sorted(f for f in found if (f / "song.ogg").exists() and not (f / "rhythm.ogg").exists())


def load_pair(folder, sample_rate):
    """(guitar, rest) of a song's folder, float32 (frames, 2) at `sample_rate`; the shorter one padded with silence."""
    import numpy as np
    import soxr

    from splitstrument.audio import read

    tracks = []
    for names in (("guitar.ogg",), REST):
        stems = []
        for name in names:
            if (folder / name).exists():
                audio, rate = read(folder / name)
                stems.append(soxr.resample(audio[:, :2], rate, sample_rate))
        frames = max(map(len, stems))
        tracks.append(sum(_stereo(np.pad(stem, ((0, frames - len(stem)), (0, 0)))) for stem in stems))
    frames = max(map(len, tracks))
    return tuple(np.pad(track, ((0, frames - len(track)), (0, 0))) for track in tracks)


def _stereo(audio):
    return audio if audio.shape[1] == 2 else audio.repeat(2, 1)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="splitstrument rockband", description=__doc__.split("\n")[0])
    parser.add_argument("songs", nargs="+", help="folders that hold songs")
    parser.add_argument("--output", required=True, help="folder of pairs to write")
    parser.add_argument("--rate", type=int, default=22050, help="sample rate of the pairs in Hz")
    arguments = parser.parse_args(arguments)
    from tqdm import tqdm

    from datasets_tools.pairs import write_pair

    folders = song_folders(arguments.songs)
    if not folders:
        print(f"splitstrument: {arguments.songs[0]}: no folder with guitar.ogg and song.ogg below", file=sys.stderr)
        return 2
    for folder in tqdm(folders, unit="song"):
        name = folder.name.replace(" ", "_")
        target = Path(arguments.output) / f"tracks_{arguments.rate}hz" / name
        if not target.exists():
            guitar, rest = load_pair(folder, arguments.rate)
            # One gain for both keeps their balance, and their sum, within 16 bits.
            gain = 0.98 / max(1.0, abs(guitar).max(), abs(rest).max(), abs(guitar + rest).max())
            write_pair(target, guitar * gain, rest * gain, arguments.rate)
    return 0


if __name__ == "__main__":
    sys.exit(main())
