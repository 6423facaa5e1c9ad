#!/bin/sh
# Train a small twin of every run of the thesis, on rendered songs and some recorded ones, and put their figures beside
# the thesis's in one document.
#
#     sh recipes/thesis.sh SFZ MIDI WORK
#
# The arguments and requirements are the same as for songs.sh; real_sounds.sh downloads the rest, and tests.sh with the
# same arguments has made the test songs. Each of the 20 trainings takes 5 to 40 minutes on one core. It continues where
# it stopped.
set -eu
SFZ=${1:?the folder of SFZ instruments} MIDI=${2:?the folder of MIDI songs} WORK=${3:?the folder for all that is made}
HERE=$(cd "$(dirname "$0")" && pwd)

. "$HERE/organised.sh"

sh "$HERE/real_sounds.sh" "$WORK/real"
varied
organised varied --slakh "$WORK/songs/varied" --instruments "$HERE/instruments.yaml"
organised sectoid --rockband /usr/share/games/fretsonfire/data/songs/sectoid

# Most songs make the mixtures; of the others, the instrument alone is the pure data.
mkdir -p "$WORK/organised/small"
cp -aln "$WORK/organised/sectoid"/* "$WORK/organised/varied"/piano35_000[0-7]* "$WORK/organised/small/"
for song in "$WORK/organised/varied"/piano35_0008* "$WORK/organised/varied"/piano35_0009* \
    "$WORK/organised/varied"/piano35_001*; do
    for instrument in piano guitar; do
        [ -d "$song/$instrument" ] || continue
        mkdir -p "$WORK/alone/$instrument/${song##*/}"
        cp -aln "$song/$instrument"/* "$WORK/alone/$instrument/${song##*/}/"
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
    pairs $instrument unheard small-tests/$instrument
    splitstrument split alone/$instrument --length 30 --pairs --rates 11025 --output small/${instrument}_pure
    splitstrument silence small/$instrument/tracks_11025hz --cut --target 30 --discard 50 \
        --output small/${instrument}_less_silence --statistics silence/$instrument
done
pairs guitar muldjord small-tests/guitar
splitstrument silence small/piano/tracks_11025hz --cut --target 50 --discard 100 --output small/piano_silence_slight
splitstrument silence small/piano/tracks_11025hz --cut --target 30 --discard 100 --output small/piano_silence_harsh

splitstrument train "$HERE"/../training/configs/thesis-small/*.yaml --pairs small --output runs
splitstrument evaluate runs/small-guitar* runs/small-f* --pairs small-tests/guitar --remove-panning --excerpts 0 \
    --output evaluations/small-guitar
splitstrument evaluate runs/small-piano* runs/small-silence* --pairs small-tests/piano --remove-panning --excerpts 0 \
    --output evaluations/small-piano
splitstrument documents evaluations/small-* --silence silence --markdown
