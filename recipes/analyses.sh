#!/bin/sh
# Train the compact network with several FFT lengths, spectrogram widths and sample rates, on recorded songs, and
# score all runs on four others: one table and one picture.
#
#     sh recipes/analyses.sh WORK
#
# Needs Debian's fretsonfire-songs-muldjord and -sectoid. Takes about an hour on two cores; continues where it stopped.
set -eu
WORK=${1:?the folder for all that is made}
HERE=$(cd "$(dirname "$0")" && pwd)
SONGS=/usr/share/games/fretsonfire/data/songs

mkdir -p "$WORK"
cd "$WORK"
splitstrument catalogue --rockband "$SONGS/sectoid" --output training.yaml
splitstrument catalogue --rockband "$SONGS/muldjord" --output tests.yaml
for set in training tests; do
    splitstrument organize "$set.yaml" --output "organised/$set"
    splitstrument mix "organised/$set" --instrument guitar --rates 11025 22050 44100 --output "pairs/$set"
done
mkdir -p data
ln -sfn ../pairs/training data/songs
splitstrument train "$HERE/../training/configs/analyses/fft.yaml" "$HERE/../training/configs/analyses/width.yaml" \
    "$HERE/../training/configs/analyses/rate.yaml" --pairs data --output runs
splitstrument evaluate runs/* --pairs pairs/tests/tracks_44100hz --quick --excerpts 0 --output evaluation
splitstrument report evaluation --no-audio --title 'FFT lengths, widths and sample rates' --output analyses.md
