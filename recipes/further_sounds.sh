#!/bin/sh
# Download sounds from npm's registry, as SFZ programs and a bank: the pianos, the guitar and the band of
# recipes/further_sounds.yaml.
#
#     sh recipes/further_sounds.sh FOLDER
#
# Needs npm and 300 MB. When run again, it downloads only what is missing.
set -eu
FOLDER=${1:?the folder for the sounds}
mkdir -p "$FOLDER"

fetched() { # FOLDER PACKAGE@VERSION
    [ -d "$FOLDER/$1" ] && return
    rm -rf "$FOLDER/part"
    mkdir -p "$FOLDER/part" "$FOLDER/$(dirname "$1")"
    (cd "$FOLDER/part" && npm pack --silent "$2" && tar xzf ./*.tgz && rm ./*.tgz)
    mv "$FOLDER/part/package" "$FOLDER/$1"
    rmdir "$FOLDER/part"
}

regions() { # HALVES_BELOW HALVES_ABOVE PATTERN NAMES...: a region for each octave and name, for the existing samples
    below=$1 above=$2 pattern=$3
    shift 3
    for octave in 0 1 2 3 4 5 6 7 8; do
        for note in "$@"; do # name=halves above C
            sample=$(printf "$pattern" "${note%=*}" "$octave")
            key=$((12 * octave + 12 + ${note#*=}))
            [ ! -f "$FOLDER/$sample" ] ||
                echo "<region> sample=$sample lokey=$((key - below)) hikey=$((key + above)) pitch_keycenter=$key"
        done
    done
}

LAYERS=$(seq 16)
for layer in $LAYERS; do
    fetched "salamander/$layer" "@audio-samples/piano-velocity$layer@1.0.5"
done
fetched tonejs-piano tonejs-instrument-piano-wav@1.1.0
fetched tonejs-guitar tonejs-instrument-guitar-acoustic-wav@1.1.0
fetched alphatab @coderline/alphatab@1.8.4

for layer in $LAYERS; do
    echo "<group> ampeg_release=0.4 lovel=$((8 * layer - 8)) hivel=$((8 * layer - 1))"
    regions 1 1 "salamander/$layer/audio/%s%sv$layer.ogg" C=0 D#=3 F#=6 A=9
done >"$FOLDER/salamander.sfz"
for instrument in piano guitar; do
    {
        echo "<group> ampeg_release=0.3"
        regions 0 0 "tonejs-$instrument/%s%s.wav" C=0 Cs=1 D=2 Ds=3 E=4 F=5 Fs=6 G=7 Gs=8 A=9 As=10 B=11
    } >"$FOLDER/tonejs-$instrument.sfz"
done
cp "$FOLDER/alphatab/dist/soundfont/sonivox.sf2" "$FOLDER/"
