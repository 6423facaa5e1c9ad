"""The page takes an example beside the song, for models that take out what sounds like one."""

import io
import json
import wave

import numpy as np
import pytest
import soundfile

from tests import served, tiny
from tests.browser import check_page, opened

pytest.importorskip("web")
RATE = 22050


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("like")
    tiny.model(folder / "alike", "conditioned_unet", sources=("like",), about="What sounds like your example.")
    with served.Process(folder, models=["guitar", str(folder / "alike")]) as server:
        server.folder = folder
        yield server


def sound(samples):
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV")
    return file.getvalue()


SONG = ("song", sound(np.random.default_rng(0).uniform(-0.5, 0.5, (2 * RATE, 2))), "song.wav")
EXAMPLES = [("example", sound(0.5 * np.sin(pitch * np.arange(RATE))), "flute.wav") for pitch in (0.1, 1.0)]


def refused(server, *parts):
    status, answer = served.post(server.address, *parts)
    return status, answer["message"]


def test_examples_that_are_missing_or_of_no_use_are_refused_in_a_line(server):
    like = ("model", "alike")
    models = json.loads(served.ask(server.address, "/api/models")[2])["models"]
    assert [model["example"] for model in models] == [False, True]
    missing = "Choose an example: a few seconds in which the sound to take out plays alone."
    assert refused(server, like, SONG) == (400, missing)
    assert refused(server, like, SONG, ("example", b"", "")) == (400, missing)
    silent = "The example is silent; give a few seconds in which the sound to take out plays alone."
    assert refused(server, like, SONG, ("example", sound(np.zeros(RATE)), "a.wav")) == (400, silent)
    for nothing in (b"", b"no sound"):
        status, said = refused(server, like, SONG, ("example", nothing, "a.wav"))
        assert status == 400 and said.startswith("The example ") and "upload" not in said and "/" not in said
    large = (413, "The example is too large: at most 20 MB.")
    assert refused(server, like, SONG, ("example", bytes(21 * 10**6), "a.wav")) == large
    assert refused(server, SONG, EXAMPLES[0]) == (400, "Leave the example out: guitar can do nothing with it.")
    assert refused(server, like, SONG, *EXAMPLES) == (400, "One example at a time: the form has two files.")


@pytest.mark.slow
def test_each_example_gives_another_part_and_nothing_of_it_stays(server):
    taken = []
    for example in EXAMPLES:
        status, job = served.post(server.address, ("model", "alike"), SONG, example)
        assert status == 202 and job["parts"] == ["like", "rest"]
        assert served.until(server.address, job["id"])["state"] == "done"
        sounds = []
        for part in ("mixture", "like", "rest"):
            body = served.ask(server.address, f"/api/jobs/{job['id']}/{part}.wav")[2]
            with wave.open(io.BytesIO(body)) as file:
                sounds.append(np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(int))
        assert np.abs(sounds[0] - sounds[1] - sounds[2]).max() <= 1
        taken.append(sounds[1])
    assert np.abs(taken[0] - taken[1]).max() > 5  # steps of 16 bits; rounding makes one
    assert job["created"] > 1.7e9
    assert served.ask(server.address, f"/api/jobs/{job['id']}/example")[0] == 404
    assert not (server.folder / "jobs" / job["id"] / "example").exists()


def test_the_page_asks_for_an_example_when_a_model_needs_one(server, chromium, tmp_path):
    page = opened(chromium)
    page.goto(server.address)
    page.wait_for_selector("main:not([data-loading])")
    assert page.locator("#sample").is_hidden()
    assert "What sounds like your example" in page.inner_text("#models")
    page.get_by_label("like").check()
    page.get_by_label("guitar").uncheck()
    assert page.locator("#sample").is_visible()
    for part in (SONG, EXAMPLES[0]):
        (tmp_path / part[2]).write_bytes(part[1])
    page.set_input_files("#song", tmp_path / "song.wav")
    page.get_by_role("button", name="Separate").click()
    assert page.inner_text("#trouble") == "Choose an example of the sound to take out."
    check_page(page)
    page.set_input_files("#sample-file", tmp_path / "flute.wav")
    page.get_by_role("button", name="Separate").click()
    page.wait_for_selector("#player", timeout=90_000)
    assert page.inner_text("#about") == "Like and the rest, by the model alike"
