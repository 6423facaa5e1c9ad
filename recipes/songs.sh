#!/bin/sh
# Make the training pairs for the compact guitar and piano models: rendered songs, and three songs recorded by a band.
#
#     sh recipes/songs.sh SFZ MIDI WORK
#
# SFZ: a folder with the SFZ instruments listed in datasets_tools/synthesis/material.yaml; MIDI: a folder with the
# subfolders `freedoom` and `pop909` (docs/models.md says where to get them). Debian's packages fluid-soundfont-gm,
# mma, flite, musescore-general-soundfont and fretsonfire-songs-sectoid have the rest, except for what
# further_sounds.sh downloads from npm. All files are written below WORK. When run again, the script continues where it
# stopped.
set -eu
SFZ=${1:?the folder of SFZ instruments} MIDI=${2:?the folder of MIDI songs} WORK=${3:?the folder for all that is made}
HERE=$(dirname "$0")
SOUNDS="$SFZ /usr/share/sounds/sf2/FluidR3_GM.sf2 /usr/share/sounds/sf3/MuseScore_General_Full.sf3"

. "$HERE/organised.sh"

# The songs leave out the instruments of recipes/tests.sh.
rendered() { # NAME TARGET SHARE_OF_CHARTS FIRST SONGS, then further material to leave out
    name=$1 target=$2 share=$3 first=$4 songs=$5
    shift 5
    splitstrument synthesize --sounds $SOUNDS --material "$HERE/further_sounds.yaml" --midi "$MIDI/freedoom" \
        "$MIDI"/pop909/[0-5]*.mid --charts "$share" --target "$target" --first "$first" --songs "$songs" --seconds 30 \
        --output "$WORK/songs/$name" --leave-out "FreePats upright piano KW" "Greg Sullivan's e-pianos" \
        "FreePats FSBS electric guitar, distorted 1" "$@"
    organised "$name" --slakh "$WORK/songs/$name" --instruments "$HERE/instruments.yaml"
}

pairs() { # INSTRUMENT SONGS OPTION...
    instrument=$1 songs=$2
    shift 2
    splitstrument mix "$WORK/organised/$songs" --instrument "$instrument" --absent --rates 22050 \
        --output "$WORK/pairs/$instrument/$songs" "$@"
}

rhythm() { # NAME TRACKS: only the drums and basses of the organised tracks with paths that start with TRACKS
    for track in "$WORK/organised"/$2*; do
        mkdir -p "$WORK/organised/$1/${track##*/}"
        find "$track" -maxdepth 1 \( -name bass -o -name drums \) -exec cp -aln {} "$WORK/organised/$1/${track##*/}/" \;
    done
}

organised sectoid --rockband /usr/share/games/fretsonfire/data/songs/sectoid
rendered guitar-songs guitar 0.25 0 180 "computed piano" "computed worn piano" "computed synthesizer"
rendered more-guitar-songs guitar 0.25 180 120 "computed worn piano"
rendered piano-songs piano 0.2 0 400 "computed piano" "computed worn piano" "computed synthesizer"
rendered more-piano-songs piano 0.2 400 320 "computed worn piano"
rendered further-piano-songs piano 0.2 720 800 "computed worn piano"
# Sparse music without piano, in which each drum stroke can be heard.
rhythm rhythm further-piano-songs/piano0_007
sh "$HERE/further_sounds.sh" "$WORK/sounds"
SOUNDS="$SOUNDS $WORK/sounds/salamander.sfz"
rendered wider-piano-songs piano 0.2 1520 480 "MuseScore General:piano"
SOUNDS="$SOUNDS $WORK/sounds/tonejs-piano.sfz"
rendered upright-piano-songs piano 0.2 2000 600 "Fluid (R3) General MIDI SoundFont:piano" "MuseScore General:piano"
rhythm further-rhythm upright-piano-songs/piano0_020[0-7]
for songs in sectoid guitar-songs more-guitar-songs piano-songs more-piano-songs; do
    pairs guitar "$songs" --with distorted_guitar
done
for songs in sectoid piano-songs more-piano-songs further-piano-songs rhythm wider-piano-songs upright-piano-songs \
    further-rhythm; do
    pairs piano "$songs"
done
# Songs for validation, with sounds that are not in any training set, except that piano-upright trains on the piano of
# new-sounds.
validation() { # NAME INSTRUMENT SEED SOUND..., then --leave-out with material to leave out
    name=$1 instrument=$2 seed=$3
    shift 3
    sampled "$name" "$instrument" --material "$HERE/further_sounds.yaml" --midi "$MIDI"/pop909/[0-5]*.mid --seconds 40 \
        --seed "$seed" --sounds "$WORK/sounds/sonivox.sf2" "$@"
}
validation new-sounds piano 79 "$WORK/sounds/tonejs-piano.sfz" --leave-out Sonivox:piano
validation sonivox piano 80 --leave-out
validation new-guitars guitar 81 "$WORK/sounds/tonejs-guitar.sfz" "$SFZ/guitar/fsbs-dist1" --leave-out
pairs piano new-sounds
pairs piano sonivox
pairs guitar new-guitars --with distorted_guitar
