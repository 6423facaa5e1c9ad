#!/bin/sh
# Train networks of the documents to take songs apart into vocals, drums, bass and other, and score them on an album's
# last song and on songs of unheard instruments, beside classical separators: one table and one picture.
#
#     sh recipes/four_parts.sh SFZ MIDI WORK
#
# The arguments and requirements are the same as for songs.sh; recipes/real_sounds.sh downloads the rest, and
# recipes/tests.sh with the same arguments has made the songs of unheard instruments. Making the songs takes an hour on
# two cores, each training 10 to 40 minutes on one. It continues where it stopped.
set -eu
SFZ=${1:?the folder of SFZ instruments} MIDI=${2:?the folder of MIDI songs} WORK=${3:?the folder for all that is made}
HERE=$(cd "$(dirname "$0")" && pwd)
CONFIGS=$HERE/../training/configs

. "$HERE/organised.sh"

mixed() { # TRACKS OUTPUT
    splitstrument mix "$1" --parts vocals drums/percussion bass --rates 22050 --output "$2"
}

sh "$HERE/real_sounds.sh" "$WORK/real"
splitstrument catalogue --folders "$WORK/real/everythingisremixed/src" --instruments "$HERE/album.yaml" \
    --unknown other --output "$WORK/album.yaml"
mixed "$WORK/album.yaml" "$WORK/album"
splitstrument validation "$WORK/album" --tracks 7.Francium --output "$WORK/album-sets"
mkdir -p "$WORK/four-parts" "$WORK/four-parts-tests"
ln -sfn ../album-sets/training "$WORK/four-parts/album"
ln -sfn ../album-sets/validation "$WORK/four-parts-tests/album"

varied
mixed "$WORK/songs/varied" "$WORK/four-parts/rendered"
mixed "$WORK/organised/unheard" "$WORK/four-parts-tests/unheard"

splitstrument train "$CONFIGS"/proposal/*.yaml "$CONFIGS"/four-parts/*.yaml --pairs "$WORK/four-parts" \
    --output "$WORK/runs"
cd "$WORK"
splitstrument evaluate runs/shallow runs/middle runs/deep runs/wave-unet runs/conv-tasnet \
    runs/open-unmix-small runs/enhanced-unet-small nmf frequency spectrogram --pairs four-parts-tests \
    --remove-panning --excerpts 1 --output evaluations/four-parts
splitstrument report evaluations/four-parts --no-audio --title 'Four parts' --output four-parts.md
