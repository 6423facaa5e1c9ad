"""The ZIP of all parts: whole and readable from any place, with no more in memory than its headers."""

import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest

from tests import served, strangers
from webapp.archive import Archive, file_name


@pytest.fixture
def files(tmp_path):
    random = np.random.default_rng(0)
    made = {}
    for name, size in {"empty.wav": 0, "Grüße – 曲.wav": 1, "long.wav": 3_000_000}.items():
        path = tmp_path / str(size)
        path.write_bytes(random.bytes(size))
        made[name] = path
    return made


def test_the_files_come_out_as_they_went_in(files):
    with Archive(files) as archive, zipfile.ZipFile(archive) as read:
        assert read.testzip() is None and read.namelist() == list(files)
        for name, path in files.items():
            assert read.read(name) == path.read_bytes()
            assert read.getinfo(name).compress_type == zipfile.ZIP_STORED


def test_any_part_of_it_can_be_read(files):
    archive = Archive(files)
    whole = archive.read()
    assert len(whole) == archive.size == archive.seek(0, io.SEEK_END)
    random = np.random.default_rng(1)
    for place, length in zip(random.integers(0, len(whole), 100), random.integers(1, 10**6, 100), strict=True):
        archive.seek(int(place))
        assert archive.read(int(length)) == whole[place : place + length]
        assert archive.tell() == min(len(whole), place + length)


def test_what_is_removed_meanwhile_is_sent_all_the_same(files):
    archive = Archive(files)
    for path in files.values():
        path.unlink()
    assert zipfile.ZipFile(archive).testzip() is None


def test_it_says_once_when_it_is_closed_also_where_a_file_is_missing(files, tmp_path):
    closed = []
    archive = Archive(files, lambda: closed.append(1))
    assert closed == []
    archive.close()
    archive.close()
    assert closed == [1]
    with pytest.raises(FileNotFoundError):
        Archive(files | {"gone.wav": tmp_path / "gone"}, lambda: closed.append(2))
    assert closed == [1, 2]


def test_its_memory_does_not_grow_with_the_files(tmp_path):
    path = tmp_path / "large.wav"
    with open(path, "wb") as file:
        file.truncate(10**8)  # no disk is taken
    tracemalloc.start()
    archive = Archive({"large.wav": path, "again.wav": path})
    archive.seek(10**8 - 1000)
    assert archive.read(1000) == bytes(1000)
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()


def test_files_may_be_larger_than_zip_once_had_fields_for(files, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10**6)
    archive = Archive(files)
    assert b"PK\x06\x06" in archive.read()  # the end of a large archive
    assert zipfile.ZipFile(archive).testzip() is None


@pytest.mark.parametrize(
    ("title", "name"), [("a/b\\c: d?", "a_b_c_ d_"), ("..hidden", "hidden"), ("", "song"), ("Grüße 曲", "Grüße 曲")]
)
def test_names_fit_any_system(title, name):
    assert file_name(title) == name


def test_a_server_sends_it_whole_and_in_ranges(server, sound):
    _, job = served.post(server.address, ("song", sound, "A song.wav"))
    path = f"/api/jobs/{job['id']}/parts.wav.zip"
    served.until(server.address, job["id"])
    status, headers, whole = served.ask(server.address, path)
    assert (status, headers["Content-Type"], int(headers["Content-Length"])) == (200, "application/zip", len(whole))
    assert "A song - parts (WAV).zip" in headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.namelist() == ["A song - guitar.wav", "A song - rest.wav"] and archive.testzip() is None
    for asked, part in (("bytes=100-199", whole[100:200]), ("bytes=-50", whole[-50:]), ("bytes=9-", whole[9:])):
        assert served.ask(server.address, path, Range=asked)[::2] == (206, part)
    assert served.ask(server.address, path, "HEAD")[::2] == (200, b"")
    for wrong in ("parts.flac.zip", "parts.zip", "parts.png.zip", "guitar.wav.zip", "parts.wav", "parts.wav.zip.zip"):
        assert served.ask(server.address, f"/api/jobs/{job['id']}/{wrong}")[0] == 404, wrong


def test_archives_make_room_for_others(server, sound):
    """So many may be sent at once; their places are free again when they were, or were refused."""
    _, job = served.post(server.address, ("song", sound, "a.wav"))
    path = f"/api/jobs/{job['id']}/parts.wav.zip"
    served.until(server.address, job["id"])
    for _ in range(70):
        assert served.ask(server.address, path, "HEAD")[0] == 200
    assert served.ask(server.address, path, Range="bytes=999999999-")[0] == 416
    assert served.ask(server.address, path)[0] == 200


def test_not_before_the_song_is_done(server, sound):
    strangers.Quick.gate.clear()
    try:
        _, job = served.post(server.address, ("song", sound, "a.wav"))
        status, _, body = served.ask(server.address, f"/api/jobs/{job['id']}/parts.wav.zip")
        assert status == 409 and "not separated yet" in json.loads(body)["message"]
    finally:
        strangers.Quick.gate.set()
    served.until(server.address, job["id"])
