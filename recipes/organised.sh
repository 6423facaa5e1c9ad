# Functions for songs.sh, tests.sh and real_songs.sh, which set WORK.

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
