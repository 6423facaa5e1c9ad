"""The page of judging in a real browser: ten tracks by keys alone, and everything else that the keys and buttons do."""

import shutil
import signal
from pathlib import Path

import pytest

from datasets_tools.labelling.page.handlers import KEYS
from tests.audio_files import song, write_sound
from tests.browser import PHONE, check_page, opened, picture, until
from tests.listening import Process, data_set, marks, silence

# Told from the page besides: when the last key came, every jump, also those right after a key, and how fast sounds are.
_WATCH = """
addEventListener("keydown", () => (window.pressed = performance.now()), true);
window.allJumps = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.allJumps += entry.value;
}).observe({ type: "layout-shift", buffered: true });
window.rates = [];
const begin = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (...when) {
  window.rates.push(this.playbackRate.value);
  return begin.apply(this, when);
};
"""
# Milliseconds from the last key to the moment for which its sound was scheduled; null before there is one.
_WAIT = """(() => {
  // What is scheduled for seconds later goes on with what played before.
  const first = window.started.find((each) => each.at > window.pressed && each.when < each.now + 1);
  return first ? first.at - window.pressed + 1000 * Math.max(0, first.when - first.now) : null;
})()"""
_FETCHED = "(path) => performance.getEntriesByType('resource').some((each) => each.name.endsWith(path))"
_BOXES = """[...document.querySelectorAll("main button, .top button")].map((each) => {
  const { x, y, width, height } = each.getBoundingClientRect();
  return [each.id, x, y, width, height];
})"""
_FOCUS = "[document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]"


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    return data_set(tmp_path_factory.mktemp("sounds") / "set", seconds=20.0)


@pytest.fixture
def root(sounds, tmp_path):
    """Ten tracks that nobody has judged."""
    return Path(shutil.copytree(sounds, tmp_path / "set"))


@pytest.fixture
def listen(chromium, root):
    """Open the page of a new server with options of the command: (page, server)."""
    pages, servers = [], []

    def started(*options, **how):
        server = Process(root, *options)
        servers.append(server)
        page = opened(chromium, **how)
        page.add_init_script(_WATCH)
        pages.append(page)
        page.goto(server.address)
        until(lambda: text(page, "#name").strip())
        return page, server

    yield started
    for page in pages:
        page.context.close()
    for server in servers:
        server.end(signal.SIGKILL)


def text(page, selector):
    return page.evaluate("(selector) => document.querySelector(selector).textContent", selector)


def press(page, key, name):
    """Press a key, and wait until the track `name` is there and can be judged."""
    page.keyboard.press(key)
    until(lambda: text(page, "#name") == name)


def play(page):
    page.keyboard.press("Space")
    until(lambda: text(page, "#play").startswith("Pause"))


def split(page):
    return text(page, '#splits [aria-current="true"]')


def place(page):
    """Where the head is, from 0 to 1."""
    return page.evaluate("parseFloat(document.querySelector('#head').style.left) / 100")


def pressed_marks(page):
    return page.evaluate("[...document.querySelectorAll('[data-mark][aria-pressed=true]')].map((e) => e.dataset.mark)")


def loudest(page):
    return max(page.evaluate("window.levels()"))


def test_ten_tracks_are_judged_by_keys_alone(listen, root, tmp_path, record_property):
    page, server = listen()
    play(page)
    keys = ["Enter", "b", "Enter", "q", "l", "q", "m", "i", "a", "d"]
    names = {key.lower(): mark for mark, key in KEYS.items()}
    waits = []
    for number, key in enumerate(keys):
        if number == 2:
            page.keyboard.press("Enter")
            until(lambda: "stem 2 of 2" in text(page, "#about"))
            assert marks(root)["T02"] == set(), "there is one more stem to hear"
        following = f"/sound/{number + 1}/0.wav"
        if number in (4, 9):  # what comes next cannot be read, or there is none
            following = f"/sound/{number}/0.wav"
        until(lambda following=following: page.evaluate(_FETCHED, following))  # while one listens
        page.keyboard.press(key)
        if number < 9:
            until(lambda number=number: text(page, "#name") == f"T{number + 1:02}")
        else:
            until(lambda: page.is_visible("#finished"))
        assert marks(root)[f"T{number:02}"] == {names[key], "checked"} if key in names else {"checked"}
        if number not in (4, 9):
            waits.append(until(lambda: page.evaluate(_WAIT)))
    assert "10 of 10 judged" in text(page, "#count")
    assert "T00" in marks(root) and all("checked" in each for each in marks(root).values())
    waits.sort()
    record_property("milliseconds from key to sound", [round(each) for each in waits])
    print(f"from key to sound: median {waits[len(waits) // 2]:.0f} ms, longest {waits[-1]:.0f} ms")
    assert waits[len(waits) // 2] < 150
    assert page.evaluate("window.allJumps") < 0.02
    check_page(page)
    page.keyboard.press("u")
    until(lambda: text(page, "#name") == "T09" and page.is_visible("#judging"))
    assert marks(root)["T09"] == set()
    code, printed, errors = server.end(signal.SIGINT)
    assert (code, errors) == (0, "") and printed.splitlines()[-1] == "tracks: 9 judged now, 1 of 10 left"


def test_undo_goes_back_and_history_further(listen, root):
    page, _ = listen()
    press(page, "b", "T01")
    press(page, "Enter", "T02")
    page.keyboard.press("Enter")
    until(lambda: "stem 2 of 2" in text(page, "#about"))
    page.keyboard.press("Backspace")
    until(lambda: "stem 1 of 2" in text(page, "#about"))
    assert marks(root)["T01"] == {"checked"}, "what was taken back is the step to the second stem"
    press(page, "u", "T01")
    assert marks(root)["T01"] == set()
    press(page, "u", "T00")
    assert marks(root)["T00"] == set()
    press(page, "b", "T01")
    press(page, "q", "T02")
    page.keyboard.press("h")
    until(lambda: page.is_visible("#history-dialog"))
    assert page.locator("#judged button").all_inner_texts() == ["T01\nBad quality", "T00\nBleed"]
    assert not page.errors
    check_page(page)
    page.keyboard.press("ArrowDown")
    press(page, "Enter", "T00")
    assert pressed_marks(page) == ["bleed"]
    page.keyboard.press("b")  # a track that has marks: its keys set and take away
    until(lambda: marks(root)["T00"] == {"checked"})
    for key in "dad":  # as quick as can be
        page.keyboard.press(key)
    until(lambda: marks(root)["T00"] == {"checked", "audible"})
    until(lambda: pressed_marks(page) == ["audible"])
    press(page, "Enter", "T02")
    for key in ("h", "?"):
        page.keyboard.press(key)
        until(lambda: page.locator("dialog[open]").count() == 1)
        page.keyboard.press(key)
        until(lambda: page.locator("dialog[open]").count() == 0)
    assert not page.errors


def test_cautious_keys_toggle_and_enter_goes_on(listen, root):
    page, _ = listen("--cautious")
    for key, found in (("b", {"bleed"}), ("a", {"bleed", "audible"}), ("b", {"audible"}), ("u", {"bleed", "audible"})):
        page.keyboard.press(key)
        until(lambda found=found: set(pressed_marks(page)) == found)
        assert marks(root)["T00"] == found and text(page, "#name") == "T00"
    press(page, "Enter", "T01")
    assert marks(root)["T00"] == {"bleed", "audible", "checked"}


def test_keys_that_are_held_or_belong_to_others_do_nothing(listen, root):
    page, _ = listen()
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")  # what a held key repeats
    until(lambda: text(page, "#name") == "T01")
    page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    page.keyboard.press("Control+b")
    page.keyboard.press("z")
    page.keyboard.press("?")
    until(lambda: page.is_visible("#help-dialog"))
    page.keyboard.press("q")
    page.keyboard.press("Escape")
    press(page, "d", "T02")
    judged = {name: found for name, found in marks(root).items() if found}
    assert judged == {"T00": {"checked"}, "T01": {"detailed", "checked"}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_keys_can_be_turned_off(listen, root, scheme, tmp_path):
    page, _ = listen(scheme=scheme)
    named = page.evaluate("document.querySelectorAll('[aria-keyshortcuts]').length")
    boxes = page.evaluate(_BOXES)
    page.keyboard.press("?")
    page.wait_for_selector("#help-dialog")
    assert page.evaluate("document.activeElement.className") == "close", "Space closes, and turns nothing off"
    page.locator("#keys-on").uncheck()
    picture(page, f"listen-switch-{scheme}", tmp_path)
    check_page(page)
    for key in ("?", "h", "b"):
        page.keyboard.press(key)
    assert page.is_visible("#help-dialog")
    page.keyboard.press("Escape")
    page.reload()  # remembered
    until(lambda: text(page, "#name").strip())
    for key in ("b", "Enter", "u", "4", "h", "?", "Space", "s"):
        page.keyboard.press(key)
    assert text(page, "#name") == "T00" and text(page, "#speed").startswith("Speed 1 ")
    assert page.locator("dialog[open]").count() == 0 and split(page) == "1"
    assert not any(marks(root).values())
    assert page.locator("[aria-keyshortcuts]").count() == 0
    assert page.evaluate(_BOXES) == boxes
    check_page(page)
    picture(page, f"listen-keys-off-{scheme}", tmp_path)
    page.get_by_role("button", name="Bleed").click()
    until(lambda: text(page, "#name") == "T01")
    assert marks(root)["T00"] == {"bleed", "checked"}
    page.get_by_role("button", name="Keys").click()
    page.locator("#keys-on").check()
    page.keyboard.press("Escape")
    press(page, "q", "T02")
    assert page.locator("[aria-keyshortcuts]").count() == named


def test_splits_follow_each_other_and_digits_jump(listen):
    page, _ = listen()
    play(page)
    assert split(page) == "1"
    page.keyboard.press("4")
    until(lambda: split(page) == "4")
    assert 0.6 <= place(page) < 0.7
    page.keyboard.press("Space")
    until(lambda: split(page) == "5")
    assert 0.8 <= place(page) < 0.9
    until(lambda: text(page, "#play").startswith("Play"))  # the end
    assert place(page) == 1
    page.keyboard.press("Space")
    until(lambda: split(page) == "1" and text(page, "#play").startswith("Pause"))
    page.keyboard.press("5")
    until(lambda: split(page) == "5")
    page.keyboard.press("Space")
    until(lambda: split(page) == "1")
    page.keyboard.press("p")
    until(lambda: text(page, "#play").startswith("Play"))
    before = place(page)
    page.focus("#wave")
    page.keyboard.press("ArrowRight")
    until(lambda: place(page) == pytest.approx(before + 0.25, abs=0.01))
    page.mouse.click(*middle(page, "#wave"))
    until(lambda: place(page) == pytest.approx(0.5, abs=0.01))


def middle(page, selector):
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_speed_stays_for_the_next_stem(listen):
    page, _ = listen("--splits", "3")
    assert page.locator("#splits button").count() == 3
    play(page)
    until(lambda: page.evaluate("window.rates.length") > 0)
    page.keyboard.press("s")
    press(page, "Enter", "T01")
    until(lambda: place(page) > 0.01)
    assert page.evaluate("window.rates.at(0)") == 1
    assert page.evaluate("window.rates.at(-1)") == 1.5
    assert text(page, "#speed").startswith("Speed 1.5")


def test_a_stem_is_heard_against_the_others_in_step(listen, root):
    silence(root / "T00/piano/piano.wav", 20.0)
    write_sound(root / "T00/bass/bass.wav", 0.01 * song(20.0, 22050), 22050)
    page, _ = listen()
    play(page)
    until(lambda: place(page) > 0.02)
    assert loudest(page) < 1e-4
    before = place(page)
    page.keyboard.press("x")
    until(lambda: loudest(page) > 0.05)
    assert before < place(page) < before + 0.2
    assert page.get_attribute("#that", "aria-pressed") == "true"
    page.keyboard.press("x")
    until(lambda: loudest(page) < 1e-4)
    page.keyboard.press("o")
    until(lambda: text(page, "#that") == "bass.wav" and 1e-4 < loudest(page) < 0.02)
    page.keyboard.press("o")
    until(lambda: text(page, "#that") == "drums.wav" and loudest(page) > 0.05)
    page.keyboard.press("o")
    until(lambda: text(page, "#that") == "All others")
    assert page.errors == []


def test_what_cannot_be_heard_is_told_and_can_be_judged(listen, root):
    page, server = listen("--tracks", "T05", "T06")
    until(lambda: "piano.wav: " in text(page, "#trouble"))
    until(lambda: "no hints: " in text(page, "#hints"))
    press(page, "q", "T06")
    assert marks(root)["T05"] == {"bad_quality", "checked"}
    server.end(signal.SIGKILL)
    page.keyboard.press("b")
    until(lambda: text(page, "#said") == "The server does not answer.")
    assert text(page, "#name") == "T06" and marks(root)["T06"] == set()


def test_two_browsers_hear_different_tracks_and_a_page_comes_back(listen, chromium, root):
    page, server = listen()
    other = opened(chromium)
    other.goto(server.address)
    until(lambda: text(other, "#name") == "T01")
    press(page, "Enter", "T02")
    press(other, "b", "T03")
    page.reload()
    until(lambda: text(page, "#name") == "T02")
    press(page, "u", "T00")
    assert marks(root)["T00"] == set() and marks(root)["T01"] == {"bleed", "checked"}
    other.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_fit_for_all(listen, root, tmp_path, scheme):
    for stem in ("piano", "bass", "drums"):  # something worth a picture
        write_sound(root / f"T03/{stem}/{stem}.wav", plucked(stem), 22050)
    page, _ = listen(scheme=scheme)
    page.set_viewport_size({"width": 1100, "height": 700})
    for key, name in (("b", "T01"), ("Enter", "T02"), ("q", "T03")):
        press(page, key, name)
    until(lambda: "Listening" not in text(page, "#hints"))
    page.keyboard.press("2")
    until(lambda: split(page) == "2" and "Pause" in text(page, "#play"))
    check_page(page)
    picture(page, "listen" if scheme == "light" else "listen-dark", tmp_path)
    seen = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(_FOCUS)
        assert outline == "solid" or not name, name
        seen.add(name)
    assert {"wave", "play", "skip", "speed", "accept", "undo", "history", "help", "hints"} <= seen
    page.keyboard.press("?")
    until(lambda: page.is_visible("#help-dialog"))
    check_page(page)


def plucked(stem):
    """Notes that fade, louder and softer, so that the waveform looks like music."""
    import numpy as np

    rate, generator = 22050, np.random.default_rng(sum(map(ord, stem)))
    sound = np.zeros((20 * rate, 2), np.float32)
    for at in np.arange(0.2, 19, 0.4):
        time = np.arange(rate) / rate
        note = np.exp(-4 * time) * np.sin(2 * np.pi * 220 * 2 ** (generator.integers(12) / 12) * time)
        start, level = int(at * rate), 0.15 + 0.5 * generator.random() * (0.3 if 6 < at < 9 else 1)
        piece = sound[start : start + rate]
        piece += level * note[: len(piece), None].astype(np.float32)
    return sound


def test_a_phone_shows_it_all_without_scrolling_sideways(listen, root, tmp_path):
    write_sound(root / "T00/piano/piano.wav", plucked("piano"), 22050)
    (root / "T01").rename(root / f"T01 {'a very long name ' * 8}".strip())
    page, _ = listen(size=PHONE)
    page.get_by_role("button", name="Start").click()
    until(lambda: text(page, "#play").startswith("Pause"))
    until(lambda: "Listening" not in text(page, "#hints"))
    check_page(page)
    picture(page, "listen-phone", tmp_path)
    page.get_by_role("button", name="Accept").click()
    until(lambda: text(page, "#name").startswith("T01"))
    page.get_by_role("button", name="Bleed").click()
    until(lambda: text(page, "#name") == "T02")
    page.get_by_role("button", name="History").click()
    until(lambda: page.is_visible("#history-dialog"))
    page.get_by_role("button", name="Close").click()
    check_page(page)
    judged = {name[:3]: found for name, found in marks(root).items() if found}
    assert judged == {"T00": {"checked"}, "T01": {"bleed", "checked"}}
