#!/bin/sh
# Measure the effect of some design choices of the models, by runs with one change each.
#
#     sh recipes/ablation.sh spleeter WORK    450 steps from Spleeter's weights, on the tracks of real_songs.sh
#     sh recipes/ablation.sh compact WORK     800 steps of the compact network, on the pairs of songs.sh
#
# Each run takes eight minutes on one core; WORK/ablation/NAME/history.csv has its losses. The runs from Spleeter's
# weights are then scored on recordings that none of them heard.
set -eu
KIND=${1:?spleeter or compact} WORK=${2:?the folder that real_songs.sh or songs.sh wrote to}
HERE=$(dirname "$0")

run() { # NAME OPTION...
    name=$1
    shift
    case $KIND in
        spleeter) set -- guitar-reamped.yaml --pairs "$WORK/tracks" --set epochs=3 "$@" ;;
        compact) set -- guitar-long.yaml --pairs "$WORK/pairs" --set epochs=2 "$@" ;;
    esac
    config=$1
    shift
    splitstrument train "$HERE/../training/configs/$config" --output "$WORK/ablation" --set name="$name" "$@"
}

from_vocals() { # NAME OPTION...
    run "$@" --set initial=spleeter-2stems --set initial_source=vocals
}

case $KIND in
    spleeter)
        from_vocals as-it-is
        run from-random --set initial="''" --set initial_source="''"
        from_vocals not-frozen --set options.frozen=false
        from_vocals levelled --set options.level=8
        from_vocals long-windows --set options.frames=256 --set windows.batch_size=4
        from_vocals not-remixed --set augmentation.other_track=0 --set augmentation.second_instrument=0 \
            --set augmentation.second_rest=0
        from_vocals not-averaged --set optimizer.average=0
        from_vocals snr --set loss=snr
        from_vocals snr_20 --set loss=snr_20
        from_vocals l1 --set loss=l1
        for set in held-guitar held-none; do
            splitstrument evaluate "$WORK"/ablation/*/last --pairs "$WORK/tracks/$set" --quick --excerpts 0 \
                --output "$WORK/ablation/scores/$set"
        done
        ;;
    compact)
        run as-it-is
        run not-resampled --set augmentation.resampled=0
        run small-patches --set options.patch_bins=4 --set options.patch_frames=2 \
            --set options.filters=24 --set options.growth=24
        ;;
esac
