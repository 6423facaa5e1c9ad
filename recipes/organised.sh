# Functions for the recipes of songs, which set HERE, WORK, SFZ and MIDI.

# Organise the tracks that catalogue finds with these options, in the folder organised/NAME below WORK.
organised() { # NAME OPTION...
    name=$1
    shift
    splitstrument catalogue "$@" --output "$WORK/$name.yaml"
    splitstrument organize "$WORK/$name.yaml" --output "$WORK/organised/$name"
}

# Render and organise 16 songs with sampled instruments only.
sampled() { # NAME TARGET OPTION... --leave-out WHAT...
    name=$1 target=$2
    shift 2
    splitstrument synthesize "$@" "computed plucked string" "computed piano" "computed worn piano" \
        "computed synthesizer" "computed voice" "computed voice of words by Flite" --target "$target" --songs 16 \
        --output "$WORK/songs/$name"
    organised "$name" --slakh "$WORK/songs/$name" --instruments "$HERE/instruments.yaml"
}

# Run a command with all instruments of real_sounds.sh and all scores, except those of tests.sh.
sounding() { # COMMAND...
    "$@" --sounds "$SFZ" /usr/share/sounds/sf2/FluidR3_GM.sf2 /usr/share/sounds/sf3/MuseScore_General_Full.sf3 \
        "$WORK/real" --material "$HERE/real_sounds.yaml" --midi "$MIDI/freedoom" "$MIDI"/pop909/[0-5]*.mid \
        --leave-out "FreePats upright piano KW" "Greg Sullivan's e-pianos" "FreePats FSBS electric guitar, distorted 1"
}

# Render 115 songs with all these instruments, in which a piano always plays: songs/varied.
varied() {
    sounding splitstrument synthesize --target piano --songs 115 --charts 0.25 --seed 35 --seconds 30 \
        --output "$WORK/songs/varied"
}

# Render 260 songs with all these instruments, in which a guitar always plays: songs/more-guitar.
more_guitars() {
    sounding splitstrument synthesize --target guitar --songs 260 --charts 0.25 --seed 61 --seconds 30 \
        --output "$WORK/songs/more-guitar"
}
