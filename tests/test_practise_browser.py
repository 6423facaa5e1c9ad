"""The player's tools in a real browser: a loop, another tempo and pitch, all parts in one file, and one's own mix."""

import zipfile

import numpy as np
import pytest
import soundfile

from tests import browser, served
from tests.browser import check_page, opened, picture, until

RATE, TONE, SECONDS = 44100, 440.0, 14


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """A tone in some noise, loud enough that twice of it distorts."""
    path = tmp_path_factory.mktemp("song") / "Tone? #1.wav"
    time = np.arange(SECONDS * RATE) / RATE
    noise = np.random.default_rng(1).normal(0, 0.05, (len(time), 2))
    soundfile.write(path, 0.6 * np.sin(2 * np.pi * TONE * time)[:, None] + noise, RATE, subtype="PCM_16")
    return path


@pytest.fixture(scope="module")
def result(chromium, song, tmp_path_factory):
    """The address of the song's result."""
    with served.Process(tmp_path_factory.mktemp("practise"), models=["guitar"]) as server:
        page = opened(chromium)
        page.goto(server.address)
        page.wait_for_selector("main:not([data-loading])")
        page.set_input_files("#song", song)
        page.get_by_role("button", name="Separate").click()
        page.wait_for_selector("#player", timeout=90_000)
        yield page.url


@pytest.fixture
def page(chromium, result):
    page = opened(chromium)
    page.goto(result)
    page.wait_for_selector("#player")
    page.wait_for_load_state("networkidle")
    return page


def place(page):
    return float(page.input_value("#place"))


def both(page):
    """The time of the sounds' clock, and the place in the song."""
    return np.array(page.evaluate("[audioTime(), Number(document.getElementById('place').value)]"))


def pressed(page):
    return page.get_by_role("button", name="Loop", exact=True).get_attribute("aria-pressed") == "true"


def test_a_loop_by_keys(page):
    page.keyboard.press("Space")
    until(lambda: place(page) > 3.2)
    page.keyboard.press("x")
    until(lambda: place(page) > 4.2)  # it goes over from one piece that is fetched to the next
    page.keyboard.press("c")
    assert pressed(page) and page.locator("#practise").get_attribute("open") is not None
    start, end = (float(page.inner_text(f"#loop-{each}-at").removeprefix("0:")) for each in ("start", "end"))
    seen, before = [], both(page)
    while both(page)[0] < before[0] + 3 * (end - start):
        seen.append(both(page))
        page.wait_for_timeout(30)
    places = np.array(seen)[:, 1]
    assert places.min() >= start - 0.01 and places.max() <= end + 0.15
    assert np.sum(np.diff(places) < -0.3) >= 2  # it began again, and again
    page.keyboard.press("v")
    until(lambda: place(page) > end + 0.5)
    assert not pressed(page)


def test_a_loop_by_buttons_is_seen_and_moves(page, tmp_path):
    page.get_by_text("Practise").click()
    wave = page.locator(".wave").nth(1)
    box = wave.bounding_box()

    def mark(which, share):
        wave.click(position={"x": box["width"] * share, "y": 20})
        page.get_by_role("group", name="Loop").get_by_role("button", name=which).click()

    mark("Start", 0.25)
    assert not pressed(page)
    mark("End", 0.5)
    assert pressed(page)
    assert page.inner_text("#loop-start-at") == "0:03.5" and page.inner_text("#loop-end-at") in ("0:06.9", "0:07.0")
    shown = page.locator(".wave .loop").nth(1).bounding_box()
    assert shown["x"] - box["x"] == pytest.approx(box["width"] / 4, abs=2)
    assert shown["width"] == pytest.approx(box["width"] / 4, abs=3)
    check_page(page)
    mark("Start", 0.75)  # behind the end: a new loop begins there
    assert not pressed(page) and page.inner_text("#loop-end-at") == "–"
    page.get_by_role("button", name="Loop", exact=True).click()
    page.get_by_role("button", name="Play", exact=True).click()
    until(lambda: place(page) > 13)
    until(lambda: 10 < place(page) < 12)  # from the song's end to the loop's start
    picture(page, "practise-desk", tmp_path)


def test_slower_and_faster_keep_the_pitch(page):
    page.keyboard.press("Space")
    until(lambda: page.evaluate("hertz(2)") == pytest.approx(TONE, abs=6))
    for key, times, tempo in (("n", 6, 0.7), ("m", 12, 1.3)):
        page.keyboard.press("Home")
        for _ in range(times):
            page.keyboard.press(key)
        assert page.inner_text("#tempo-said") == f"{tempo:.0%}".replace("%", " %")
        until(lambda: place(page) > 0.6)
        before = both(page)
        until(lambda: both(page)[0] > before[0] + 4)  # noqa: B023  over more than one piece that is fetched
        gone = both(page) - before
        assert gone[1] / gone[0] == pytest.approx(tempo, abs=0.05)
        assert page.evaluate("hertz(2)") == pytest.approx(TONE, abs=6)
    page.get_by_role("button", name="Reset tempo and pitch").click()
    assert page.inner_text("#tempo-said") == "100 %"
    assert page.errors == [] and page.inner_text("#trouble") == ""


def test_another_pitch_keeps_the_tempo_and_the_parts_in_step(page):
    page.keyboard.press("Shift+Digit1")  # the mixture too, to compare it
    for _ in range(5):
        page.keyboard.press(".")
    assert page.inner_text("#semitones-said") == "+5"
    page.keyboard.press("Space")
    until(lambda: place(page) > 0.6)
    before = both(page)
    until(lambda: both(page)[0] > before[0] + 2)
    gone = both(page) - before
    assert gone[1] / gone[0] == pytest.approx(1, abs=0.05)
    assert page.evaluate("hertz(0)") == pytest.approx(TONE * 2 ** (5 / 12), abs=6)

    def in_step():
        """The lanes are read one after the other: between two of them a busy machine may play on."""
        mixture, *parts = np.array(page.evaluate("samples()"))
        assert np.abs(mixture).max() > 0.1
        return np.sum((mixture - sum(parts)) ** 2) < 0.05 * np.sum(mixture**2)

    until(in_step)
    for _ in range(8):
        page.keyboard.press(",")
    assert page.inner_text("#semitones-said") == "−3"
    until(lambda: page.evaluate("hertz(0)") == pytest.approx(TONE * 2 ** (-3 / 12), abs=6))


def test_the_mix_is_what_the_volumes_say(page, song, tmp_path):
    def saved():
        with page.expect_download() as download:
            page.get_by_role("button", name="Save my mix").click()
        download.value.save_as(tmp_path / "mix.wav")
        return download.value.suggested_filename, soundfile.read(tmp_path / "mix.wav", dtype="int16")[0]

    given, _ = soundfile.read(song, dtype="int16")
    name, mix = saved()
    assert name == "Tone_ #1 - mix.wav"
    assert np.array_equal(mix, given)  # all parts as loud as they are
    page.keyboard.press("Shift+Digit2")
    page.get_by_label("Volume of the rest").fill("0.5")
    with page.expect_download() as download:
        page.get_by_role("link", name="rest as WAV").click()
    rest, _ = soundfile.read(download.value.path(), dtype="int16")
    assert np.abs(saved()[1] - rest / 2).max() <= 1
    page.keyboard.press("Digit1")  # the mixture alone
    page.get_by_label("Volume of the mixture").fill("1.5")
    _, mix = saved()
    assert "dB softer, or it would distort" in page.inner_text("#mix-said")
    loudest = int(np.abs(given.astype(int)).max())
    assert np.abs(mix - given * (32768 / loudest)).max() <= 1


def test_all_parts_in_one_file(page, song, tmp_path):
    given, _ = soundfile.read(song, dtype="int16")
    for kind in ("WAV", "FLAC"):
        with page.expect_download(timeout=120_000) as download:
            page.get_by_role("link", name=f"All parts as {kind}", exact=True).click()
        assert download.value.suggested_filename == f"Tone_ #1 - parts ({kind}).zip"
        with zipfile.ZipFile(download.value.path()) as archive:
            assert archive.namelist() == [f"Tone_ #1 - {part}.{kind.lower()}" for part in ("guitar", "rest")]
            assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
            archive.extractall(tmp_path)
            parts = [soundfile.read(tmp_path / name, dtype="int16")[0] for name in archive.namelist()]
        assert np.array_equal(sum(parts), given)


@pytest.mark.parametrize("size", [browser.DESK, browser.PHONE], ids=["desk", "phone"])
def test_the_tools_are_fit_to_be_seen_and_stay_open(chromium, result, size, tmp_path):
    page = opened(chromium, size, "dark")
    page.goto(result)
    page.wait_for_selector("#player")
    assert page.get_by_label("Tempo", exact=True).is_hidden()
    page.get_by_text("Practise").click()
    check_page(page)
    picture(page, f"practise-{'phone' if size == browser.PHONE else 'desk'}-dark", tmp_path)
    page.reload()
    page.wait_for_selector("#player")
    assert page.get_by_label("Tempo", exact=True).is_visible()
    page.get_by_label("Pitch", exact=True).focus()
    page.keyboard.press("ArrowRight")  # the slider's own key, not the page's
    assert page.inner_text("#semitones-said") == "+1" and place(page) == 0


def test_without_a_secure_context_tempo_says_why(chromium, result):
    page = opened(chromium)
    page.add_init_script("delete BaseAudioContext.prototype.audioWorklet")
    page.goto(result)
    page.wait_for_selector("#player")
    page.get_by_text("Practise").click()
    assert page.get_by_label("Tempo", exact=True).is_disabled() and "over HTTPS" in page.inner_text("#hindrance")
    page.keyboard.press("n")
    assert page.inner_text("#tempo-said") == "100 %"
    check_page(page)


def test_sections_are_buttons_edges_and_loops(chromium, tmp_path):
    pytest.importorskip("librosa")
    with served.Process(tmp_path, models=["guitar"]) as server:
        page = opened(chromium)
        page.goto(server.address)
        page.wait_for_selector("main:not([data-loading])")
        page.set_input_files("#song", served.ROOT / "examples/song.ogg")
        page.get_by_role("button", name="Separate").click()
        page.wait_for_selector("#section-list button", timeout=90_000)
        found = page.evaluate(
            "fetch(location.href.replace('/jobs/', '/api/jobs/') + '/sections.json').then(a => a.json())"
        )
        sections = found["sections"]
        assert len(sections) > 1 and sections[0]["start"] == 0 and sections[-1]["end"] == pytest.approx(30, abs=0.1)
        assert page.locator("#section-list button").count() == len(sections)
        assert page.locator(".wave").nth(1).locator(".edge").count() == len(sections) - 1
        edge = sections[1]["start"]
        page.locator("#section-list button").nth(1).click()
        assert place(page) == pytest.approx(edge, abs=0.01)
        assert page.locator("#section-list [aria-current]").inner_text().startswith(sections[1]["label"])
        page.keyboard.press("Shift+ArrowLeft")
        assert place(page) == 0
        page.keyboard.press("Shift+ArrowRight")
        assert place(page) == pytest.approx(edge, abs=0.01)
        page.keyboard.press("b")
        assert pressed(page) and page.inner_text("#loop-start-at") == f"0:{edge:04.1f}"
        page.locator("#section-list button").first.click(modifiers=["Shift"])
        assert page.inner_text("#loop-start-at") == "0:00.0"
        check_page(page)


def test_a_song_that_is_too_short_for_sections_says_so(page):
    pytest.importorskip("librosa")
    assert (
        page.inner_text("#sections-said") == "No sections: this song is too short: 14.0 s, sections need at least 20 s."
    )
    assert page.locator("#loop-section").is_hidden()
