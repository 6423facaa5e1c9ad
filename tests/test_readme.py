"""The README's commands, run as they are written, in one folder, from its first section to its last."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SONGS = Path("/usr/share/games/fretsonfire/data/songs")
BIN = Path(sys.executable).parent

# A line that begins so is not run here, and why.
ELSEWHERE = {
    "python3 -m venv": ".ci/run runs it",
    "python3 -m pip": ".ci/run runs it, or the packages of the extra are there",
    "sudo apt-get": ".ci/run installs them",
    "splitstrument serve": "test_restart serves",
    "splitstrument models --add spleeter-2stems": "test_installing fetches it",
    "splitstrument separate song.mp3 --model spleeter-2stems": "test_spleeter separates with it",
    "splitstrument train training/configs/thesis/": "it takes days; test_thesis_runs reads it",
    "PATH=.venv/bin:$PATH sh recipes/miniature.sh": "test_recipes runs it",
}


def blocks(language):
    """The code blocks of a language, each without comments at the ends of its lines."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [re.sub(r"(?m)\s{2,}#.*$", "", block) for block in found]


LINES = [line for block in blocks("sh") for line in block.replace("\\\n", "").splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with all that the README's commands name: a checkout's files, a song, an album and a video."""
    from tests.audio_files import song, write_av, write_sound

    folder = tmp_path_factory.mktemp("readme")
    for name in ("training", "recipes", "examples"):
        (folder / name).symlink_to(ROOT / name)
    write_sound(folder / "song.mp3", song(125.0), 44100, format="MP3")
    write_sound(folder / "flute.wav", song(3.0), 44100)
    (folder / "album").mkdir()
    write_sound(folder / "album/one.flac", song(2.0), 44100, format="FLAC")
    write_av(folder / "clip.mp4", [song(2.0)], video=True)
    return folder


def run(line, folder):
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, errors="replace", check=False
    )


def test_it_is_short():
    assert README.count("\n") <= 150
    code = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
    prose = [line for line in code.sub("", README).splitlines() if not line.startswith(("![", "|"))]
    assert max(map(len, prose)) <= 120


@pytest.mark.slow
def test_every_command(folder):
    """In one test, since each command takes what those before it made."""
    if not all((SONGS / name).is_dir() for name in ("muldjord", "sectoid")):
        pytest.skip("Debian's fretsonfire-songs-muldjord and -sectoid are not installed")
    ran = 0
    for line in LINES:
        if not line.startswith(tuple(ELSEWHERE)):
            done = run(line, folder)
            assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            ran += 1
    assert ran >= 11
    assert (folder / "separated/guitar+piano/song/piano.wav").is_file()
    assert sorted(path.name for path in folder.glob("separated/guitar/*")) == ["clip", "one", "song (90 s to 120 s)"]
    held_out = {path.name for path in folder.glob("data/sets/validation/*/*")}
    assert held_out == {"armygeddon", "chaos_god", "internal_degeneration", "mutilated_mime"}
    assert "first" in (folder / "report.html").read_text(encoding="utf-8")
    assert "Table 2" in (folder / "tables.md").read_text(encoding="utf-8")


def test_what_is_run_elsewhere_is_still_in_it():
    for start in ELSEWHERE:
        assert any(line.startswith(start) for line in LINES), start


@pytest.mark.slow
def test_python(folder):
    (block,) = blocks("python")
    done = subprocess.run([sys.executable, "-c", block], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_links_lead_to_files():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not re.match("[a-z]+:", link):
                assert (page.parent / link).exists(), f"{page}: {link}"
