# Read by songs.sh and tests.sh: what catalogue finds with these options becomes the folder organised/NAME below WORK.
organised() { # NAME OPTION...
    name=$1
    shift
    splitstrument catalogue "$@" --output "$WORK/$name.yaml"
    splitstrument organize "$WORK/$name.yaml" --output "$WORK/organised/$name"
}
