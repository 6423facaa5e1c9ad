"""What songs are rendered with: scores, chords, styles, players, effects."""

import numpy as np
import pytest

from datasets_tools.synthesis import amplifier, charts, effects, forms, speech, styles, tones
from datasets_tools.synthesis.accompaniment import Accompaniment, bars_of, beats_per_bar
from datasets_tools.synthesis.arrangement import arranged
from datasets_tools.synthesis.chords import STRINGS, Chord, heard, shape
from datasets_tools.synthesis.material import FAMILIES, Instrument, Material
from datasets_tools.synthesis.players import bent, render
from datasets_tools.synthesis.scores import Note, Part, Score, excerpt, read_midi, varied

RATE = 44100


def chord_notes(root, steps, start, end):
    return [Note(start, end, root + step, 90) for step in steps]


@pytest.fixture
def score():
    """Two bars each of C, A minor, F and G7, at 120 beats a minute."""
    chords = ((60, (0, 4, 7)), (57, (0, 3, 7)), (53, (0, 4, 7)), (55, (0, 4, 7, 10)))
    notes = [
        note for bar, (root, steps) in enumerate(chords) for note in chord_notes(root, steps, 4 * bar, 4 * bar + 4)
    ]
    beats = tuple(np.arange(32) / 2)
    return Score((Part(0, tuple(notes)),), 16.0, beats, beats[::4])


def frequency(sound, start, end):
    """Hz of the strongest tone between two times (s)."""
    part = sound[int(start * RATE) : int(end * RATE), 0]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 18))
    return spectrum.argmax() * RATE / (1 << 18)


def test_chords_are_heard(score):
    chords = heard(score)
    assert [chord.root for chord in chords] == [each for each in (0, 9, 5, 7) for _ in range(4)]
    assert chords[4].classes == (9, 0, 4) and chords[-1].classes == (7, 11, 2, 5)
    assert chords[0].start == 0 and chords[-1].end == 16


@pytest.mark.parametrize("fret", [0, 3, 7])
@pytest.mark.parametrize(("root", "classes"), [(0, (0, 4, 7)), (9, (9, 0, 4)), (6, (6, 10, 1, 4))])
def test_a_hand_reaches_its_chords(fret, root, classes):
    pitches = shape(Chord(0, 1, root, classes), fret)
    assert 3 <= len(pitches) <= 6 and pitches[0] % 12 == root
    assert {pitch % 12 for pitch in pitches} <= set(classes)
    for pitch in pitches:
        assert any(fret <= pitch - string <= fret + 4 for string in STRINGS)


@pytest.mark.parametrize("kind", ["drums", "bass", "strum", "power", "arpeggio", "solo", "comp", "pad"])
def test_a_band_is_made_for_the_chords(score, kind):
    made = Accompaniment(heard(score), bars_of(score), np.random.default_rng(4))
    part = getattr(made, kind)()
    assert len(part.notes) >= 4 and part.drums == (kind == "drums")
    assert all(0 <= note.start < note.end <= 18 and 0 < note.velocity < 128 for note in part.notes)
    if kind in ("bass", "comp", "pad", "arpeggio", "strum"):
        for note in part.notes:
            chord = made.chord(note.start - 0.15 if kind == "strum" and note.start % 2 < 0.15 else note.start)
            fifth = {(chord.root + 7) % 12} if kind == "bass" else set()
            assert note.pitch % 12 in set(chord.classes) | fifth


def test_an_excerpt_is_transposed_and_quicker(score):
    part = excerpt(score, 4.0, 8.0)
    assert part.seconds == 8 and len(part.parts[0].notes) == 6 and part.beats[0] == 0
    quick = varied(part, 2.0, 3)
    assert quick.seconds == 4 and quick.parts[0].notes[0] == Note(0, 2, 60, 90)
    assert varied(Score((Part(0, part.parts[0].notes, drums=True),), 8.0), 1, 5).parts[0].notes[0].pitch == 57


def test_a_pitch_wheel_stays_until_it_moves(tmp_path):
    import pretty_midi

    midi, guitar = pretty_midi.PrettyMIDI(), pretty_midi.Instrument(30)
    guitar.notes.append(pretty_midi.Note(90, 60, 0.0, 6.0))
    guitar.notes.append(pretty_midi.Note(90, 62, 6.0, 9.0))
    guitar.pitch_bends += [pretty_midi.PitchBend(pitch, time) for pitch, time in ((0, 0.0), (4096, 5.0), (0, 8.0))]
    midi.instruments.append(guitar)
    midi.write(str(tmp_path / "a.mid"))

    def bend(part, time):
        return np.interp(time, *np.array(part.bends).T)

    score = read_midi(tmp_path / "a.mid")
    whole = score.parts[0]
    assert [round(float(bend(whole, time)), 2) for time in (0, 4.9, 5.1, 7.9, 8.1)] == [0, 0, 1, 1, 0]
    late, early = excerpt(score, 5.5, 4.0).parts[0], excerpt(score, 0.0, 7.0).parts[0]
    assert [round(float(bend(late, time)), 2) for time in (0, 2.4, 2.6)] == [1, 1, 0]
    assert [round(float(bend(early, time)), 2) for time in (0, 4.9, 5.1)] == [0, 0, 1]


def test_of_a_song_for_piano_alone_others_play_what_is_left(tmp_path):
    (tmp_path / "Splendid Grand Piano.sfz").write_text("")
    melody = Part(0, tuple(Note(number / 2, number / 2 + 0.4, 72, 90) for number in range(30)))
    chords = Part(
        0, tuple(note for bar in range(8) for note in chord_notes(48, (0, 4, 7, 12), 2 * bar, 2 * bar + 2) * 4)
    )
    score = Score((melody, chords), 16.0, tuple(np.arange(32) / 2), tuple(np.arange(0, 16, 2.0)))
    material, chosen, sung = Material([tmp_path]), 0, 0
    for seed in range(20):
        voices = arranged(score, "piano", material, np.random.default_rng(seed))
        pianos = [voice for voice in voices if voice.target]
        assert len(pianos) == 1 and pianos[0].instrument.family == "piano" and len(voices) > 1
        chosen += len(pianos[0].part.notes) == len(chords.notes)
        sung += any(len(voice.part.notes) == len(melody.notes) and not voice.target for voice in voices)
    assert chosen > 12 and sung > 5


def test_strings_of_a_chord_come_one_after_the_other():
    part = styles.strummed(Part(25, tuple(chord_notes(48, (0, 4, 7, 12), 1.0, 2.0))), np.random.default_rng(0))
    starts = [note.start for note in part.notes]
    assert starts[0] == 1 and all(0.005 < gap < 0.03 for gap in np.diff(starts))
    assert [note.pitch for note in part.notes] == [48, 52, 55, 60]


def test_melodies_get_bends_and_chords_none():
    melody = Part(30, tuple(Note(number, number + 0.95, 60, 90) for number in range(8)))
    bends = styles.expressive(melody, np.random.default_rng(1)).bends
    times, steps = np.array(bends).T
    assert (np.diff(times) >= 0).all() and steps.min() < -0.9 and 0.05 < steps.max() < 0.5
    chords = Part(30, tuple(chord_notes(60, (0, 4, 7), 0, 1)))
    assert styles.expressive(chords, np.random.default_rng(1)).bends == ()


def test_bends_move_the_pitch_and_not_the_onsets():
    def play(notes, seconds):
        time = np.arange(round(seconds * RATE)) / RATE
        sound = sum((time >= note.start) * (time < note.end) * np.sin(2 * np.pi * 440 * time) for note in notes)
        return np.repeat(sound[:, None], 2, 1)

    part = Part(30, (Note(0.5, 1.5, 69, 90), Note(2.0, 3.0, 69, 90)), bends=((0.0, 2.0), (1.6, 2.0), (1.7, -1.0)))
    sound = bent(play, part, 3.5)
    assert sound.shape == (round(3.5 * RATE), 2)
    assert frequency(sound, 0.6, 1.4) == pytest.approx(440 * 2 ** (2 / 12), rel=1e-3)
    assert frequency(sound, 2.1, 2.9) == pytest.approx(440 * 2 ** (-1 / 12), rel=1e-3)
    heard = np.abs(sound[:, 0]) > 0.01
    assert heard.argmax() / RATE == pytest.approx(0.5, abs=0.002)
    assert heard[int(1.8 * RATE) :].argmax() / RATE == pytest.approx(0.2, abs=0.002)
    assert frequency(bent(play, Part(30, part.notes), 3.5, cents=50), 0.6, 1.4) == pytest.approx(
        440 * 2**0.0417, rel=1e-3
    )


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        *(("string", family) for family in ("electric guitar", "acoustic guitar")),
        *(("tones", family) for family in ("piano", "electric piano", "organ", "strings")),
        *((kind, "voice") for kind in ("voice", "words")),
    ],
)
def test_what_is_computed_plays_in_tune_and_in_time(kind, family):
    if kind == "words" and not speech.installed():
        pytest.skip("needs Flite")
    instrument = Instrument(kind, family, FAMILIES[family][0], "computed", "none needed")
    part = Part(0, (Note(0.5, 1.3, 57, 100), Note(2.0, 2.8, 64, 60)))
    sound = render(instrument, part, 3.5, np.random.default_rng(2))
    assert sound.shape == (round(3.5 * RATE), 2) and np.isfinite(sound).all()
    assert np.abs(sound[: int(0.48 * RATE)]).max() < 1e-3 < 0.05 < np.abs(sound).max()
    for start, pitch in ((0.7, 57), (2.2, 64)):
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        ratio = frequency(sound, start, start + 0.5) / hertz
        assert ratio == pytest.approx(max(round(ratio), 1), rel=0.03)  # the tone or one of its harmonics
    assert np.abs(sound[int(1.7 * RATE) : int(1.95 * RATE)]).max() < 0.05 * np.abs(sound).max()


def test_computed_pianos_die_away_and_are_stretched_strings_are_not():
    def piano(seed):
        sound = tones.play("piano", (Note(0.0, 3.0, 60, 90),), 3.0, np.random.default_rng(seed), RATE)
        levels = [np.abs(sound[int(time * RATE) :][: RATE // 2]).max() for time in (0.3, 2.4)]
        spectrum = np.abs(np.fft.rfft(sound[:, 0] * np.hanning(len(sound)), 1 << 18))
        hertz = np.arange(len(spectrum)) * RATE / (1 << 18)
        found = [np.where(abs(hertz - k * 261.63) < 60, spectrum, 0).argmax() * RATE / (1 << 18) for k in (1, 5)]
        return levels[1] / levels[0], found[1] / found[0], sound

    for seed in range(4):
        left, stretch, sound = piano(seed)
        assert left < 0.6 and 5.002 < stretch < 5.12
        assert not np.array_equal(sound, piano(seed + 10)[2])
    plain = tones.drawn("strings", np.random.default_rng(0))
    assert plain.stiff == 0 and plain.held >= 0.3


def test_worn_pianos_are_out_of_tune_each_in_its_way():
    def cents(seed, pitch):
        instrument = Instrument("tones", "piano", 3, "computed worn piano", "none needed")
        part = Part(3, (Note(0.0, 3.0, pitch, 90),))
        sound = render(instrument, part, 3.0, np.random.default_rng(seed))[:, 0]
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 20))
        hertz = np.arange(len(spectrum)) * RATE / (1 << 20)
        right = 440 * 2 ** ((pitch - 69) / 12)
        found = hertz[np.where(abs(hertz / right - 1) < 0.03, spectrum, 0).argmax()]
        return 1200 * np.log2(found / right)

    apart = np.array([[cents(seed, pitch) for pitch in (60, 64, 67)] for seed in (2, 5, 6)])
    assert np.abs(apart).max() < 40 and (apart.std(1) > 2).all()  # each note in its own way
    assert (apart.std(0) > 1).all()  # and each instrument


def test_syllables_are_found_and_each_note_takes_one():
    time = np.arange(2 * speech.RATE) / speech.RATE
    # Four vowels of 0.3 s with hiss between them.
    vowel = np.sin(2 * np.pi * 150 * time) + np.sin(2 * np.pi * 600 * time)
    open_mouth = (time % 0.5 < 0.3) * np.sin(np.pi * np.minimum(time % 0.5, 0.3) / 0.3)
    hiss = np.diff(np.random.default_rng(0).standard_normal(len(time) + 1)) * (time % 0.5 >= 0.3)
    said = speech.analysed(0.3 * open_mouth * vowel + 0.05 * hiss)
    assert [round(each[1] * 0.005, 1) for each in said.syllables] == pytest.approx([0.1, 0.6, 1.1, 1.6], abs=0.11)
    assert said.voiced[30] > 0.9 and said.voiced[80] < 0.1
    notes = [Note(0.0, 1.0, 60, 90), Note(1.0, 1.2, 62, 90)]
    places = speech.sung(said, notes, 300, 0.005)
    first, second = said.syllables[:2]
    assert (np.diff(places[:199]) >= 0).all() and first[0] <= places[0] and places[199] <= first[2]
    assert np.abs(places[60:140] - first[1]).max() < 12  # the vowel is held
    assert second[0] <= places[201] and places[239] <= second[2]


def test_an_sfz_program_plays_the_notes(tmp_path):
    pytest.importorskip("pysfizz")
    import soundfile

    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4 * RATE) / RATE)
    soundfile.write(tmp_path / "a4.wav", tone, RATE)
    program = tmp_path / "sine.sfz"
    program.write_text("<region> sample=a4.wav pitch_keycenter=69 lokey=57 hikey=81\n")
    # The last from an octave up: the program's keys end above it.
    notes = (Note(0.5, 1.0, 69, 100), Note(1.5, 2.0, 81, 100), Note(2.5, 3.0, 45, 100))
    sound = render(Instrument("sfz", "piano", 0, "x", "x", program), Part(0, notes), 3.5, np.random.default_rng(0))
    assert sound.shape == (round(3.5 * RATE), 2)
    assert np.abs(sound[: int(0.45 * RATE)]).max() < 1e-4
    for start, hertz in ((0.6, 440), (1.6, 880), (2.6, 220)):
        assert frequency(sound, start, start + 0.3) == pytest.approx(hertz, rel=0.01)


def test_a_bank_plays_the_notes():
    pytest.importorskip("tinysoundfont", reason="needs tinysoundfont")
    from pathlib import Path

    path = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
    if not path.exists():
        pytest.skip("needs Debian's timgm6mb-soundfont")
    part = Part(0, (Note(0.5, 1.5, 69, 100),))
    for family in ("piano", "organ"):
        instrument = Instrument("bank", family, FAMILIES[family][0], "x", "x", path)
        sound = render(instrument, part, 2.5, np.random.default_rng(0))
        assert sound.shape == (round(2.5 * RATE), 2) and np.abs(sound[: int(0.49 * RATE)]).max() < 1e-3
        ratio = frequency(sound, 0.7, 1.3) / 440
        assert ratio == pytest.approx(2 ** round(np.log2(ratio)), rel=0.01)
    # A part that sounds to its end leaves nothing in the next one.
    held, random = Part(0, (Note(0.0, 2.5, 60, 127),)), np.random.default_rng(0)
    render(instrument, held, 2.5, random)
    np.testing.assert_array_equal(render(instrument, part, 2.5, random), sound)
    drums = Instrument("bank", "drums", 0, "x", "x", path)
    kick = render(drums, Part(0, (Note(0.5, 0.6, 36, 110),), drums=True), 1.5, np.random.default_rng(0))
    assert frequency(kick, 0.5, 0.8) < 150 and np.abs(kick).max() > 0.01


@pytest.mark.slow
def test_charts_are_played_by_mma():
    if not charts.installed():
        pytest.skip("needs MMA")
    score = charts.play("Tempo 120\nGroove PopBallad\n1 C\n2 Am\n3 F\n4 G7\n", 0)
    assert score.seconds == pytest.approx(8, abs=1.5) and any(part.drums for part in score.parts)
    roots = [chord.root for chord in heard(score)][:8]
    assert roots[0] == 0 and roots[2] == 9 and roots[4] == 5 and roots[6] == 7
    for seed in range(3):
        groove, chart = charts.drawn(np.random.default_rng(seed), 8)
        played = charts.play(chart, seed)
        assert played.seconds > 8 and f"Groove {groove}\n" in chart
        assert charts.play(chart, seed) == played
    with pytest.raises(ValueError, match="MMA rejects the chart"):
        charts.play("Groove NoSuchGroove\n1 C\n", 0)


def test_material_is_found_by_name_and_left_out_by_name(tmp_path):
    for name in ("Splendid Grand Piano.sfz", "other.sfz"):
        (tmp_path / name).write_text("")
    computed = ["computed piano", "computed worn piano", "computed synthesizer"]
    material = Material([tmp_path], left_out=computed)
    piano = material.pick("piano", np.random.default_rng(0))
    assert (piano.licence, piano.path) == ("public domain", tmp_path / "Splendid Grand Piano.sfz")
    assert material.pick("organ", np.random.default_rng(0)) is None
    assert material.pick("voice", np.random.default_rng(0)).kind in ("voice", "words")
    picked = {
        Material([]).pick(family, np.random.default_rng(seed)).name
        for family in ("piano", "organ")
        for seed in range(9)
    }
    assert picked == set(computed)
    one = Material([tmp_path], left_out=["computed plucked string:acoustic guitar"])
    assert "acoustic guitar" not in one.families and "electric guitar" in one.families
    with pytest.raises(ValueError, match="electric guitar"):
        Material([tmp_path], left_out=["computed plucked string:electric gitar"])
    voices = ["computed voice", "computed voice of words by Flite"]
    without = Material([tmp_path], left_out=["Splendid Grand Piano", *computed, *voices])
    assert "piano" not in without.families and "voice" not in without.families and without.kinds() == {"string"}


def test_loudness_is_that_of_the_parts_that_sound():
    audio = np.zeros((4 * RATE, 2), np.float32)
    sounding = int(1.2 * RATE)  # three blocks of 0.4 s
    audio[:sounding] = 0.5 * np.sin(np.arange(sounding) * 0.1)[:, None]
    normalised = effects.level_normalised(audio, -20, RATE)
    assert 20 * np.log10(normalised[:sounding].std()) == pytest.approx(-20, abs=0.1)


@pytest.mark.parametrize("gain", [-6, 4])
def test_equaliser_sections_have_their_gain(gain):
    from scipy.signal import sosfreqz

    def decibels(section, frequency):
        return 20 * np.log10(np.abs(sosfreqz(section[None], [frequency], fs=RATE)[1][0]))

    peak = effects.peaking(1000, gain, 1.0, RATE)
    assert decibels(peak, 1000) == pytest.approx(gain, abs=0.01)
    assert decibels(peak, 20) == pytest.approx(0, abs=0.05)
    shelf = effects.shelf(3000, gain, RATE)
    assert decibels(shelf, 20000) == pytest.approx(gain, abs=0.1)
    assert decibels(shelf, 30) == pytest.approx(0, abs=0.1)


def power(sound, low, high):
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    bins = np.fft.rfftfreq(len(sound), 1 / RATE)
    return spectrum[(bins > low) & (bins < high)].sum()


def test_the_amplifier_makes_chords_intermodulate_and_the_cabinet_is_dark():
    time = np.arange(2 * RATE) / RATE
    chord = (0.2 * np.sin(2 * np.pi * 220 * time) + 0.2 * np.sin(2 * np.pi * 330 * time))[:, None].astype(np.float32)
    heavy, clean = (
        amplifier.amplified(chord.repeat(2, 1), drive, np.random.default_rng(3), RATE)[RATE // 2 : -RATE // 2, 0]
        for drive in (35, -20)
    )
    assert power(heavy, 545, 555) > 1e-3 * power(heavy, 215, 225)  # 220 + 330 Hz, which is in neither tone
    assert power(clean, 545, 555) < 1e-3 * power(clean, 215, 225)
    assert power(heavy, 9000, 22050) < 1e-2 * power(heavy, 0, 22050)
    assert not amplifier.amplified(np.zeros((100, 2), np.float32), 20, np.random.default_rng(0), RATE).any()


def test_dull_sounds_are_brightened_and_bright_ones_left_alone():
    noise = np.random.default_rng(0).standard_normal((RATE, 2)).astype(np.float32)
    assert effects.brightened(noise, np.random.default_rng(0), RATE) is noise
    spectrum = np.fft.rfft(noise, axis=0)
    spectrum[600:] *= 0.001
    dull = np.fft.irfft(spectrum, axis=0).astype(np.float32)
    bright = effects.brightened(dull, np.random.default_rng(0), RATE)
    assert 6 < 10 * np.log10(power(bright[:, 0], 5000, 20000) / power(dull[:, 0], 5000, 20000)) < 12.5


def test_a_compressor_lowers_what_is_above_its_threshold():
    level = np.concatenate([np.full(1000, -30.0), np.full(1000, 0.0)])
    gain = effects.gain_above(level, -10, 2.0, 0.01, 0.1)
    assert gain[999] == pytest.approx(0, abs=0.01) and gain[-1] == pytest.approx(-5, abs=0.05)
    factors = effects.spread(gain, 2000 * round(effects.HOP * RATE), RATE)
    assert factors[0] == pytest.approx(1) and factors[-1] == pytest.approx(10 ** (-5 / 20), rel=0.01)


def test_the_limiter_keeps_the_ceiling_without_steps():
    random = np.random.default_rng(1)
    audio = random.standard_normal((2 * RATE, 2)) * np.repeat([[0.05], [0.8], [0.1], [0.4]], RATE // 2, 0)
    factors = effects.limiter(audio, 0.97, RATE)
    assert np.abs(audio * factors[:, None]).max() <= 0.97 + 1e-6
    assert factors.max() == 1 and np.abs(np.diff(factors)).max() < 0.01


@pytest.mark.parametrize(
    "effect", [effects.chorused, effects.echoing, effects.trembling, effects.roomy, effects.compressed]
)
def test_effects_keep_length_and_stay_finite(effect):
    audio = np.random.default_rng(0).standard_normal((RATE, 2)).astype(np.float32) * 0.1
    changed = effect(audio, np.random.default_rng(5), RATE)
    assert changed.shape == audio.shape and changed.dtype == np.float32 and np.isfinite(changed).all()
    assert 0.3 < changed.std() / audio.std() < 3 and np.abs(changed - audio).max() > 1e-3
    assert not effect(np.zeros((5000, 2), np.float32), np.random.default_rng(5), RATE).any()


def test_a_song_with_a_form_has_its_beats_bars_and_sections():
    """In 3/4 and 4/4, with and without a pick-up; what comes again has the same chords."""
    if not charts.installed():
        pytest.skip("MMA is not installed")
    seen = set()
    for seed in range(8):
        chart = forms.drawn(np.random.default_rng(seed), 60)
        assert chart == forms.drawn(np.random.default_rng(seed), 60)
        score = forms.performed(chart, seed)
        beats, bars = np.array(score.beats), np.array(score.bars)
        metre = beats_per_bar(score)
        first = np.searchsorted(beats, bars - 0.01)
        assert first[0] == chart.pickup and set(np.diff(first)) == {metre}
        starts = [start for start, _ in score.sections]
        assert starts[0] == 0 and all(np.abs(bars - start).min() < 1e-6 for start in starts[1:])
        assert [label for _, label in score.sections] == [label for _, label in chart.sections]
        seen |= {metre, chart.pickup > 0}
        chords = {int(line.split()[0]): line.split()[1] for line in chart.text.splitlines() if line[0].isdigit()}
        edges = [bar for bar, _ in chart.sections] + [max(chords) + 1]
        played = {}
        for (bar, label), after in zip(chart.sections, edges[1:], strict=True):
            own = [chords[number] for number in range(bar, after)]
            before = played.setdefault(label, own)
            shared = min(len(own), len(before))
            assert own[:shared] == before[:shared]
    assert seen == {3, 4, False, True}


def test_players_keep_to_bars_of_three_and_to_the_form():
    score = Score((), 24.0, tuple(np.arange(48) / 2), tuple(np.arange(0, 24, 1.5)), ((0.0, "a"), (12.0, "a")))
    drums = Accompaniment([], bars_of(score), np.random.default_rng(1), score.sections, 12).drums()
    starts = np.array([note.start for note in drums.notes])
    assert np.allclose(starts * 8, np.round(starts * 8))  # twelve steps in a bar of 1.5 s
    kept = [note for note in drums.notes if note.pitch != 49]  # a crash begins a section
    early = {(round(note.start, 3), note.pitch) for note in kept if note.start < 9}
    late = {(round(note.start - 12, 3), note.pitch) for note in kept if 12 <= note.start < 21}
    assert early and early == late
