"""The demonstrator in Firefox: a song goes in, is heard in a loop and slower, and comes out."""

import zipfile

import numpy as np
import pytest
import soundfile

from tests import bidi, served

EXAMPLE = served.ROOT / "examples" / "song.ogg"
PLACE = "Number(document.getElementById('place').value)"
BOTH = f"[window.audioTime(), {PLACE}]"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("firefox")
    with served.Process(folder, models=["guitar"]) as process:
        yield process


@pytest.fixture
def firefox():
    yield from bidi.launched()


def test_a_song_goes_in_is_practised_with_and_comes_out(firefox, server):
    firefox.goto(server.address)
    firefox.until("!document.querySelector('main').hasAttribute('data-loading')")
    firefox.check_page()
    firefox.choose("#song", EXAMPLE)
    firefox.click("#separate")
    firefox.until("location.pathname.startsWith('/jobs/')")
    firefox.until("document.getElementById('player') && !document.getElementById('player').hidden")

    firefox.click("#play")
    firefox.until(f"{PLACE} > 1.2")
    firefox.press("x")
    firefox.until(f"{PLACE} > 2.2")
    firefox.press("c")
    assert firefox.evaluate("document.getElementById('loop').getAttribute('aria-pressed')") == "true"
    firefox.until(f"{PLACE} > 1.8")
    firefox.until(f"{PLACE} < 1.6")  # it began again
    firefox.press("v", "n", "n", "n", "n")
    assert firefox.evaluate("document.getElementById('tempo-said').textContent") == "80 %"
    place = firefox.evaluate(PLACE)
    before = firefox.until(f"{PLACE} > {place + 0.5} && window.levels()[2] > 1e-4 && {BOTH}")
    after = firefox.until(f"window.audioTime() > {before[0] + 3} && {BOTH}")
    assert (after[1] - before[1]) / (after[0] - before[0]) == pytest.approx(0.8, abs=0.06)
    firefox.press(" ")
    firefox.check_page()

    firefox.click("#save-mix")
    mix, rate = soundfile.read(firefox.downloaded("song - mix.wav"))
    firefox.click("#zip a[href$='wav.zip']")
    with zipfile.ZipFile(firefox.downloaded("song - parts (WAV).zip")) as archive:
        parts = []
        for name in archive.namelist():
            with archive.open(name) as file:
                parts.append(soundfile.read(file)[0])
    assert rate == 44100 and len(parts) == 2
    assert np.abs(sum(parts) - mix).max() < 2**-22
    assert firefox.errors == []
    assert firefox.evaluate("document.getElementById('trouble').textContent") == ""
