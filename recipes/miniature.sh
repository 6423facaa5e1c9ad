#!/bin/sh
# The whole chain in miniature, with the compact network: make songs and pairs, train, score on a song outside the
# training set, and extract its guitar. Needs no sound library and takes some minutes.
#
#     sh recipes/miniature.sh [WORK]
set -eu
WORK=${1:-miniature}
HERE=$(dirname "$0")
CONFIG=$HERE/../training/configs/miniature.yaml

[ -d "$WORK/organised" ] || splitstrument band --songs 6 --seconds 12 --rate 22050 --output "$WORK/organised"
[ -d "$WORK/unheard" ] || splitstrument band --seed 100 --seconds 12 --rate 22050 --output "$WORK/unheard"
splitstrument mix "$WORK/organised" --instrument guitar --rates 11025 --output "$WORK/pairs"
splitstrument mix "$WORK/unheard" --instrument guitar --rates 11025 --output "$WORK/tests"
splitstrument train "$CONFIG" --pairs "$WORK" --output "$WORK/runs"
splitstrument evaluate "$WORK/runs/miniature" --pairs "$WORK/tests/tracks_11025hz" --output "$WORK/evaluation" --quick
splitstrument separate "$WORK/unheard/band100/mix/mix.wav" --model "$WORK/runs/miniature" --output "$WORK/separated"
