"""Files of other programs, joined, damaged or mislabelled ones: no sound is lost, and what is odd is said.

What a file holds is compared with what FFmpeg's libraries decode of it by themselves.
"""

import struct

import av
import numpy as np
import pytest
import soundfile

from splitstrument.files import ffmpeg
from splitstrument.files.audio import AudioError, find_songs, open_audio, read
from splitstrument.files.audio_info import speaker_mask
from splitstrument.files.writing import AudioWriter
from splitstrument.separator import Separator
from splitstrument.song_files import Output, separate_file
from tests.audio_files import cut, song, write_av, write_sound

RATE = 44100


def heard(path, **part):
    """What is read, and the warning without the path."""
    with open_audio(path, **part) as reader:
        sound = np.concatenate(list(reader.blocks(1000)))
    return sound, reader.warning and reader.warning.removeprefix(f"{path}: ")


def decoded(path, **options):
    """What FFmpeg's libraries decode; float (frames, channels)."""
    with av.open(str(path), options=options) as file:
        resampler = av.AudioResampler(format="flt")
        frames = [new for frame in file.decode(audio=0) for new in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray().reshape(frame.samples, -1) for frame in frames])


def nearest(part, sound, around):
    """How alike `part` is to `sound` at the best place within 0.1 s of `around`: a correlation."""
    near, size = sound[max(0, around - 4410) : around + len(part) + 4410], 1 << 17
    products = np.fft.irfft(np.fft.rfft(near, size) * np.conj(np.fft.rfft(part, size)))[: len(near) - len(part) + 1]
    energy = np.cumsum(np.r_[0, near**2])
    best = (products / np.sqrt(energy[len(part) :] - energy[: -len(part)])).argmax()
    return np.corrcoef(part, near[best : best + len(part)])[0, 1]


# name, codec, container
FORMATS = {
    "ac3": ("a.ac3", "ac3", None),
    "eac3": ("a.eac3", "eac3", None),
    "wavpack": ("a.wv", "wavpack", None),
    "tta": ("a.tta", "tta", "tta"),
    "avi, mp3": ("a.avi", "mp3", None),
    "avi, pcm": ("a.avi", "pcm_s16le", None),
    "ts, aac": ("a.ts", "aac", "mpegts"),
    "ts, mp2": ("a.ts", "mp2", "mpegts"),
    "mpg": ("a.mpg", "mp2", "mpeg"),
    "flv": ("a.flv", "aac", "flv"),
    "mp2": ("a.mp2", "mp2", None),
    "flac in mkv": ("a.mka", "flac", "matroska"),
    "mp3 in wav": ("a.wav", "libmp3lame", "wav"),
    "ogg by ffmpeg": ("a.ogg", "flac", "ogg"),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_formats_of_other_programs(tmp_path, kind):
    name, codec, container = FORMATS[kind]
    sound = song(1)
    path = write_av(tmp_path / name, [sound], RATE, codec, container)
    got, warning = heard(path)
    assert warning is None
    assert np.abs(got - decoded(path)).max() < 1e-6
    assert nearest(sound[8820:30000, 0], got[:, 0], 8820) > 0.97
    assert find_songs([tmp_path]) == [path]


CODINGS = [
    ("a.wav", "WAV", "GSM610"),
    ("a.aiff", "AIFF", "GSM610"),
    ("a.au", "AU", "G721_32"),
    ("a.au", "AU", "G723_24"),
    ("a.wav", "WAV", "IMA_ADPCM"),
    ("a.wav", "WAV", "MS_ADPCM"),
    ("a.au", "AU", "ULAW"),
    ("a.caf", "CAF", "ALAC_16"),
    ("a.w64", "W64", "PCM_24"),
]


@pytest.mark.parametrize("name, container, coding", CODINGS)
def test_codings_that_cannot_be_sought_in(tmp_path, name, container, coding):
    sound = song(1, 8000, 1)
    path = write_sound(tmp_path / name, sound, 8000, format=container, subtype=coding)
    got, warning = heard(path)
    assert warning is None
    assert np.corrcoef(got[: len(sound), 0], sound[:, 0])[0, 1] > 0.9
    assert np.array_equal(heard(path, start=0.5, duration=0.25)[0], got[4000:6000])


def ogg(folder, name, sound, rate=RATE):
    return write_sound(folder / name, sound, rate, format="OGG")


def opus(folder, name, sound, rate=48000):
    return write_sound(folder / name, sound, 48000, format="OGG", subtype="OPUS")


def mp3(folder, name, sound, rate=RATE):
    return write_sound(folder / name, sound, rate, format="MP3")


def flac(folder, name, sound, rate=RATE):
    return write_sound(folder / name, sound, rate, format="FLAC", subtype="PCM_16")


WRITERS = {"mp3": mp3, "ogg": ogg, "opus": opus, "flac": flac}


def tag(size):
    """An ID3 tag with a picture of so many bytes."""
    picture = np.random.default_rng(0).bytes(size)
    return b"ID3\x04\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + picture


TAGS = {"ID3": tag(200_000), "ID3v1": b"TAG" + bytes(125)}


@pytest.mark.parametrize(
    "kind, between", [*((kind, b"") for kind in WRITERS), *(pytest.param("mp3", TAGS[name], id=name) for name in TAGS)]
)
def test_joined_files_are_read_to_the_end(tmp_path, kind, between):
    rate = 48000 if kind == "opus" else RATE
    sounds = [song(1, rate), song(1.5, rate, seed=1)]
    one, two = (WRITERS[kind](tmp_path, f"{number}", sound) for number, sound in enumerate(sounds))
    both = tmp_path / "both"
    both.write_bytes(one.read_bytes() + between + two.read_bytes())
    got, warning = heard(both)
    assert warning is None
    assert 0 <= len(got) - 2.5 * rate < 0.1 * rate  # an MP3's own padding stays at the joint
    assert np.array_equal(got[: rate - 1152], read(one)[0][:-1152])
    assert nearest(sounds[1][rate // 2 : rate, 0], got[:, 0], rate + rate // 2) > 0.97
    assert np.array_equal(heard(both, start=1.7)[0], got[round(1.7 * rate) :])


@pytest.mark.parametrize("kind", ["ogg", "mp3"])
@pytest.mark.parametrize("rate, channels", [(22050, 2), (44100, 1)])
def test_joined_files_of_other_rates_or_channels_end_there(tmp_path, kind, rate, channels):
    one, two = WRITERS[kind](tmp_path, "1", song(1)), WRITERS[kind](tmp_path, "2", song(1, rate, channels), rate)
    both = tmp_path / "both"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    got, warning = heard(both)
    assert np.array_equal(got[: RATE - 1152], read(one)[0][:-1152])
    assert len(got) < 1.1 * RATE
    assert warning.startswith("its sample rate or channels change at 1.0 s: only read up to there")


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.m4a"])
def test_another_file_that_no_decoder_reaches_is_told(tmp_path, name):
    path = write_av(tmp_path / name, [song(1)]) if name == "a.m4a" else write_sound(tmp_path / name, song(1))
    assert heard(path)[1] is None
    whole = read(path)[0]
    path.write_bytes(2 * path.read_bytes())
    got, warning = heard(path)
    assert np.array_equal(got, whole)
    assert warning == "another file is appended to it and was not read"


@pytest.mark.parametrize("how", ["overwritten", "added"])
@pytest.mark.parametrize("kind", WRITERS)
def test_sound_goes_on_behind_damage(tmp_path, kind, how):
    rate = 48000 if kind == "opus" else RATE
    path = WRITERS[kind](tmp_path, "a", song(4, rate))
    whole, data = read(path)[0], path.read_bytes()
    at, size = len(data) // 2, 300 if kind == "flac" else 5000
    junk = np.random.default_rng(1).bytes(size)
    path.write_bytes(data[:at] + junk + data[at + (size if how == "overwritten" else 0) :])
    got, warning = heard(path)
    assert warning.startswith("damaged at ") and "of silence" in warning
    seconds = float(warning.split()[2])
    assert 1 <= seconds < 2.5
    assert np.abs(got[: int(0.95 * seconds * rate)] - whole[: int(0.95 * seconds * rate)]).max() < 1e-5
    if kind == "mp3":  # it has no times: what is lost is known by its bytes
        assert abs(len(got) - len(whole)) < 0.35 * rate
        assert np.abs(got[-rate // 2 :, 0]).max() > 0.1
    else:
        assert len(got) == len(whole)
        assert np.corrcoef(got[-rate:, 0], whole[-rate:, 0])[0, 1] > 0.999
    count = round(0.5 * rate)
    assert heard(path, duration=0.5) == (pytest.approx(whole[:count], abs=1e-5), None)  # that part is whole


def ape(front=True):
    """An APE tag, with its beginning or, as older programs write it, without."""
    item = struct.pack("<II", 9000, 0) + b"Cover\0" + np.random.default_rng(0).bytes(9000)
    ends = [struct.pack("<8sIIIIQ", b"APETAGEX", 2000, len(item) + 32, 1, flags << 29, 0) for flags in (5, 4)]
    return front * ends[0] + item + ends[1]


ENDS = {
    "ID3v1": b"TAG" + b"x" * 125,
    "ID3v2": tag(5000),
    "APE": ape(),
    "APE and ID3v1": ape() + b"TAG" + b"x" * 125,
    "APE without its beginning": ape(front=False),
    "words": b"LYRICSBEGININD0000210LYR00300" + b"la " * 100 + b"000329LYRICS200" + b"TAG" + b"x" * 125,
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", ["table.mp3", "bare.mp3", "a.flac", "a.wv"])
def test_tags_at_the_end_are_no_damage(tmp_path, name, end):
    codec = {"mp3": "libmp3lame", "flac": "flac", "wv": "wavpack"}[name.split(".")[1]]
    path = write_av(tmp_path / name, [song(1)], codec=codec, options={"write_xing": "0"} if name == "bare.mp3" else {})
    whole, _ = read(path)
    path.write_bytes(path.read_bytes() + ENDS[end])
    got, warning = heard(path)
    assert warning is None
    assert abs(len(got) - len(whole)) <= 1152  # FFmpeg does not cut off an MP3's padding where much follows
    assert np.array_equal(got[: RATE - 1152], whole[: RATE - 1152])


# name, codec, container, seconds by which the length may be another
CONTAINERS = {
    "m4a": ("a.m4a", "aac", None, 0),
    "alac": ("a.m4a", "alac", None, 0),
    "ts": ("a.ts", "aac", "mpegts", 0),
    "flv": ("a.flv", "aac", "flv", 0.01),
    "wavpack": ("a.wv", "wavpack", None, 0),
    "ac3": ("a.ac3", "ac3", None, 0.01),
    "aac": ("a.aac", "aac", "adts", 0.1),
    "mp3 in wav": ("a.wav", "libmp3lame", "wav", 0.1),
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_sound_goes_on_behind_damage_in_containers(tmp_path, kind):
    name, codec, container, tolerance = CONTAINERS[kind]
    path = write_av(tmp_path / name, [song(4)], RATE, codec, container)
    whole, data = read(path)[0], bytearray(path.read_bytes())
    at = len(data) // 2
    data[at : at + 2000] = np.random.default_rng(2).bytes(2000)
    path.write_bytes(data)
    got, warning = heard(path)
    assert warning.startswith("damaged at 2.0")
    assert abs(len(got) - len(whole)) <= tolerance * RATE
    assert nearest(whole[-RATE:, 0], np.pad(got[:, 0], (0, 4410)), len(whole) - RATE) > 0.97


@pytest.mark.parametrize("kind", WRITERS)
def test_damage_at_the_very_end(tmp_path, kind):
    path = WRITERS[kind](tmp_path, "a", song(4, 48000), 48000)
    data = bytearray(path.read_bytes())
    data[-4000:-200] = bytes(3800)
    path.write_bytes(data)
    got, warning = heard(path)
    assert warning.split("; ")[-1].startswith((f"the file is cut: {len(got) / 48000:.1f} ", "damaged at 3."))


def test_many_damaged_places(tmp_path):
    path = flac(tmp_path, "a.flac", song(4))
    data = bytearray(path.read_bytes())
    for place in range(1, 7):
        at = len(data) * place // 7
        data[at : at + 50] = bytes(50)
    path.write_bytes(data)
    got, warning = heard(path)
    assert len(got) == 4 * RATE
    assert "and 3 more places: replaced by 0.56 s of silence" in warning


LAYOUTS = ["2.1", "3.0", "4.0", "quad", "5.0", "5.1", "5.1(side)", "6.1", "7.1"]


def tones(names):
    """A tone for each speaker; the low-frequency one gets 60 Hz, as an encoder takes away more."""
    frequencies = [60 if name == "LFE" else 200 + 100 * number for number, name in enumerate(names)]
    time = np.arange(RATE)[:, None] / RATE
    return (0.4 * np.sin(2 * np.pi * np.array(frequencies) * time)).astype(np.float32), frequencies


def loudest(sound):
    return [int(abs(np.fft.rfft(sound[:RATE, channel])).argmax()) for channel in range(sound.shape[1])]


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_speaker_keeps_its_sound(tmp_path, name, suffix):
    names = [channel.name for channel in av.AudioLayout(name).channels]
    mask, (sound, frequencies) = speaker_mask(names), tones(names)
    with AudioWriter(tmp_path / f"a.{suffix}", RATE, len(names), "16", mask=mask) as writer:
        writer.write(sound)
    path = tmp_path / f"a.{suffix}"
    with open_audio(path) as reader:
        assert loudest(np.concatenate(list(reader.blocks(RATE)))) == frequencies
    assert loudest(decoded(path)) == frequencies  # other programs hear the same
    if suffix == "wav":
        with av.open(str(path)) as file:
            assert next(file.decode(audio=0)).layout.name == name
        assert reader.info.mask == mask


def test_opus_of_six_channels(tmp_path):
    """libsndfile writes in Vorbis's order, whatever the order of the array: left, centre, right, back, low."""
    sound, frequencies = tones(["FL", "FC", "FR", "BL", "BR", "LFE"])
    path = tmp_path / "a.opus"
    soundfile.write(path, np.repeat(sound, 2, axis=0)[: 2 * RATE], 48000, format="OGG", subtype="OPUS")
    got, _ = read(path)
    assert got.shape[1] == 6
    spectrum = abs(np.fft.rfft(got, axis=0)).argmax(axis=0) / len(got) * 48000 * 2 * RATE / 48000
    assert np.allclose(spectrum, np.array(frequencies)[[0, 2, 1, 5, 3, 4]], atol=3)


@pytest.mark.parametrize("container, coding", [("CAF", "PCM_16"), ("CAF", "ALAC_16"), ("AIFF", "PCM_16")])
def test_six_channels_of_apple(tmp_path, container, coding):
    sound = song(0.5, channels=6)
    got, warning = heard(write_sound(tmp_path / "a", sound, format=container, subtype=coding))
    assert (got.shape, warning) == (sound.shape, None)
    assert np.abs(got - sound).max() <= 2**-15


def test_stems_are_for_the_speakers_of_the_song(tmp_path):
    song_file = tmp_path / "song.flac"
    with AudioWriter(song_file, RATE, 4, "16") as writer:
        writer.write(song(0.5, channels=4))
    separate_file(Separator("guitar"), song_file, tmp_path, Output())
    for part in ("guitar", "rest"):
        with av.open(str(tmp_path / f"{part}.wav")) as file:
            assert next(file.decode(audio=0)).layout.name == "quad"


def test_a_wav_without_a_mask_stays_so(tmp_path):
    path = write_sound(tmp_path / "a.wav", song(0.1, channels=4), format="WAV")
    with open_audio(path) as reader:
        assert reader.info.mask == 0
    with AudioWriter(tmp_path / "b.wav", RATE, 4, mask=0) as writer:
        writer.write(song(0.1, channels=4))
    assert soundfile.info(tmp_path / "b.wav").format == "WAV"


def with_size(path, size, target):
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"data") + 4, size)
    target.write_bytes(data)
    return target


def test_a_wav_that_holds_more_than_it_says(tmp_path):
    sound = song(1)
    path = write_sound(tmp_path / "a.wav", sound, subtype="PCM_16")
    got, warning = heard(with_size(path, RATE, tmp_path / "b.wav"))  # bytes: a quarter
    assert np.abs(got - sound).max() <= 2**-15
    assert warning == "its header says 0.2 s, but all 1.0 s were read"
    # What follows as chunks, as a tag or as a few bytes is no sound.
    chunks = b"LIST\x08\0\0\0INFOabcd" + b"bext" + struct.pack("<I", 6000) + bytes(6000)
    for end in (chunks, b"TAG" + bytes(125), tag(9000), b"\0\0\0"):
        path.write_bytes((tmp_path / "a.wav").read_bytes())
        longer = tmp_path / "longer.wav"
        longer.write_bytes(path.read_bytes() + end)
        got, warning = heard(longer)
        assert (len(got), warning) == (RATE, None)


@pytest.mark.parametrize("kind", ["mp3 in wav", "avi, mp3", "avi, pcm", "flv", "wavpack", "tta", "flac in mkv"])
def test_cut_containers(tmp_path, kind):
    name, codec, container = FORMATS[kind]
    path = write_av(tmp_path / name, [song(2)], RATE, codec, container)
    got, warning = heard(cut(path, 0.8))
    assert RATE / 2 < len(got) < 1.9 * RATE
    assert warning.startswith(f"the file is cut: {len(got) / RATE:.1f} ")


def test_a_coding_that_nobody_knows(tmp_path):
    path = write_sound(tmp_path / "a.wav", song(0.1), subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[20:22] = b"\x99\x99"
    path.write_bytes(data)
    with pytest.raises(AudioError, match="a.wav: its audio codec is unknown"):
        read(path)


def test_a_place_that_no_file_has_is_no_traceback(tmp_path):
    """PyAV prints what a file of ours raises."""
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    with path.open("rb") as file:
        shown = ffmpeg._File(file)
        assert [shown.seek(-1), shown.seek(2**64), shown.seek(1), shown.read(9)] == [-1, -1, 1, b"bc"]


def test_decoders_print_nothing(tmp_path, capfd):
    path = mp3(tmp_path, "a.mp3", song(1))
    data = bytearray(path.read_bytes())
    data[4000:9000] = np.random.default_rng(0).bytes(5000)
    for name, content in (("a.mp3", data), ("b.mp3", data[:9000]), ("c.mp3", b"\xff\xfb" + data[4000:9000])):
        (tmp_path / name).write_bytes(content)
        try:
            heard(tmp_path / name)
        except AudioError:
            assert name == "c.mp3"
    assert capfd.readouterr() == ("", "")
