#!/bin/sh
# Make pairs to test guitar and piano models. None of their sounds and scores are in the training sets.
#
#     sh recipes/tests.sh SFZ MIDI WORK
#
# - muldjord: four songs recorded by a band (Debian's fretsonfire-songs-muldjord);
# - unheard: bands of instruments that are not in the training sets, with an upright piano;
# - backed: the recorded guitars over other such bands, with horns and keys but without guitars.
# In three sets, a model should extract nothing: no-guitar, the bands of backed alone; no-piano, the bands of unheard
# without their pianos; no-piano-metal, muldjord's songs, which have no piano. The arguments are the same as for
# songs.sh; Debian's timgm6mb-soundfont is needed too.
set -eu
SFZ=${1:?the folder of SFZ instruments} MIDI=${2:?the folder of MIDI songs} WORK=${3:?the folder for all that is made}
HERE=$(dirname "$0")
BANK=/usr/share/sounds/sf2/TimGM6mb.sf2

. "$HERE/organised.sh"

organised muldjord --rockband /usr/share/games/fretsonfire/data/songs/muldjord
splitstrument mix "$WORK/organised/muldjord" --instrument guitar --output "$WORK/tests/muldjord"

bands() { # NAME SEED SECONDS, then further material to leave out
    name=$1 seed=$2 seconds=$3
    shift 3
    sampled "$name" piano --sounds "$SFZ/piano/upright-kw" "$SFZ/epiano/gregsullivan" $BANK \
        --material "$HERE/unheard.yaml" --midi "$MIDI"/pop909/6*.mid --seconds "$seconds" --seed "$seed" \
        --leave-out "$@"
}

bands unheard 77 40 TimGM6mb:piano
splitstrument mix "$WORK/organised/unheard" --instrument piano --rates 22050 --output "$WORK/tests/unheard"
organised pianoless --slakh "$WORK/songs/unheard" --instruments "$HERE/instruments.yaml" "$HERE/without_piano.yaml"
splitstrument mix "$WORK/organised/pianoless" --instrument piano --absent --rates 22050 --output "$WORK/tests/no-piano"
bands backings 78 60 "TimGM6mb:acoustic guitar" "TimGM6mb:electric guitar" "TimGM6mb:distorted guitar"
python3 "$HERE/backed.py" "$WORK/organised/muldjord" "$WORK/songs/backings" "$WORK/organised/backed"
splitstrument mix "$WORK/organised/backed" --instrument guitar --rates 22050 --output "$WORK/tests/backed"
splitstrument mix "$WORK/organised/backings" --instrument guitar --absent --rates 22050 --output "$WORK/tests/no-guitar"
splitstrument mix "$WORK/organised/muldjord" --instrument piano --absent --rates 22050 \
    --output "$WORK/tests/no-piano-metal"
