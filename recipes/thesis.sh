#!/bin/sh
# Train a small twin of every run of the thesis, on rendered songs and some recorded ones, and put their figures beside
# the thesis's in one document.
#
#     sh recipes/thesis.sh SFZ MIDI WORK
#
# The arguments and requirements are the same as for songs.sh; real_sounds.sh downloads the rest, and tests.sh with the
# same arguments has made the test songs. Each of the 20 trainings takes two to four minutes on one core. It continues
# where it stopped.
set -eu
SFZ=${1:?the folder of SFZ instruments} MIDI=${2:?the folder of MIDI songs}
WORK=$(realpath "${3:?the folder for all that is made}")
HERE=$(cd "$(dirname "$0")" && pwd)

. "$HERE/organised.sh"

sh "$HERE/real_sounds.sh" "$WORK/real"
varied
more_guitars
for songs in varied more-guitar; do
    organised $songs --slakh "$WORK/songs/$songs" --instruments "$HERE/instruments.yaml"
done
organised sectoid --rockband /usr/share/games/fretsonfire/data/songs/sectoid

# Most songs make the mixtures, 20 are tests; of the others, the instrument alone is the pure data.
mkdir -p "$WORK/organised/small" "$WORK/organised/small-tests"
cd "$WORK/organised"
cp -aln sectoid/* varied/piano35_000[0-7]* more-guitar/guitar61_00[01]* small/
cp -aln unheard/* more-guitar/guitar61_002[45]* small-tests/
for song in varied/piano35_0008* varied/piano35_0009* varied/piano35_001* more-guitar/guitar61_002[0-3]*; do
    for instrument in piano guitar distorted_guitar; do
        [ -d "$song/$instrument" ] || continue
        group=${instrument#distorted_}
        mkdir -p "$WORK/alone/$group/${song##*/}"
        cp -aln "$song/$instrument"/* "$WORK/alone/$group/${song##*/}/"
    done
done

cd "$WORK"
pairs() { # INSTRUMENT SONGS OUTPUT
    [ "$1" = guitar ] && with="--with distorted_guitar" || with=
    splitstrument mix "organised/$2" --instrument "$1" $with --rates 11025 --output "$3"
}
for instrument in guitar piano; do
    pairs $instrument small mixed/$instrument
    python3 "$HERE/pauses.py" mixed/$instrument $instrument small/$instrument
    pairs $instrument small-tests small-tests/$instrument
    splitstrument split alone/$instrument --length 30 --pairs --rates 11025 --output small/${instrument}_pure
    splitstrument silence small/$instrument/tracks_11025hz --cut --target 30 --discard 50 \
        --output small/${instrument}_less_silence --statistics silence/$instrument
done
splitstrument silence small/piano/tracks_11025hz --cut --target 50 --discard 100 --output small/piano_silence_slight
splitstrument silence small/piano/tracks_11025hz --cut --target 30 --discard 100 --output small/piano_silence_harsh

splitstrument train "$HERE"/../training/configs/thesis-small/*.yaml --pairs small --output runs
splitstrument evaluate runs/small-guitar* runs/small-f* --pairs small-tests/guitar --remove-panning --excerpts 0 \
    --output evaluations/small-guitar
splitstrument evaluate runs/small-piano* runs/small-silence* --pairs small-tests/piano --remove-panning --excerpts 0 \
    --output evaluations/small-piano
splitstrument documents evaluations/small-* --silence silence --markdown
