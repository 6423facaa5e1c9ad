"""Plain SDR of a model on whole songs with a separate guitar, such as Debian's fretsonfire-songs-muldjord.

    python tests/benchmarks/muldjord.py /usr/share/games/fretsonfire/data/songs/muldjord --model guitar

Plain SDR is 10 log10(|s|^2 / |s - e|^2) over the whole song; the mixture is guitar.ogg + song.ogg. "stereo" is the song
as it is (44.1 kHz, both channels), "mono" its mean of channels at 22.05 kHz, separated as such.
"""

import argparse
from pathlib import Path

import numpy as np

from datasets_tools.mixing import Resampler, Sums
from splitstrument import Separator


def song_folders(roots):
    """The folders below `roots` with a guitar.ogg and a song.ogg, in order."""
    found = {path.parent for root in roots for path in Path(root).rglob("guitar.ogg")}
    return sorted(folder for folder in found if (folder / "song.ogg").exists())


def load_pair(folder, rate):
    """(guitar, backing) of a song's folder, float32 (frames, 2) at `rate`; the shorter one padded with silence."""
    with Sums([[folder / "guitar.ogg"], [folder / "song.ogg"]], 2) as sums:
        whole = [np.concatenate(blocks) for blocks in zip(*sums.blocks(), strict=True)]
        resamplers = [Resampler(sums.rate, rate, 2) for _ in whole]
    if rate == sums.rate:
        return whole
    return [np.concatenate([r(part), r.finish()]) for r, part in zip(resamplers, whole, strict=True)]


def plain_sdr(truth, estimate):
    """10 log10(|s|^2 / |s - e|^2) in dB, over all samples and channels."""
    error = truth.astype(np.float64) - estimate
    return 10 * np.log10((truth.astype(np.float64) ** 2).sum() / (error**2).sum())


def scale_invariant_sdr(truth, estimate):
    """SI-SDR in dB (Le Roux et al. 2019): the truth is scaled to what of it is in the estimate."""
    truth, estimate = truth.ravel().astype(np.float64), estimate.ravel().astype(np.float64)
    target = truth * (truth @ estimate) / (truth @ truth)
    return 10 * np.log10((target @ target) / ((estimate - target) @ (estimate - target)))


def ideal_ratio(guitar, rest):
    """The guitar that the ideal ratio mask |s| / (|s| + |r|) gives, window 2048, hop 512."""
    from splitstrument.spectrogram import Analysis, Grid, Synthesis

    grid = Grid(2048)
    spectra = []
    for audio in (guitar, rest):
        analysis = Analysis(grid, audio.shape[1])
        spectra.append(np.concatenate([analysis(audio), analysis.finish()], axis=1))
    magnitudes = [np.abs(spectrum) for spectrum in spectra]
    mask = magnitudes[0] / (magnitudes[0] + magnitudes[1] + 1e-9)
    return Synthesis(grid, guitar.shape[1])(mask * (spectra[0] + spectra[1]))[: len(guitar)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("songs", nargs="+", help="folders with guitar.ogg and song.ogg, or folders of such")
    parser.add_argument("--model", default="guitar")
    options = parser.parse_args()
    separator = Separator(options.model)
    print(
        "| song | form | mixture, SDR | guitar, SDR | mixture, SI-SDR | guitar, SI-SDR | rest, SDR | ideal ratio, SDR |"
    )
    print("|---|---|---|---|---|---|---|---|")
    rows = {"stereo": [], "mono": []}
    for folder in song_folders(options.songs):
        for form, rate in (("stereo", 44100), ("mono", 22050)):
            guitar, rest = load_pair(folder, rate)
            if form == "mono":
                guitar, rest = (audio.mean(1, keepdims=True) for audio in (guitar, rest))
            parts = separator.separate(guitar + rest, rate)
            estimate = parts[separator.instrument]
            row = [plain_sdr(guitar, guitar + rest), plain_sdr(guitar, estimate)]
            row += [scale_invariant_sdr(guitar, guitar + rest), scale_invariant_sdr(guitar, estimate)]
            row += [plain_sdr(rest, parts["rest"])]
            row += [plain_sdr(guitar, ideal_ratio(guitar, rest))]
            rows[form].append(row)
            print(f"| {folder.name} | {form} |" + "".join(f" {value:.2f} |" for value in row), flush=True)
    for form, values in rows.items():
        print(f"| mean | {form} |" + "".join(f" {value:.2f} |" for value in np.mean(values, 0)))


if __name__ == "__main__":
    main()
