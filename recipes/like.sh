#!/bin/sh
# Train the model `like`, which takes out what sounds like an example, and score it on sounds that it has not heard.
#
#     sh recipes/like.sh SFZ MIDI WORK
#
# WORK holds what real_songs.sh and tests.sh made; SFZ and MIDI are the folders of songs.sh. Needs the extras
# synthesize, train and evaluation. It continues where it stopped.
set -eu
SFZ=${1:?the folder of SFZ instruments} MIDI=${2:?the folder of MIDI songs} WORK=$(realpath "${3:?the folder of tracks}")
HERE=$(cd "$(dirname "$0")" && pwd)

. "$HERE/organised.sh"

[ -d "$WORK/songs/varied" ] || varied
[ -d "$WORK/songs/more-guitar" ] || more_guitars
sampled guitars guitar --sounds "$SFZ/piano/upright-kw" "$SFZ/epiano/gregsullivan" "$SFZ/guitar/fsbs-dist1" \
    /usr/share/sounds/sf2/TimGM6mb.sf2 --material "$HERE/unheard.yaml" --midi "$MIDI"/pop909/6*.mid --seconds 40 \
    --seed 79 --leave-out
cd "$HERE"
for set in varied real-guitar more-guitar; do
    python3 kinds.py songs "$WORK/songs/$set" "$WORK/kinds/$set"
done
python3 kinds.py players "$WORK/real" "$WORK/tracks" "$WORK/kinds"
for set in unheard backings guitars; do
    python3 kinds.py songs "$WORK/songs/$set" "$WORK/tests/kinds/unheard"
done
python3 kinds.py recorded "$WORK/real" "$WORK/organised/muldjord" "$WORK/tests/kinds/recorded"

splitstrument train "$HERE/../training/configs/like.yaml" --pairs "$WORK/kinds" --output "$WORK/runs"
cd "$HERE/.."
for set in unheard recorded; do
    python -m tests.benchmarks.by_example "$WORK/runs/like" "$WORK/tests/kinds/$set"
done
