"""The README's picture: log spectrograms of a song, of what a model takes out of it, and of the truth.

    python tests/benchmarks/picture.py SONG_FOLDER docs/muldjord.png --start 60 --seconds 20

Needs matplotlib and librosa.
"""

import argparse
from pathlib import Path

import librosa
import librosa.display
import matplotlib.pyplot as plt
import numpy as np
from muldjord import load_pair

from splitstrument import Separator

RATE = 44100


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("song", type=Path, help="a folder with guitar.ogg and song.ogg")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--model", default="guitar")
    parser.add_argument("--start", type=float, default=60)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    guitar, rest = load_pair(options.song, RATE)
    parts = Separator(options.model).separate(guitar + rest, RATE)
    shown = {
        "song": guitar + rest,
        "guitar, separated": parts["guitar"],
        "guitar, as recorded": guitar,
        "rest, separated": parts["rest"],
        "rest, as recorded": rest,
    }
    shown["error (separated minus recorded guitar)"] = parts["guitar"] - guitar
    figure, axes = plt.subplots(3, 2, figsize=(13, 11), sharex=True, sharey=True, layout="constrained")
    first, last = (round(time * RATE) for time in (options.start, options.start + options.seconds))
    magnitudes = {title: np.abs(librosa.stft(audio[first:last].mean(1), n_fft=4096)) for title, audio in shown.items()}
    for axis, (title, magnitude) in zip(axes.flat, magnitudes.items(), strict=True):
        decibels = librosa.amplitude_to_db(magnitude, ref=magnitudes["song"].max())
        image = librosa.display.specshow(
            decibels, sr=RATE, hop_length=1024, x_axis="time", y_axis="log", ax=axis, vmin=-80, vmax=0, cmap="magma"
        )
        axis.set(title=title, ylim=(40, 16000), xlabel="", ylabel="")
    for axis in axes[-1]:
        axis.set_xlabel("seconds")
    for axis in axes[:, 0]:
        axis.set_ylabel("Hz")
    figure.colorbar(image, ax=axes, format="%+.0f dB", shrink=0.5)
    figure.savefig(options.picture, dpi=70)


if __name__ == "__main__":
    main()
