"""The recipes of the shipped models: they name what they use, and one of them is short enough to run."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from datasets_tools.synthesis.material import TABLE
from splitstrument import models
from tests import tiny
from training.config import load

ROOT = Path(__file__).resolve().parent.parent
RECIPES, CONFIGS = ROOT / "recipes", ROOT / "training" / "configs"


# The runs of each shipped model, and what their starting weights were trained on.
RUNS = {
    "guitar": (
        "guitar-spleeter",
        "guitar-recorded",
        "guitar-further",
        "guitar-varied",
        "guitar-wider",
        "guitar-reamped",
    ),
    "like": ("like",),
    "piano": ("piano-spleeter", "piano-recorded", "piano-longer", "piano-varied"),
}
STARTED = {("Spleeter 2stems (Deezer)", "MIT"), ("Deezer's data set Bean", "not published")}


def test_cards_name_all_that_the_songs_are_made_of():
    recipe = (RECIPES / "organised.sh").read_text()
    left_out = set(re.findall(r'"([^"$]+)"', recipe[recipe.rindex("--leave-out") :].split("\n}")[0]))
    table, real = (yaml.safe_load(path.read_text()) for path in (TABLE, RECIPES / "real_sounds.yaml"))
    heard = {entry["name"]: entry["licence"] for each in (table, real) for entry in each["instruments"]}
    heard |= {entry["name"]: entry["licence"] for entry in table["songs"]}
    assert left_out < set(heard)
    for model, runs in RUNS.items():
        collections = [each for run in runs for each in load(CONFIGS / f"{run}.yaml").collections]
        named = {source.name: source for each in collections for source in each.sources}
        for name, licence in heard.items():
            assert (name in named) == (name not in left_out), name
            if name in named:
                assert named[name].licence == licence
        card = models.read_card(models.SHIPPED / model)
        assert {(source.name, source.licence) for source in card.trained_on} == STARTED | {
            (source.name, source.licence) for source in named.values()
        }


def test_further_sounds_play_every_key_at_every_velocity_once(tmp_path):
    # As npm's packages are once fetched: a sample every minor third from A0 to C8, and one for each key from C1 to C8
    # and from D2 to D5.
    files = ["alphatab/dist/soundfont/sonivox.sf2"]
    names = ("C", "Cs", "D", "Ds", "E", "F", "Fs", "G", "Gs", "A", "As", "B")
    files += [f"tonejs-piano/{names[key % 12]}{key // 12 - 1}.wav" for key in range(24, 109)]
    files += [f"tonejs-guitar/{names[key % 12]}{key // 12 - 1}.wav" for key in range(38, 75)]
    thirds = [f"{names[key % 12].replace('s', '#')}{key // 12 - 1}" for key in range(21, 109, 3)]
    files += [f"salamander/{layer}/audio/{name}v{layer}.ogg" for layer in range(1, 17) for name in thirds]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    subprocess.run(["sh", str(RECIPES / "further_sounds.sh"), str(tmp_path)], check=True)
    compass = {"salamander": range(20, 110), "tonejs-piano": range(24, 109), "tonejs-guitar": range(38, 75)}
    for program, keys in compass.items():
        played = []
        for line in (tmp_path / f"{program}.sfz").read_text().splitlines():
            kind, *opcodes = line.split()
            values = dict(opcode.split("=") for opcode in opcodes)
            if kind == "<group>":
                velocities = range(int(values.get("lovel", 0)), int(values.get("hivel", 127)) + 1)
                continue
            assert (tmp_path / values["sample"]).is_file()
            low, high, center = (int(values[name]) for name in ("lokey", "hikey", "pitch_keycenter"))
            octave, note = re.fullmatch(r"(\D+)(\d).*", Path(values["sample"]).name).group(2, 1)
            assert center == 12 * int(octave) + 12 + names.index(note.replace("#", "s"))
            played += [(key, velocity) for key in range(low, high + 1) for velocity in velocities]
        assert sorted(played) == [(key, velocity) for key in keys for velocity in range(128)]


def test_all_that_is_downloaded_from_repositories_is_used():
    recipe = (RECIPES / "real_sounds.sh").read_text()
    fetched = {name for _, name in re.findall(r"^fetched ([\w.-]+)/([\w.-]+) [0-9a-f]{40}\b", recipe, re.MULTILINE)}
    assert len(fetched) == len(re.findall(r"^fetched ", recipe, re.MULTILINE))
    users = ("real_sounds.py", "further_recordings.py", "reamped.py", "note_samples.py", "real_sounds.yaml")
    text = "\n".join((RECIPES / name).read_text() for name in users)
    unused = {name for name in fetched if not re.search(rf"\b{re.escape(name)}\b", text)}
    assert not unused


@pytest.fixture
def further(monkeypatch):
    monkeypatch.syspath_prepend(RECIPES)
    return importlib.import_module("further_recordings")


def test_further_recordings_name_downloads_and_have_sources_with_licences(further):
    recipe = (RECIPES / "real_sounds.sh").read_text()
    patterns = [*further.GUITARS.values(), *further.PLAYED, *(pattern for pattern, *_ in further.CLIPS)]
    for name in {pattern.partition("/")[0] for pattern in patterns}:
        assert re.search(rf"^fetched [\w-]+/{re.escape(name)} ", recipe, re.MULTILINE), name
    for instrument in (*further.MELODIES, "guitar"):
        assert f"/audio/{instrument}/" in recipe
    listed = yaml.safe_load((CONFIGS / "sources/further_recordings.yaml").read_text())
    assert all(set(source) == {"name", "licence", "what"} for source in listed)


def test_long_silences_of_further_recordings_are_shortened(further):
    rate = further.RATE
    tone, silence = np.ones((rate, 2), np.float32) / 2, np.zeros((rate, 2), np.float32)
    whole = np.concatenate([silence, tone, *3 * [silence], tone, *4 * [silence], tone / 400, silence])
    # -52 dB is sound; the last second of silence is short enough to stay.
    expected = np.concatenate([silence[: rate // 5], tone, *2 * [silence], tone, *2 * [silence], tone / 400, silence])
    np.testing.assert_array_equal(further.shortened(whole), expected)
    assert len(further.shortened(silence)) == 0


def test_a_melody_of_single_notes_has_its_length_and_only_notes_of_the_instrument(further):
    rate = further.RATE
    time = np.arange(rate)[:, None] / rate
    notes = {key: [np.sin(2 * np.pi * 440 * 2 ** ((key - 69) / 12) * time).astype(np.float32)] for key in range(57, 82)}
    made = further.melody(notes, 0.25, np.random.default_rng(1))
    assert 15 * rate <= len(made) < 18 * rate
    spectrum = np.abs(np.fft.rfft(made[:, 0])) ** 2
    frequencies = np.fft.rfftfreq(len(made), 1 / rate)
    assert spectrum[(frequencies > 210) & (frequencies < 910)].sum() > 0.97 * spectrum.sum()
    keys = 69 + 12 * np.log2(np.maximum(frequencies, 1) / 440)
    played = {key for key in notes if spectrum[np.abs(keys - key) < 0.2].sum() > 1e-3 * spectrum.sum()}
    assert len(played) > 6  # a melody, not one note
    np.testing.assert_array_equal(made, further.melody(notes, 0.25, np.random.default_rng(1)))


@pytest.fixture
def kinds(further, monkeypatch):
    return importlib.import_module("kinds")


def test_kinds_name_downloads_and_have_sources_with_licences(kinds, further):
    recipe = (RECIPES / "real_sounds.sh").read_text()
    patterns = [
        *(each for of_kind in kinds.PLAYED.values() for each in of_kind),
        *(each for _, each, *_ in kinds.CLIPS),
    ]
    for name in {pattern.partition("/")[0] for pattern in patterns}:
        assert re.search(rf"^fetched [\w-]+/{re.escape(name)} ", recipe, re.MULTILINE), name
    assert set(kinds.ORCHESTRA) < set(further.MELODIES)
    known = {
        source["name"]: source["licence"]
        for path in (CONFIGS / "sources").glob("*.yaml")
        if path.stem != "players"
        for source in yaml.safe_load(path.read_text())
    }
    for source in yaml.safe_load((CONFIGS / "sources/players.yaml").read_text()):
        assert known[source["name"]] == source["licence"]


def test_every_general_midi_program_has_a_kind(kinds):
    named = {0: "piano", 4: "electric_piano", 27: "electric_guitar", 30: "distorted_guitar", 33: "bass", 56: "brass"}
    named |= {
        39: "synth_bass",
        41: "strings",
        47: "drums",
        49: "strings",
        66: "saxophone",
        71: "woodwind",
        128: "drums",
    }
    for program, kind in named.items():
        assert kinds.kind_of(program) == kind
    assert {kinds.kind_of(program) for program in range(129)} == set(kinds.PROGRAMS.values())


def test_parts_of_one_kind_are_one_and_those_not_heard_are_none(kinds, tmp_path):
    tone = np.full((4410, 2), 0.8, np.float32)
    parts = kinds.summed([("piano", tone), ("drums", -tone / 2), ("piano", tone / 2), ("harp", 0 * tone)])
    kinds.write(tmp_path, "song", parts)
    written = {path.name: soundfile.read(path)[0] for path in (tmp_path / "song").iterdir()}
    assert set(written) == {"piano_song.wav", "drums_song.wav"}
    # The piano is 1.2, above full scale, so both are quieter by as much.
    np.testing.assert_allclose(written["piano_song.wav"], 0.95, atol=1e-4)
    np.testing.assert_allclose(written["drums_song.wav"], -0.4 * 0.95 / 1.2, atol=1e-4)
    kinds.write(tmp_path, "solo", {"piano": tone, "harp": 0 * tone})
    assert not (tmp_path / "solo").exists()


@pytest.fixture
def reamped(further, monkeypatch):
    return importlib.import_module("reamped")


def test_direct_guitars_are_downloaded_and_put_over_accompaniments(reamped, tmp_path, monkeypatch):
    recipe = (RECIPES / "real_sounds.sh").read_text()
    for pattern in reamped.DIRECT:
        name, _, path = pattern.partition("/")
        assert re.search(rf"^fetched [\w-]+/{re.escape(name)} \w{{40}} .*{re.escape(path)}", recipe, re.MULTILINE)
    rate, noise = reamped.RATE, np.random.default_rng(0).normal(0, 0.05, (30 * 44100, 2)).astype(np.float32)

    class Accompanist:
        def __init__(self, *folders):
            assert folders == (tmp_path, tmp_path / "bands", tmp_path / "tracks")

        def accompaniment(self, level):
            return noise

    monkeypatch.setattr(reamped, "Maker", Accompanist)
    monkeypatch.setattr(reamped, "DIRECT", ("one/*.wav",))
    (tmp_path / "one").mkdir()
    soundfile.write(tmp_path / "one/riff.wav", 0.3 * np.sin(2 * np.pi * 110 / rate * np.arange(2 * rate)), rate)
    reamped.direct(tmp_path, tmp_path / "bands", tmp_path / "tracks", [np.ones(1)])
    made = sorted((tmp_path / "tracks/further-direct").iterdir())
    assert [path.name for path in made] == [f"direct-00-{take}" for take in range(reamped.TAKES)]
    takes = [soundfile.read(path / f"guitar_{path.name}.wav")[0] for path in made]
    assert all(len(take) == 30 * rate for take in takes)
    assert len({round(float(np.abs(take).mean()), 5) for take in takes}) == reamped.TAKES  # no two are alike


@pytest.mark.parametrize(("program", "drive"), [(24, None), (30, 30.0)])
def test_a_guitar_gets_another_amplifier_and_the_rest_of_the_song_stays(reamped, tmp_path, program, drive):
    rate, random = reamped.RATE, np.random.default_rng(0)
    folder = tmp_path / "songs/one"
    (folder / "stems").mkdir(parents=True)
    guitar, bass = (0.2 * np.sin(2 * np.pi * pitch / rate * np.arange(2 * rate)) for pitch in (220, 55))
    stems = {}
    for name, kind, number, audio in (("S00", "Guitar", program, guitar), ("S01", "Bass", 33, bass)):
        soundfile.write(folder / f"stems/{name}.flac", np.stack([audio, audio], 1), rate)
        stems[name] = {"inst_class": kind, "program_num": number, "amplifier_drive_db": drive}
    (folder / "metadata.yaml").write_text(yaml.safe_dump({"stems": stems}))
    cabinets = [random.normal(0, 1, 64) * np.exp(-np.arange(64) / 8)]
    reamped.song(folder, tmp_path / "pairs", cabinets)
    parts = {part: soundfile.read(tmp_path / f"pairs/one-again/{part}_one-again.wav")[0] for part in ("guitar", "rest")}
    spectra = {part: np.abs(np.fft.rfft(audio.mean(1))) ** 2 for part, audio in parts.items()}
    # All of it is played at one speed: the bass is a sine still, two octaves below the guitar, which has harmonics now.
    peaks = {part: np.argmax(spectrum) * rate / len(parts[part]) for part, spectrum in spectra.items()}
    speed = peaks["rest"] / 55
    assert 0.75 < speed < 1.25 and abs(speed - 1) > 0.04
    around = np.abs(np.fft.rfftfreq(len(parts["guitar"]), 1 / rate) - 220 * speed) < 20
    assert spectra["guitar"][around].sum() < 0.999 * spectra["guitar"].sum()
    np.testing.assert_allclose(np.sqrt((parts["guitar"] ** 2).mean()), np.sqrt((guitar**2).mean()), rtol=0.1)


@pytest.mark.parametrize("bias", [None, 1.5])
def test_a_model_between_two(bias, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(RECIPES))
    first, second = (tiny.model(tmp_path / name, "spleeter", seed=seed) for seed, name in enumerate(("one", "other")))
    arguments = [str(first), str(second), "0.25", str(tmp_path / "made"), *([] if bias is None else [str(bias)])]
    importlib.import_module("between").main(arguments)
    networks = [models.load(folder)[1] for folder in (first, second, tmp_path / "made")]
    for layers in zip(*(network.layers for network in networks), strict=True):
        for one, other, made in zip(*(layer.weights for layer in layers), strict=True):
            added = bias or 0 if made.path.endswith("_mask/bias") else 0
            np.testing.assert_allclose(made, 0.75 * np.array(one) + 0.25 * np.array(other) + added, atol=2e-3)
    assert ("added to the mask's bias" in models.read_card(tmp_path / "made").training) == (bias is not None)


@pytest.mark.slow
def test_a_training_in_miniature(tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    work = tmp_path / "work"
    command = ["sh", str(RECIPES / "miniature.sh"), str(work)]
    done = subprocess.run(command, env=os.environ | {"PATH": path}, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    table = done.stdout[done.stdout.index("instrument, median") : done.stdout.index("rest, median")]
    rows = {cells[0]: cells for line in table.splitlines() if (cells := [c.strip() for c in line.split("|")[1:-1]])}
    improvement = float(rows["miniature"][rows["system"].index("plain SDRi")])
    assert improvement > 4  # of a song that it never heard, after a minute
    for part in ("guitar", "rest"):
        assert (work / "separated" / "miniature" / "mix" / f"{part}.wav").is_file()
