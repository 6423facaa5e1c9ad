#!/bin/sh
# Download recordings and instruments with free licences from public repositories. recipes/real_sounds.yaml lists the
# instruments; recipes/real_sounds.py makes tracks from the recordings.
#
#     sh recipes/real_sounds.sh FOLDER
#
# Needs git and 2.5 GB. When run again, it downloads only what is missing.
set -eu
FOLDER=${1:?the folder for the sounds}
mkdir -p "$FOLDER"

fetched() { # OWNER/NAME COMMIT PATH...: download these paths of a repository, or all of it, to the folder NAME
    name=${1#*/}
    [ -d "$FOLDER/$name" ] && return
    rm -rf "$FOLDER/part"
    git clone --quiet --filter=blob:none --no-checkout "https://github.com/$1" "$FOLDER/part"
    commit=$2
    shift 2
    [ $# = 0 ] || git -C "$FOLDER/part" sparse-checkout set --no-cone "$@"
    git -C "$FOLDER/part" checkout --quiet "$commit"
    rm -rf "$FOLDER/part/.git"
    mv "$FOLDER/part" "$FOLDER/$name"
}

# Recordings, clips and stems.
fetched jatinchowdhury18/KlonCentaur f3bb633a593b6fbb22a44c1ef9d1dbedbfe92d5b /GainStageTraining/DataIn/
fetched nicolagulmini/plugins dcb3153e0d0acdf449c4f9819ad87679174958ec /NeuralFXEmulation/wav/
fetched Matej-Sulfrian/2PacAndBiggie 18a14389eb8ea0c57fc432315f057333676bb9c0 /color2sound/electric-guitar-power-chords/
fetched ichbinsoftware/everythingisremixed 6a6fbe3a634871fba7efe298dee048f394aa0f18 \
    /src/1.Hydrogen/ /src/2.Lithium/ /src/5.Rubidium/ /src/6.Caesium/ /src/7.Francium/
fetched librosa/data 450cdd8a002c98e7bdbfebb309fc1ed024001f77 '/audio/*.hq.ogg'
fetched digabi/map-tiles 126765a680e989b25322731d3617a507e5869d35 /tiles/muzak/
# Samples of single notes, for recipes/note_samples.py.
fetched generative-music/samples-alex-bainter c74c8e33e23b5954584326b72e59fe121fd85ccd \
    /samples/acoustic-guitar/ /samples/acoustic-guitar-chords-cmaj/ /samples/guitar-coil-spank/ /samples/guitar-dusty/ \
    /samples/vcsl-tenor-sax-vib/ /samples/vsco2-trumpet-sus-f/ /samples/vsco2-cellos-susvib-mp/ /samples/sso-chorus-male/
fetched autotel/forbidden-music 33294e022820c04e325b87fbe96f450461b7f66a \
    /public/audio/chromatic/ /public/extras-84Z5I4/uni-iowa-piano/
fetched adewale/keyboardia 702ad0c525bd73844858c7ee7eddfb5a646e2c52 /app/public/instruments/
fetched taryn-c/dshop-light-up-piano 228eb203c7c297a12a0355ff95ab7efb26c928ad /Hardware/logic-board/piano/
# SFZ instruments.
fetched nyanshell/nyanshell.strat 915c43561dc15757160acc3c024e1ee935ca81e6
fetched freepats/old-piano-FB 9707673c65d8a52d7b374af807384005564a89f2
fetched sfzinstruments/karoryfer.weresax 595d1fc1044edf6260d44b8215b723a3fbdd1802
fetched sfzinstruments/karoryfer.war-tuba 5b62dd6ef6b00281bb734769e44a63f5e013018a
fetched sfzinstruments/karoryfer.bear-sax 7abb3c652525a15dfac80e1b5dfbba9964ee568f
fetched sfzinstruments/MTG.SoloSax b494d256549b3d088fdec176ce82867f8a1f58b2
python3 "$(dirname "$0")/note_samples.py" "$FOLDER"
