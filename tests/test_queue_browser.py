"""Several songs at once in a real browser: a list shows what becomes of each."""

import pytest

from tests import browser, strangers
from tests.browser import check_page, opened, picture, until

pytest.importorskip("web")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The demonstrator, which separates in no time, and takes two songs at once from everybody."""
    folder = tmp_path_factory.mktemp("queue")
    with strangers.quickly(folder, strangers.card(folder / "small"), waiting_each=2) as server:
        yield server


@pytest.fixture
def held(server):
    """No song is done until the test opens this gate."""
    strangers.Quick.gate.clear()
    yield strangers.Quick.gate
    strangers.Quick.gate.set()


def files(folder, *names):
    for name in names:
        (folder / name).write_bytes(b"<html>" if name.startswith("broken") else strangers.short())
    return [folder / name for name in names]


def rows(page):
    return [row.replace("\n", " ") for row in page.locator("#results li").all_inner_texts()]


def start(chromium, server, size=browser.DESK):
    page = opened(chromium, size)
    page.goto(server.address)
    page.wait_for_selector("main:not([data-loading])")
    return page


def test_several_songs_are_uploaded_as_there_is_room(chromium, server, held, tmp_path):
    page = start(chromium, server)
    page.set_input_files("#song", files(tmp_path, "one.wav", "broken.mp3", "two.wav", "three.wav"))
    assert page.inner_text("#chosen") == "4 songs: one.wav, broken.mp3, two.wav, three.wav"
    page.get_by_role("button", name="Separate").click()
    until(lambda: any("To be uploaded when there is room" in row for row in rows(page)))
    said = "\n".join(rows(page))
    assert "broken.mp3 Not taken: " in said and "cannot be separated" in said
    assert page.inner_text("#keep-open") == "Please keep this page open until all songs are uploaded."
    assert page.url.rstrip("/") == server.address
    page.errors.clear()  # the browser's own words on refused requests
    check_page(page)
    held.set()
    until(lambda: sum("Done, kept for" in row for row in rows(page)) == 3)
    assert page.inner_text("#keep-open") == ""
    for name in ("one", "two", "three"):
        assert page.get_by_role("link", name=name, exact=True).get_attribute("href").startswith("jobs/")
    page.errors.clear()
    check_page(page)


def test_the_list_follows_the_jobs_and_keeps_the_focus(chromium, server, held, tmp_path):
    page = start(chromium, server, browser.PHONE)
    page.set_input_files("#song", files(tmp_path, "first.wav", "second.wav"))
    page.get_by_role("button", name="Separate").click()
    until(lambda: len(rows(page)) == 2 and "Waiting, 1 before it" in rows(page)[1])
    page.get_by_role("link", name="first", exact=True).focus()
    check_page(page)
    picture(page, "queue-phone", tmp_path)
    held.set()
    until(lambda: sum("Done" in row for row in rows(page)) == 2)
    assert page.evaluate("document.activeElement.textContent") == "first"


def test_a_first_visit_is_one_press(chromium, server):
    page = start(chromium, server)
    page.get_by_role("button", name="Try it with the example song").click()
    page.wait_for_url("**/jobs/*")
    until(lambda: page.inner_text("h1") == "Example song")
