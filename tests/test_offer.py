"""Which models the demonstrator offers, and which parts come out of several of them."""

import itertools
import json

import pytest

from splitstrument import models
from splitstrument.cards import ModelError
from splitstrument.parts import parts_of
from tests import served, strangers, tiny
from webapp.offer import offer, parts_together


def card(folder, *sources, **fields):
    """A model that has only a card, of some `sources`, with these fields changed: its path."""
    strangers.card(folder, *sources)
    path = folder / models.CARD
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return str(folder)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The folder of the user's own models, which is empty."""
    monkeypatch.setattr(models, "own_folder", lambda: tmp_path / "own")
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def test_all_models_that_are_there_are_offered_by_default(own, capsys):
    card(own / "voice", "vocals", "accompaniment", name="spleeter-2stems")
    (own / "broken").mkdir()
    (own / "broken" / models.CARD).write_text("- no card")
    offered = offer()
    assert list(offered) == [*models.shipped(), "voice"]
    assert (offered["voice"].takes, offered["voice"].remainder) == (("vocals",), "accompaniment")
    line = capsys.readouterr().err
    assert line.startswith("splitstrument: left out: ") and "broken" in line and line.count("\n") == 1


def test_the_settings_say_which_models_are_offered(own, tmp_path):
    card(own / "voice", "vocals")
    folder = card(tmp_path / "drums", "drums")
    assert list(offer(["piano", folder])) == ["piano", "drums"]
    with pytest.raises(ModelError, match="gitar"):
        offer(["gitar"])


def test_a_model_that_needs_an_example_is_offered_as_one(tmp_path, monkeypatch):
    tiny.with_own_networks(monkeypatch)
    offered = offer([card(tmp_path / "query", "target", network="tiny_example"), "piano"])
    assert {name: each.example for name, each in offered.items()} == {"query": True, "piano": False}


def test_models_that_the_page_cannot_use(tmp_path):
    with pytest.raises(ModelError, match="named mixture"):
        offer([card(tmp_path / "odd", "mixture")])


def test_parts_are_those_that_the_separator_makes(tmp_path):
    made = {"guitar": ["guitar"], "keys": ["organ", "piano"], "drums": ["drums"], "band": ["vocals", "bass", "other"]}
    folders = [card(tmp_path / name, *sources, whole=name == "band") for name, sources in made.items()]
    offered = offer(folders)
    names = list(offered)
    for count in range(1, len(names) + 1):
        for together in itertools.permutations(names, count):
            expected = parts_of([offered[name].folder for name in together])
            assert parts_together(offered, together) == expected.all


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (("band", "lead"), "lead and band both take out vocals."),
        (("lead", "lead"), "lead is named twice."),
    ],
)
def test_models_that_take_out_the_same(tmp_path, names, line):
    offered = offer([card(tmp_path / "band", "vocals", "other"), card(tmp_path / "lead", "vocals")])
    with pytest.raises(ValueError) as error:
        parts_together(offered, names)
    assert str(error.value).startswith(line)


def test_what_two_models_of_a_whole_song_leave_may_have_one_name(tmp_path):
    first = card(tmp_path / "a", "vocals", "other")
    second = card(tmp_path / "b", "drums", "other")
    assert parts_together(offer([first, second]), ("a", "b")) == ("vocals", "drums", "rest")


def test_all_models_at_once(tmp_path):
    """Twenty instruments by twenty models: all can be asked for together."""
    pytest.importorskip("web")
    names = [f"instrument{number}" for number in range(20)]
    folders = tuple(card(tmp_path / name, name) for name in names)
    with strangers.quickly(tmp_path, "", models=folders) as server:
        chosen = [("model", name) for name in names]
        status, job = served.post(server.address, *chosen, ("song", strangers.short(), "a.wav"))
        assert (status, job["parts"]) == (202, [*names, "rest"])
        assert served.until(server.address, job["id"])["state"] == "done"
