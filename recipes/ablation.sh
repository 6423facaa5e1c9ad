#!/bin/sh
# What some choices behind the model "guitar" are worth: runs of 800 steps that differ from its own in one thing each, on
# the pairs of songs.sh and the songs of tests.sh.
#
#     sh recipes/ablation.sh WORK
#
# Ten minutes a run on one core; WORK/ablation.md has their scores, WORK/ablation/NAME/history.csv their losses.
set -eu
WORK=${1:?the folder that songs.sh and tests.sh wrote to}
HERE=$(dirname "$0")
RUNS=

run() { # NAME OPTION...
    name=$1
    shift
    splitstrument train "$HERE/../training/configs/guitar.yaml" --pairs "$WORK/pairs" --output "$WORK/ablation" \
        --set name="$name" --set epochs=2 "$@"
    RUNS="$RUNS $WORK/ablation/$name"
}

run as-shipped
run not-resampled --set augmentation.resampled=0
run small-patches --set options.patch_bins=4 --set options.patch_frames=2 --set options.filters=24 --set options.growth=24
run wider --set options.filters=80 --set options.growth=40
for songs in backed no-guitar; do
    splitstrument evaluate $RUNS --pairs "$WORK/tests/$songs/tracks_22050hz" --output "$WORK/ablation/scores/$songs" \
        --excerpts 0 --jobs 1
done
splitstrument report "$WORK/ablation/scores" --no-audio --title "Runs of 800 steps" --output "$WORK/ablation.md"
