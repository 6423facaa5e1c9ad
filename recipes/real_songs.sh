#!/bin/sh
# Make the training tracks for the runs from Spleeter's weights: recordings, and songs and single voices
# with sampled instruments, all at 44.1 kHz.
#
#     sh recipes/real_songs.sh SFZ MIDI WORK
#
# The arguments and requirements are the same as for songs.sh; recipes/real_sounds.sh downloads the rest. Then train
# with `splitstrument train training/configs/guitar-spleeter.yaml --pairs WORK/tracks`; the other runs that docs/models.md
# names need the same tracks.
set -eu
SFZ=${1:?the folder of SFZ instruments} MIDI=${2:?the folder of MIDI songs} WORK=${3:?the folder for all that is made}
HERE=$(dirname "$0")

. "$HERE/organised.sh"

sh "$HERE/real_sounds.sh" "$WORK/real"
python3 "$HERE/real_sounds.py" "$WORK/real" "$WORK/tracks"

mixed() { # SONGS OUTPUT: pairs of guitars and of pianos from the rendered songs
    organised "$1" --slakh "$WORK/songs/$1" --instruments "$HERE/instruments.yaml"
    splitstrument mix "$WORK/organised/$1" --instrument guitar --with distorted_guitar --absent --rates 44100 \
        --output "$WORK/tracks/guitar/$2"
    splitstrument mix "$WORK/organised/$1" --instrument piano --absent --rates 44100 --output "$WORK/tracks/piano/$2"
}

songs() { # TARGET SONGS
    sounding splitstrument synthesize --target "$1" --songs "$2" --charts 0.25 --seed 22 --seconds 30 \
        --output "$WORK/songs/real-$1"
    mixed "real-$1" "$1-songs"
    splitstrument mix "$WORK/organised/real-$1" --parts guitar/distorted_guitar piano --absent --rates 44100 \
        --output "$WORK/bands/$1-songs"
}

songs guitar 72
songs piano 36
varied
mixed varied varied-songs
more_guitars
mixed more-guitar more-songs
python3 "$HERE/further_recordings.py" "$WORK/real" "$WORK/bands" "$WORK/tracks"
python3 "$HERE/reamped.py" direct "$WORK/real" "$WORK/bands" "$WORK/tracks"
for set in varied real-guitar more-guitar; do
    python3 "$HERE/reamped.py" songs "$WORK/songs/$set" "$WORK/tracks/guitar/reamped-songs"
done
sounding python3 "$HERE/voices.py" confusers "$WORK/tracks/confusers" --tracks 60 --seconds 24
sounding python3 "$HERE/voices.py" guitar "$WORK/tracks/guitar-voices" --tracks 28
sounding python3 "$HERE/voices.py" piano "$WORK/tracks/piano-voices" --tracks 43
