"""The whole chain on real songs: from the folders of a rhythm game to sets of pairs with silence cut."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from splitstrument.__main__ import main
from splitstrument.tracks import find_pairs

SONGS = Path("/usr/share/games/fretsonfire/data/songs/sectoid")


@pytest.mark.slow
@pytest.mark.skipif(not SONGS.is_dir(), reason="needs Debian's package fretsonfire-songs-sectoid")
def test_real_songs_go_all_the_way(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for line in (
        f"catalogue --rockband {SONGS} --output tracks.yaml --statistics statistics",
        "organize tracks.yaml --output organised --require guitar --limit 2",
        "label organised --instrument guitar --set audible --tracks Feelings",
        "mix organised --instrument guitar --rates 22050 --output pairs",
        "silence pairs --cut --target 5 --discard 50 --output cut --statistics silence",
        "validation cut --share 50 --output sets",
    ):
        assert main(line.split()) == 0, line
    assert "training: 1 tracks, validation: 1 tracks" in capsys.readouterr().out
    mixed = {pair.name: pair for pair in find_pairs("pairs")}
    assert sorted(mixed) == ["Escape from chaosland", "Feelings"]
    cuts = yaml.safe_load(Path("cut/tracks_22050hz/cuts.yaml").read_text())["tracks"]
    assert any(track["cuts"] for track in cuts)
    assert all(track["silence_after"] <= 5 or track["silence_after"] < track["silence_before"] for track in cuts)
    sides = [find_pairs(f"sets/{side}") for side in ("training", "validation")]
    assert sorted(pair.name for side in sides for pair in side) == sorted(mixed)
    for side in sides:
        for pair in side:
            (track,) = (track for track in cuts if track["name"] == pair.name)
            parts = [soundfile.read(pair.path(part), always_2d=True)[0] for part in ("instrument", "rest")]
            assert len(parts[0]) == len(parts[1]) == pytest.approx(22050 * track["seconds_after"], abs=12)  # 0.5 ms
            assert min(part.std() for part in parts) > 0.01
            assert np.abs(parts[0] + parts[1]).max() <= 1.0
