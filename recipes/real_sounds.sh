#!/bin/sh
# Download recordings and instruments with free licences from public repositories. recipes/real_sounds.yaml lists the
# instruments; recipes/real_sounds.py, further_recordings.py and reamped.py make tracks from the recordings.
#
#     sh recipes/real_sounds.sh FOLDER [REPOSITORY...]
#
# Needs git, and 3 GB unless only some repositories are named. When run again, it downloads only what is missing.
set -eu
FOLDER=${1:?the folder for the sounds}
shift
ONLY=$*
mkdir -p "$FOLDER"

fetched() { # OWNER/NAME COMMIT PATH...: download these paths of a repository, or all of it, to the folder NAME
    name=${1#*/}
    case " ${ONLY:-$name} " in *" $name "*) ;; *) return ;; esac
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
# Further recordings, for recipes/further_recordings.py; also map-tiles.
fetched mdn/webaudio-examples b52c6e33c5479e60ecbde9df27a1bfc7f82e7451 '/multi-track/*.mp3'
fetched mdn/shared-assets af39d463655d82444b9063ae9d8eeef757e082a4 /audio/guitar.wav
fetched IBM/MAX-Audio-Classifier 3c308abcb04e1523e668ebaf76ca55898cd97d28 /samples/jazz_guitar.wav
fetched Tonejs/audio efd8296360f9526e379bfbe5c1698ff54d6a1d34 '/berklee/guitar_[!rs]*.mp3' \
    '/berklee/malevoice*.mp3' '/berklee/femalevoice*.mp3' '/berklee/*down_vocals_*.mp3' '/berklee/vocal_[!s]*.mp3'
fetched skratchdot/philharmonia-samples 717b7de2bcae05e44aa8a3dde143c8d093b8f6c8 \
    /audio/saxophone/ /audio/trombone/ '/audio/french horn/' /audio/clarinet/ /audio/flute/ /audio/oboe/ /audio/cello/ \
    /audio/bassoon/ '/audio/cor anglais/' '/audio/bass clarinet/' '/audio/double bass/' /audio/guitar/
fetched sfzinstruments/sfzinstruments.github.io cde59004c9812bd5797973241bc7858c8f6bded5 \
    emilyguitar.mp3 shinyguitar.mp3 fashionbass.mp3 growlybass.mp3 pastabass.mp3 swagbass.mp3 \
    dsmolken_double_bass.mp3 meatbass.mp3 string_cyborgs.mp3 war_tuba.mp3 bear_sax.mp3 weresax.mp3 \
    gogodze_phu_vol_ii.mp3
fetched salu133445/bach-violin-dataset 36d687439af24112722e9f0832dfe2157280883c \
    '/bach-violin/audio/john-garner/*_mov[678].mp3' '/bach-violin/audio/minji-kim/*_mov[34].opus'
fetched toddwashere/guitar-dsp 37dad85ed19b839d0e8cfc4e3ea534a72bb3f329 /assets/vocalset/
fetched tmhglnd/mercury 151aa8fd5313310160dfac64d1ad5958a12abaa1 \
    /mercury_ide/media/samples/vocal/choir/ /mercury_ide/media/samples/string/bowed/violin/ \
    /mercury_ide/media/samples/string/plucked/violin/ \
    '/mercury_ide/media/samples/woodwinds-flutes/[!b]*/' /mercury_ide/media/samples/drums/tabla/ \
    /mercury_ide/media/samples/idiophone/marimba/ /mercury_ide/media/samples/idiophone/glockenspiel/ \
    /mercury_ide/media/samples/idiophone/kalimba/ /mercury_ide/media/samples/idiophone/xylophone/
# Direct guitars, for recipes/reamped.py.
fetched andremichelle/neural-amp-modeler-wasm 7f151923d72ff14a0481115ceabf7f60c81a2934 '/ui/public/inputs/* - Guitar.wav'
fetched Kutalia/neural-amp-modeler-react 61e9b70778284cc01e34efd371b297f62e556459 /public/Drop_D_Riff.mp3
fetched narad/tone-render 03d5e55b43edf2066f06537820c495021d41822e '/di/real/lorcan/*.wav'
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
fetched sfzinstruments/MTG.SoloSax b494d256549b3d088fdec176ce82867f8a1f58b2
python3 "$(dirname "$0")/note_samples.py" "$FOLDER"
