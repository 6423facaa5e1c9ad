#!/bin/sh
# Score models on the tracks of recipes/songs.sh that are not used for training, to choose between models.
#
#     sh recipes/held_out.sh WORK INSTRUMENT MODEL...
#
# INSTRUMENT: guitar or piano. The results are below WORK/held-out:
# - `first` and `second`: ten songs each from those rendered for the first and second runs;
# - for guitar, `bands`: songs rendered for piano, most of them without a guitar; `recorded`: a song by a real band;
#   `new`: guitars and a band with sounds that are not in any training set;
# - for piano, `third` to `fifth`: songs for later runs; `rhythm`: drums and basses alone; `sonivox`: a piano and a
#   band with sounds that are not in any training set; `new`: that band with a piano that only piano-upright trains on.
set -eu
WORK=$(cd "${1:?the folder that songs.sh wrote to}" && pwd) INSTRUMENT=${2:?guitar or piano}
shift 2

scored() { # NAME PATTERN, then the models
    name=$INSTRUMENT-$1 pattern=$2
    shift 2
    mkdir -p "$WORK/held-out/pairs/$name"
    find "$WORK/pairs/$INSTRUMENT" -path "$WORK/pairs/$INSTRUMENT/$pattern" -prune \
        -exec cp -an {} "$WORK/held-out/pairs/$name/" \;
    splitstrument evaluate "$@" --pairs "$WORK/held-out/pairs/$name" --output "$WORK/held-out/$name" \
        --excerpts 0 --jobs 1
}

scored first "*/${INSTRUMENT}0_0000?" "$@"
if [ "$INSTRUMENT" = guitar ]; then
    scored second '*/guitar0_0018?' "$@"
    scored bands '*/piano0_00[04]0?' "$@"
    scored new '*/guitar81_*' "$@"
    scored recorded '*/Metal madness' "$@"
else
    scored second '*/piano0_0040?' "$@"
    scored third 'further-piano-songs/*/piano0_0072?' "$@"
    scored fourth '*/piano0_0152?' "$@"
    scored fifth 'upright-piano-songs/*/piano0_0200?' "$@"
    scored rhythm 'rhythm/*/piano0_0072?' "$@"
    scored sonivox '*/piano80_*' "$@"
    scored new '*/piano79_*' "$@"
fi
splitstrument report "$WORK/held-out" --no-audio --title 'Scores on tracks held out' \
    --output "$WORK/held-out/scores.md"
