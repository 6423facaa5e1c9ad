#!/bin/sh
# What the shipped model is worth on the songs of recipes/tests.sh: docs/scores.md, and the scores on its card.
#
#     sh recipes/scores.sh WORK
#
# Some minutes; speeds are only worth something on a machine that does nothing else.
set -eu
HERE=$(cd "$(dirname "$0")" && pwd)
cd "$1"

scored() { # NAME PAIRS MODEL OPTION...
    name=$1 pairs=$2
    shift 2
    splitstrument evaluate "$@" --pairs "tests/$pairs" --output "evaluations/$name" --jobs 1
}

scored 1-muldjord-mono muldjord/tracks_22050hz guitar frequency spectrogram harmonic repet nmf --remove-panning --excerpts 1
scored 2-muldjord-stereo muldjord/tracks_44100hz guitar nmf --excerpts 1
scored 3-backed backed/tracks_22050hz guitar nmf --excerpts 1
scored 4-no-guitar no-guitar/tracks_22050hz guitar nmf --excerpts 0
splitstrument report evaluations --no-audio --title 'Scores of the shipped model' --output "$HERE/../docs/scores.md"
python3 "$HERE/card.py" "$HERE/../splitstrument/shipped/guitar" evaluations
