#!/bin/sh
# What some choices behind the models are worth: runs of 800 steps that differ in one thing each, on the pairs of songs.sh.
#
#     sh recipes/ablation.sh WORK
#
# Eight minutes a run on one core; WORK/ablation/NAME/history.csv has their losses.
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
run small-patches --set options.patch_bins=4 --set options.patch_frames=2 --set options.filters=24 --set options.growth=24
