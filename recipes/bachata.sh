#!/bin/sh
# Train the conditioned U-Net on clips of four beats of bachata songs, to take out bongo, guira, bass or guitar by an
# example, as the poster does, and score it on clips and on whole songs whose sounds it has not heard.
#
#     sh recipes/bachata.sh SFZ WORK
#
# SFZ is the folder of SFZ instruments of songs.sh, with FreePats' World percussion. Needs Debian's fluid-soundfont-gm,
# timgm6mb-soundfont, and the extras datasets, synthesize, structure, train and evaluation. Takes half an hour on two
# cores. It continues where it stopped.
set -eu
SFZ=${1:?the folder of SFZ instruments} WORK=$(realpath "${2:?the folder for all that is made}")
HERE=$(cd "$(dirname "$0")" && pwd)

rendered() { # OUTPUT OPTION...
    output=$1
    shift
    splitstrument bachata --sounds "$SFZ" /usr/share/sounds/sf2/FluidR3_GM.sf2 /usr/share/sounds/sf2/TimGM6mb.sf2 \
        --material "$HERE/bachata.yaml" --output "$WORK/$output" "$@"
}
unheard() { # OUTPUT OPTION...: only with sounds that are not in training
    rendered "$@" --songs 12 --leave-out "Fluid (R3) General MIDI SoundFont" "FreePats FSBS electric guitar, clean" \
        "Karoryfer Shinyguitar" "Discord SFZ GM Bank, steel guitar" "FreePats electric bass YR" "Karoryfer Growlybass" \
        "computed plucked string" "computed synthesizer" "computed bongo" "computed guira"
}

# At this tempo a bar at 16 kHz is as long as 128 hops of 256 samples.
rendered data/bachata --tempo 117.1875 --rate 16000 --songs 80 --leave-out TimGM6mb "FreePats world percussion" \
    "FreePats Spanish classical guitar" "Karoryfer Emilyguitar" "Karoryfer Swagbass"
unheard tests/clips --tempo 117.1875 --rate 16000 --seed 1000
unheard tests/songs --pickup 3 --bars 20 --seed 2000

splitstrument train "$HERE/../training/configs/poster/bachata.yaml" --pairs "$WORK/data" --output "$WORK/runs"
cd "$HERE/.."
for set in clips songs; do
    python -m tests.benchmarks.by_example "$WORK/runs/bachata" "$WORK/tests/$set"
done
