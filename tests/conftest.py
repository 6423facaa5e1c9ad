"""Fixtures that several files of tests share. A file's own fixture of the same name comes before the one here."""

import os

import pytest

from tests import strangers

# As the commands have it: else importing JAX would leave a 1 to every process that tests start later.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The demonstrator for strangers' uploads: it separates in no time, and takes 2 MB and a minute."""
    pytest.importorskip("web")
    folder = tmp_path_factory.mktemp("uploads")
    with strangers.quickly(folder, strangers.card(folder / "small"), megabytes=2, minutes=1) as server:
        yield server


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
