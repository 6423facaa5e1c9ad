"""Runtimes: every network computes the same under each of them; which one is taken; what is wrong is told."""

import json
import subprocess
import sys

import numpy as np
import pytest

from splitstrument import Separator, models, runtimes
from splitstrument.commands import install_line
from splitstrument.exporting import SAME, Export, export, main
from splitstrument.models import ModelError
from tests import tiny
from tests.test_models import thesis_folder

NAMES = sorted(tiny.OPTIONS)


@pytest.fixture(autouse=True)
def own_networks(monkeypatch):
    tiny.with_own_networks(monkeypatch)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """{network: the folder of a small model that has its graph}, for two sources."""
    root = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        tiny.with_own_networks(patch)
        made = {name: tiny.model(root / name, name, sources=("guitar", "piano")) for name in NAMES}
        for folder in made.values():
            assert export(folder).difference <= SAME
    return made


@pytest.fixture
def model(folders):
    """The folder of one that may be spoiled."""
    folder = folders["tfc_tdf"]
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    yield folder
    for path in folder.iterdir():
        path.unlink()
    for path, content in kept.items():
        path.write_bytes(content)


def inputs(folder, count, seed=0):
    from splitstrument import networks

    card = models.read_card(folder)
    random = np.random.default_rng(seed)
    shapes = networks.form(card.network, card.options).shapes()
    return {name: random.random((count, *shape), np.float32) for name, shape in shapes.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_network_computes_the_same_in_every_runtime(name, folders):
    both = [runtimes.load(folders[name], runtime, "float32") for runtime in ("onnx", "keras")]
    assert [runtime.name for runtime in both] == ["onnx", "keras"]
    for count in (1, 3):  # batches of any size
        x = inputs(folders[name], count, count)
        onnx, keras = (runtime.predict(x) for runtime in both)
        assert onnx.dtype == np.float32
        assert onnx.shape == keras.shape
        np.testing.assert_allclose(onnx, keras, atol=1e-5)
        assert keras.std() > 1e-3


@pytest.mark.slow
def test_a_song_comes_out_the_same(folders):
    song = np.random.default_rng(0).uniform(-0.5, 0.5, (70000, 2)).astype(np.float32)
    parts = [Separator(folders["tfc_tdf"], "float32", runtime=name).separate(song, 44100) for name in ("onnx", "keras")]
    for name, part in parts[0].items():
        np.testing.assert_allclose(part, parts[1][name], atol=1e-5)
        assert part.std() > 0.01


@pytest.mark.slow
def test_auto_takes_the_graph_unless_a_gpu_or_bfloat16_is_asked_for(folders, tmp_path, monkeypatch):
    folder = folders["tfc_tdf"]
    assert runtimes.load(folder).name == "onnx"
    assert runtimes.load(folder, precision="float32").name == "onnx"
    assert runtimes.load(folder, precision="bfloat16").name == "keras"
    assert runtimes.load(tiny.model(tmp_path / "plain")).name == "keras"
    with pytest.raises(ValueError, match="no GPU found"):
        runtimes.load(folder, device="gpu")
    installed = runtimes._is_installed
    monkeypatch.setattr(runtimes, "_is_installed", lambda name: name != "onnxruntime" and installed(name))
    assert runtimes.load(folder).name == "keras"


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [{"device": "gpu"}, {"precision": "bfloat16"}])
def test_what_onnx_runtime_does_not_do_is_refused(wanted, folders):
    with pytest.raises(ValueError, match="runtime onnx: does not run"):
        runtimes.load(folders["tfc_tdf"], "onnx", **wanted)


def test_a_model_without_a_graph_says_how_to_make_one(tmp_path, monkeypatch):
    folder = tiny.model(tmp_path / "small")
    with pytest.raises(ModelError, match=r"has no model.onnx; make one with: splitstrument export .*small"):
        runtimes.load(folder, "onnx")
    monkeypatch.setattr(runtimes, "_is_installed", lambda name: name != "keras")
    with pytest.raises(ModelError, match=r"needs TensorFlow: .* install .*\[train\]"):
        runtimes.load(folder)


def broken(folder):
    """(what is done to a model that has a graph, what is said)."""
    import onnx

    graph, card = folder / models.GRAPH, folder / models.CARD

    def newer():
        model = onnx.load(graph, load_external_data=False)
        model.opset_import[0].version = 999
        onnx.save(model, graph)

    def of_another_card():
        assert "growth: 4" in card.read_text()
        card.write_text(card.read_text().replace("growth: 4", "growth: 5"))

    def of_another_network():
        graph.write_bytes((folder.parent / "hourglass" / models.GRAPH).read_bytes())

    def trained_on():  # weights of the same places
        content = bytearray((folder / models.WEIGHTS).read_bytes())
        content[-1000] ^= 1
        (folder / models.WEIGHTS).write_bytes(content)

    yield lambda: graph.write_bytes(b"no graph at all"), "ONNX Runtime cannot load it"
    yield lambda: graph.write_bytes(graph.read_bytes()[:3000]), "ONNX Runtime cannot load it"
    yield lambda: graph.write_bytes(b""), "cannot load it|inputs or outputs differ"
    yield newer, "ONNX Runtime cannot load it"
    yield of_another_network, "cannot load it|inputs or outputs differ"
    yield of_another_card, "was made from other weights or another network"
    yield trained_on, "was made from other weights or another network"
    yield lambda: (folder / models.WEIGHTS).write_bytes(b"short"), "ONNX Runtime cannot load it"
    yield lambda: (folder / models.WEIGHTS).unlink(), "cannot load it"


@pytest.mark.slow
@pytest.mark.parametrize("number", range(9))
def test_a_graph_that_is_broken_or_of_something_else_is_one_line(number, model):
    damage, says = list(broken(model))[number]
    damage()
    with pytest.raises(ModelError, match=f"(?s){says}") as raised:
        runtimes.load(model)
    assert "\n" not in str(raised.value)
    assert f"splitstrument export {model}" in str(raised.value)


def outside(graph):
    """{the file that a graph's weights lie in: how many}."""
    import onnx

    files = [
        entry.value
        for tensor in onnx.load(graph, load_external_data=False).graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    ]
    return {name: files.count(name) for name in files}


@pytest.mark.slow
def test_a_graph_leaves_weights_where_they_are(folders, tmp_path):
    assert outside(folders["spleeter"] / models.GRAPH)[models.WEIGHTS] > 5
    network = tiny.network("hourglass", filters=12)
    folder = thesis_folder(tmp_path / "guitar", network)
    configuration = folder / "configuration.jsonc"
    configuration.write_text(configuration.read_text().replace('"filters": 6', '"filters": 12'))
    assert export(folder).difference <= SAME
    assert outside(folder / models.GRAPH)["weights/weights.h5"] > 5
    assert runtimes.load(folder).name == "onnx"


@pytest.mark.slow
def test_what_a_card_calls_the_sources_is_nothing_to_the_graph(model):
    card = model / models.CARD
    card.write_text(card.read_text().replace("- piano", "- organ"))
    assert models.read_card(model).sources == ("guitar", "organ")
    assert runtimes.load(model).name == "onnx"


def test_weights_that_are_saved_again_have_no_graph_any_more(tmp_path):
    folder = tiny.model(tmp_path / "small")
    (folder / models.GRAPH).write_bytes(b"of the weights before")
    tiny.model(folder, seed=1)
    assert not models.graph(folder)


@pytest.mark.slow
def test_a_file_of_its_own_has_its_weights_in_float16(folders, tmp_path, capsys):
    import onnxruntime

    folder, path = folders["tfc_tdf"], tmp_path / "alone.onnx"
    assert main([str(folder), "--output", str(path)]) == 0
    assert f"{path}: " in (printed := capsys.readouterr().out)
    assert "weights in float16" in printed
    session, x = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]), inputs(folder, 2)
    near, exact = session.run(None, x)[0], runtimes.load(folder, "keras", "float32").predict(x)
    assert 0 < np.abs(near - exact).max() < 1e-3


@pytest.mark.slow
def test_a_model_becomes_a_file_of_litert(folders, tmp_path):
    written = export(folders["tfc_tdf"], "litert", tmp_path / "small.tflite")
    assert isinstance(written, Export)
    assert written.path.read_bytes()[4:8] == b"TFL3"
    assert written.weights == "float16"
    assert 0 < written.difference < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--format", "litert"], "needs --output FILE.tflite"),
        (["--output", "model.tflite"], "must end in .onnx"),
        (["--output", "no/such/folder/model.onnx"], "no such file or directory"),
    ],
)
def test_what_cannot_be_exported_is_one_line(arguments, says, folders, capfd):
    assert main([str(folders["tfc_tdf"]), *arguments]) == 2
    error = capfd.readouterr().err.splitlines()[-1]
    assert error.startswith("splitstrument: ")
    assert says in error


@pytest.mark.slow
def test_what_litert_cannot_run_is_told_and_leaves_nothing(folders, tmp_path):
    with pytest.raises(ModelError, match="cannot be converted to litert"):
        export(folders["tiny_recurrent"], "litert", tmp_path / "x.tflite")
    assert not list(tmp_path.iterdir())


def test_shipped_models_have_graphs_of_their_weights():
    for name, folder in models.shipped().items():
        assert runtimes.load(name, "onnx").name == "onnx"
        assert (folder / models.GRAPH).stat().st_size < 200_000  # the weights are not there twice


BLOCKED = """
import sys
sys.modules.update(dict.fromkeys(("tensorflow", "keras", "h5py", "scipy", "tf2onnx", "onnx", "librosa", "matplotlib")))
from splitstrument.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def without_tensorflow(*arguments):
    """A command in a process that has what the base installation has: (exit code, output, errors)."""
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_songs_are_separated_without_tensorflow(tmp_path):
    import soundfile

    song = np.random.default_rng(0).uniform(-0.5, 0.5, (44100, 2))
    soundfile.write(tmp_path / "song.wav", song, 44100)
    code, _, error = without_tensorflow("separate", tmp_path / "song.wav", "--output", tmp_path / "out")
    assert code == 0, error
    parts = [soundfile.read(tmp_path / "out/guitar/song" / f"{name}.wav")[0] for name in ("guitar", "rest")]
    np.testing.assert_allclose(sum(parts), song, atol=2**-14)
    code, out, error = without_tensorflow("models", "--json")
    assert (code, error) == (0, "")
    assert [model["name"] for model in json.loads(out)][:3] == ["guitar", "like", "piano"]


@pytest.mark.parametrize("command", [["networks"], ["export", "guitar"], ["separate", "x.wav", "--runtime", "keras"]])
def test_what_needs_tensorflow_says_how_to_get_it(command, tmp_path):
    (tmp_path / "x.wav").write_bytes(b"")
    code, _, error = without_tensorflow(*[str(tmp_path / "x.wav") if each == "x.wav" else each for each in command])
    assert code != 0
    assert install_line("splitstrument[train]") in error
    assert "Traceback" not in error
