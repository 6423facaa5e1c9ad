#!/bin/sh
# Measure the effect of some design choices of the models: runs of 800 steps with one change each, on the pairs of
# songs.sh.
#
#     sh recipes/ablation.sh WORK
#
# Each run takes eight minutes on one core; WORK/ablation/NAME/history.csv has its losses.
set -eu
WORK=${1:?the folder that songs.sh wrote to}
HERE=$(dirname "$0")

run() { # NAME OPTION...
    name=$1
    shift
    splitstrument train "$HERE/../training/configs/guitar-long.yaml" --pairs "$WORK/pairs" --output "$WORK/ablation" \
        --set name="$name" --set epochs=2 "$@"
}

run as-it-is
run not-resampled --set augmentation.resampled=0
run small-patches --set options.patch_bins=4 --set options.patch_frames=2 \
    --set options.filters=24 --set options.growth=24
