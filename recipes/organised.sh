# Read by songs.sh and tests.sh, which say where WORK is.

# What catalogue finds with these options becomes the folder organised/NAME below WORK.
organised() { # NAME OPTION...
    name=$1
    shift
    splitstrument catalogue "$@" --output "$WORK/$name.yaml"
    splitstrument organize "$WORK/$name.yaml" --output "$WORK/organised/$name"
}

# 16 songs in which all is sampled.
sampled() { # NAME TARGET OPTION... --leave-out WHAT...
    name=$1 target=$2
    shift 2
    splitstrument synthesize "$@" "computed plucked string" "computed piano" "computed worn piano" "computed synthesizer" \
        "computed voice" "computed voice of words by Flite" --target "$target" --songs 16 --output "$WORK/songs/$name"
    organised "$name" --slakh "$WORK/songs/$name" --instruments "$HERE/instruments.yaml"
}
