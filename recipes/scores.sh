#!/bin/sh
# Score the shipped models on the songs of recipes/tests.sh, for docs/scores.md and the model cards.
#
#     sh recipes/scores.sh WORK
#
# Takes some minutes. Speeds are only meaningful on an otherwise idle machine.
set -eu
WORK=${1:?the folder that recipes/tests.sh wrote to}
HERE=$(cd "$(dirname "$0")" && pwd)
cd "$WORK"

scored() { # NAME PAIRS MODEL OPTION...
    name=$1 pairs=$2
    shift 2
    splitstrument evaluate "$@" --pairs "tests/$pairs" --output "evaluations/$name" --jobs 1
}

scored 1-muldjord-mono muldjord/tracks_22050hz guitar frequency spectrogram harmonic repet nmf --thorough \
    --remove-panning --excerpts 1
scored 2-muldjord-stereo muldjord/tracks_44100hz guitar nmf --excerpts 1
scored 3-backed backed/tracks_22050hz guitar nmf --thorough --excerpts 1
scored 4-no-guitar no-guitar/tracks_22050hz guitar nmf --excerpts 0
scored 5-unheard unheard/tracks_22050hz piano nmf --thorough --excerpts 1
scored 6-no-piano no-piano/tracks_22050hz piano --excerpts 0
scored 7-no-piano-metal no-piano-metal/tracks_22050hz piano --excerpts 0
splitstrument report evaluations --no-audio --title 'Scores of the shipped models' --output scores.md
rm -rf "$HERE/../docs/scores_files"
mv scores.md scores_files "$HERE/../docs"
for model in guitar piano; do
    python3 "$HERE/card.py" "$HERE/../splitstrument/shipped/$model" evaluations
done
