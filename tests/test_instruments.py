"""Names of instruments and of stems -> groups, the user's own names, and what the import costs."""

import subprocess
import sys

import pretty_midi
import pytest
import yaml

from datasets_tools.instruments import TABLE, Guess, Instruments
from datasets_tools.tracks import GROUPS

MEDLEYDB = {
    "guitar": "acoustic guitar, slide guitar, clean electric guitar, lap steel guitar",
    "distorted_guitar": "distorted electric guitar",
    "bass": "double bass, electric bass",
    "drums": "high hat, cymbal, toms, snare drum, kick drum, bass drum, drum set, drum machine",
    "percussion": "triangle, sleigh bells, cowbell, cabasa, gong, guiro, castanet, claps, rattle, shaker, maracas, "
    "snaps, timpani, bongo, conga, tambourine, darbuka, doumbek, tabla, auxiliary percussion",
    "piano": "piano, tack piano, electric piano",
    "vocals": "male singer, female singer, male speaker, female speaker, male rapper, female rapper, beatboxing, "
    "vocalists, choir, male screamer, female screamer",
    "other": "erhu, violin, viola, cello, violin section, viola section, cello section, string section, dilruba, "
    "banjo, guzheng, harp, harpsichord, liuqin, mandolin, oud, ukulele, zhongruan, sitar, dulcimer, yangqin, dizi, "
    "flute, flute section, piccolo, bamboo flute, panpipes, recorder, alto saxophone, baritone saxophone, bass "
    "clarinet, clarinet, clarinet section, tenor saxophone, soprano saxophone, oboe, english horn, bassoon, "
    "bagpipe, trumpet, cornet, trombone, french horn, euphonium, tuba, brass section, french horn section, "
    "trombone section, horn section, trumpet section, harmonica, concertina, accordion, bandoneon, harmonium, "
    "pipe organ, melodica, crowd, gu, chimes, xylophone, vibraphone, marimba, glockenspiel, whistle, electronic "
    "organ, synthesizer, theremin, fx/processed sound, scratches, sampler",
    "excluded": "Main System, Unlabeled",
}
MOISESDB = {
    "grand piano": "piano",
    "electric piano (rhodes, wurlitzer, piano sound alike)": "piano",
    "lap steel guitar or slide guitar": "guitar",
    "lead male singer": "vocals",
    "other (vocoder, beatboxing etc)": "vocals",
    "contrabass/double bass (bass of instrings)": "bass",
    "bass synthesizer (moog etc)": "bass",
    "tuba (bass of brass)": "other",
    "full acoustic drumkit": "drums",
    "a-tonal percussion (claps, shakers, congas, cowbell etc)": "percussion",
    "organ, electric organ": "other",
    "banjo, mandolin, ukulele, harp etc": "other",
    "click track": "excluded",
    "other_plucked": "other",
}
STEMS = {
    "guitar": "Gtr Gtrs gtrz AcGtr AcousticGtr ElecGtr LGtr RGtr GTR_Lead ElecGtr2DTMic1 ElecGtr03b MIDIElecGtr "
    "ElecGtr2Room RhythmGtr AcousticGtrUneditedTake02 guitar_coop 12_12StringGtr.wav ElecGtrSFX Electric2",
    "distorted_guitar": "DistGtr distorted_guitar GtrDist",
    "bass": "Bass BassDI bass-guitar BassSynth1 SynthBass SubBass Basses UprightBass",
    "drums": "Kick KickIn BD OH OH.L.mp3 Overheads Hat HH HiHatClosed 808_HiHat Tom2 Snare SN SnareUp DrumsRoom "
    "BassDrum Drumkit1_SnareDown 03_Snare2.wav KickSnare DrumsAndPercussion RackTom Crashes",
    "percussion": "Tamb Shaker1DT SteelDrums Congas Claps02_SFX TimpaniRolls MiscPercussion",
    "piano": "Piano ElecPiano2 Rhodes Wurli keys.ogg Room-Piano-U47 PianoSpot PianoPad PianoUpright ToyPiano",
    "vocals": "LeadVox LeadVoxVs1DT2 LV LVs BVs BackingVox07DT_Singer1 Vox Vocoder LeadVox2AdLibs SopranoOD",
    "other": "rhythm backing Hammond B3 Synth12_SFX Pad SFX Banjo SaxAlto1 BassClarinet BassTrombones Strings_Staccato "
    "Violins1 Spot_Viola Strings_SectionMic_VlnI Sample",
    "mix": "song.ogg MainPair MainPair_AB Mixdown Master mixture Instrumental",
    "excluded": "Room RoomMono2 RoomMic Click Metronome Ref HallPair",
}


@pytest.fixture(scope="module")
def instruments():
    return Instruments()


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_a_name_of_its_own(instruments, group):
    assert instruments.guess(group) == Guess(group, f"'{group}' is {group}", True)


@pytest.mark.parametrize("group", MEDLEYDB)
def test_the_instruments_of_medleydb(instruments, group):
    for name in MEDLEYDB[group].split(", "):
        assert instruments.guess(name) == Guess(group, f"'{name}' is {group}", True)


@pytest.mark.parametrize("name", MOISESDB)
def test_the_track_types_of_moisesdb(instruments, name):
    assert instruments.guess(name) == Guess(MOISESDB[name], f"'{name}' is {MOISESDB[name]}", True)


def test_every_program_of_general_midi(instruments):
    groups = {}
    for program in range(128):
        name = pretty_midi.program_to_instrument_name(program)
        guess = instruments.guess(name)
        assert guess == Guess(guess.group, f"'{name}' is {guess.group}", True)
        groups.setdefault(guess.group, []).append(program)
    assert groups["piano"] == [0, 1, 2, 3, 4, 5]
    assert groups["guitar"] == [24, 25, 26, 27, 28, 31, 120]  # 120 is the noise of a guitar's frets
    assert groups["distorted_guitar"] == [29, 30]
    assert groups["bass"] == [*range(32, 40), 43]
    assert groups["vocals"] == [52, 53]
    assert groups["percussion"] == [47, *range(113, 119)]
    assert set(groups) == {"piano", "guitar", "distorted_guitar", "bass", "vocals", "percussion", "other"}


@pytest.mark.parametrize("group", STEMS)
def test_names_of_stems_are_sure(instruments, group):
    guesses = {label: instruments.guess(label) for label in STEMS[group].split()}
    assert {label: (guess.group, guess.sure) for label, guess in guesses.items()} == dict.fromkeys(
        guesses, (group, True)
    )


def test_spelling_does_not_matter(instruments):
    content = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    content.pop("nothing")
    for group, names in content.items():
        for name in names:
            snake = name.replace(" ", "_")
            camel = "".join(word[:1].upper() + word[1:] for word in name.split())
            for label in (name.upper(), snake, camel, f"07_{snake}.wav", f"{name} 2"):
                assert instruments.guess(label).group == group, label


def test_the_table_has_each_name_once_and_only_groups():
    content = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    assert set(content) == {*GROUPS, "nothing"}
    plain = [
        "".join(filter(str.isalnum, n)).lower() for group, names in content.items() if group in GROUPS for n in names
    ]
    assert sorted(plain) == sorted(set(plain))


@pytest.mark.parametrize(
    ("label", "group", "reason"),
    [
        ("killersguitarsolo.flac", "guitar", "'guitarsolo' in 'killersguitarsolo.flac'"),
        ("killersgtrsolo", "guitar", "'gtr' in 'killersgtrsolo'"),
        ("killersbackingvocals", "vocals", "'backingvocals' in 'killersbackingvocals'"),
        ("killerskicksnarehitoms", "drums", "'snare' and 'kick' and 'toms' in 'killerskicksnarehitoms'"),
        ("Rx bass.wav", "bass", "'bass' in 'Rx bass.wav'"),
        ("Mixed Feelings (Bass)", "bass", "'bass' in 'Mixed Feelings (Bass)'"),
        ("Who I Am MIX_02.L", "mix", "'mix' in 'Who I Am MIX_02.L'"),
        ("StringsMix", "mix", "'mix' in 'StringsMix'"),
        ("GuitarRef", "excluded", "'ref' in 'GuitarRef'"),
        ("PianoAndStrings", "excluded", "names both piano and other"),
        ("GuitarMarimba", "excluded", "names both guitar and other"),
        ("Bass + Drums", "excluded", "names both bass and drums"),
        ("Bass & Drums", "excluded", "names both bass and drums"),  # no bass drum
        ("Gtr_Bass_Vox", "excluded", "names guitar, bass and vocals"),
        ("synthesizer + clean electric guitar", "excluded", "names both guitar and other"),
        ("drum set + thingamajig", "drums", "all of 'drum set + thingamajig'"),
    ],
)
def test_suggestions_say_why_and_are_not_sure(instruments, label, group, reason):
    assert instruments.guess(label) == Guess(group, reason, False)


def test_instruments_of_one_group_together_are_that_group(instruments):
    assert instruments.guess("male singer + vocalists") == Guess("vocals", "all of 'male singer + vocalists'", True)
    assert instruments.guess("distorted electric guitar + acoustic guitar").group == "guitar"
    assert instruments.guess("drum set + auxiliary percussion").group == "drums"


@pytest.mark.parametrize("label", ["", "---", "07.wav", "DI", "Sprinkles 2", "foo + bar", "Гитара"])
def test_what_is_not_known_has_no_group(instruments, label):
    assert instruments.guess(label) == Guess(None, f"no known word in '{label}'", False)


@pytest.mark.parametrize(
    ("label", "beside"),
    [
        ("27_ElecGtr2DI.wav", "26_ElecGtr2.wav"),
        ("ElecGtr01DI", "ElecGtr01Mic2"),
        ("ElecGtr3DI", "ElecGtr3Amp"),
        ("ElecGtr1DTDI", "ElecGtr1DT"),
        ("ElecGtr2MicDI", "ElecGtr2Mic1"),
        ("Dist Gtr DI L", "Dist Gtr Amp L"),
        ("GtrDI1", "GtrMic1"),
        ("AcousticGtrDI", "AcousticGtrMic"),
    ],
)
def test_a_direct_signal_beside_its_amplifier_is_excluded(instruments, label, beside):
    guess = instruments.guess(label, [label, "Kick", beside])
    assert guess == Guess("excluded", "the track also has the same part through an amplifier or a microphone", True)
    assert instruments.guess(label).group in ("guitar", "distorted_guitar")  # alone


@pytest.mark.parametrize(
    ("label", "beside", "group"),
    [
        ("ElecGtr2DI", "ElecGtr1", "guitar"),  # another part
        ("ElecGtr1DI", "ElecGtr1DT", "guitar"),  # played again
        ("ElecGtr1DI", "ElecGtr1DTDI", "guitar"),
        ("BassDI", "BassAmp", "bass"),
        ("MIDIElecGtr1", "ElecGtr1", "guitar"),
    ],
)
def test_other_direct_signals_are_their_instrument(instruments, label, beside, group):
    guess = instruments.guess(label, [label, beside])
    assert (guess.group, guess.sure) == (group, True)


def test_names_of_the_user_win(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(
        "Rhodes: other\nkazoo: percussion\n'5': guitar\nTim amp: guitar\nElecGtr1DI: guitar\n'?!': vocals\n"
    )
    second.write_text("kazoo: vocals\n")
    own = Instruments([first, second])
    assert own.guess("76_Rhodes1FX.wav").group == "other"
    assert own.guess("KazooMic2") == Guess("vocals", "'kazoo' in 'KazooMic2'", True)
    assert own.guess("5") == Guess("guitar", "'5' is guitar", True)
    assert own.guess("Synth5").group == "other"
    assert own.guess("BassAmp").group == "bass"
    assert own.guess("?!").group == "vocals"
    assert own.guess("ElecGtr1DI", ["ElecGtr1"]).group == "guitar"
    assert Instruments().guess("Rhodes").group == "piano"  # the others' table is as it was


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kazoo: gitar\n", "kazoo: no group is called 'gitar'; did you mean guitar?"),
        ("kazoo:\n", "kazoo: no group is called 'None'"),
        ("- kazoo\n", "must have lines of the form name: group"),
        ("", "must have lines of the form name: group"),
        ("on: guitar\non: bass\n", "cannot be read as YAML (line 2: 'on' was already given in line 1)"),
        ("kazoo: [\n", "cannot be read as YAML"),
    ],
)
def test_a_bad_file_of_the_user_is_named(tmp_path, text, problem):
    file = tmp_path / "names.yaml"
    file.write_text(text)
    with pytest.raises(ValueError) as error:
        Instruments([file])
    assert str(error.value).startswith(f"{file}: {problem}")
    assert "\n" not in str(error.value)


def test_a_missing_file_of_the_user_is_named(tmp_path):
    with pytest.raises(ValueError, match="names.yaml: cannot be opened: no such file"):
        Instruments([tmp_path / "names.yaml"])


def test_a_label_is_read_once(instruments):
    assert instruments.guess("AcousticGtr7Mic2") is instruments.guess("AcousticGtr7Mic2", ["Kick"])


def test_the_import_reads_no_table():
    code = (
        "import sys, datasets_tools.instruments as i; print('yaml' in sys.modules, i._packaged.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "0"]
