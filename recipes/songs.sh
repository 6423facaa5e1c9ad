#!/bin/sh
# The pairs that models for guitars and pianos learn from: songs that are rendered, and three that a band recorded.
#
#     sh recipes/songs.sh SFZ MIDI WORK
#
# SFZ: a folder of the SFZ instruments in datasets_tools/synthesis/material.yaml; MIDI: one with the folders `freedoom` and
# `pop909` (docs/models.md says where all of them are to be had). Debian's packages fluid-soundfont-gm, mma, flite,
# musescore-general-soundfont and fretsonfire-songs-sectoid have the rest. Everything goes below WORK; given again, this goes
# on where it stopped.
set -eu
SFZ=${1:?the folder of SFZ instruments} MIDI=${2:?the folder of MIDI songs} WORK=${3:?the folder for all that is made}
HERE=$(dirname "$0")
SOUNDS="$SFZ /usr/share/sounds/sf2/FluidR3_GM.sf2 /usr/share/sounds/sf3/MuseScore_General_Full.sf3"

. "$HERE/organised.sh"

rendered() { # NAME TARGET SHARE_OF_CHARTS FIRST SONGS; what recipes/tests.sh plays with is left out
    splitstrument synthesize --sounds $SOUNDS --midi "$MIDI/freedoom" "$MIDI"/pop909/[0-5]*.mid --charts "$3" \
        --target "$2" --first "$4" --songs "$5" --seconds 30 --output "$WORK/songs/$1" --leave-out \
        "FreePats upright piano KW" "Greg Sullivan's e-pianos" "FreePats FSBS electric guitar, distorted 1"
    organised "$1" --slakh "$WORK/songs/$1" --instruments "$HERE/instruments.yaml"
}

pairs() { # INSTRUMENT SONGS OPTION...
    instrument=$1 songs=$2
    shift 2
    splitstrument mix "$WORK/organised/$songs" --instrument "$instrument" --absent --rates 22050 \
        --output "$WORK/pairs/$instrument/$songs" "$@"
}

organised sectoid --rockband /usr/share/games/fretsonfire/data/songs/sectoid
rendered guitar-songs guitar 0.25 0 180
rendered more-guitar-songs guitar 0.25 180 120
rendered piano-songs piano 0.2 0 400
rendered more-piano-songs piano 0.2 400 240
for songs in sectoid guitar-songs more-guitar-songs piano-songs more-piano-songs; do
    pairs guitar "$songs" --with distorted_guitar
done
for songs in sectoid piano-songs more-piano-songs; do
    pairs piano "$songs"
done
