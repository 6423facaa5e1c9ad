"""What stages share: outcomes, a process that dies, one command at a time in a folder, a cluster."""

import argparse
import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from splitstrument.commands import install_line
from splitstrument.files import atomic
from splitstrument.files.audio import AudioError
from splitstrument.stages import console, locking, run, signals
from splitstrument.stages.run import Outcome, Skip


@dataclass(frozen=True)
class Item:
    name: str
    deed: str = ""


def work(item):
    if item.deed == "skip":
        raise Skip("nothing to do")
    if item.deed == "fail":
        raise AudioError(f"{item.name}: broken")
    if item.deed == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item.deed == "memory":
        raise MemoryError
    return Outcome(item.name, result=os.getpid())


def options(*arguments):
    parser = argparse.ArgumentParser()
    run.add_options(parser)
    return parser.parse_args(arguments)


def test_every_item_has_its_outcome_in_order(capsys):
    items = [Item("a"), Item("b", "skip"), Item("c", "fail"), Item("d", "memory"), Item("e")]
    outcomes = run.run(work, items, options("--jobs", "2"))
    assert [outcome.name for outcome in outcomes] == list("abcde")
    assert [outcome.state for outcome in outcomes] == ["done", "skipped", "failed", "failed", "done"]
    assert outcomes[0].result != os.getpid()
    assert run.summarise(outcomes) == 1
    assert capsys.readouterr().out.splitlines() == [
        "skipped: nothing to do: b",
        "failed: c: c: broken",
        "failed: d: out of memory",
        "tracks: 2 done, 0 already there, 1 skipped, 2 failed",
    ]
    assert run.summarise(outcomes[:2]) == 0


@pytest.mark.slow
def test_a_process_that_dies_fails_its_own_item_only():
    items = [Item(f"item{number}", "die" if number in (3, 17) else "") for number in range(30)]
    outcomes = run.run(work, items, options("--jobs", "2"))
    failed = [outcome for outcome in outcomes if outcome.state != "done"]
    assert [outcome.name for outcome in failed] == ["item3", "item17"]
    assert all("died" in outcome.reason for outcome in failed)


@pytest.mark.slow
def test_a_dask_cluster_of_two_workers_does_the_work(monkeypatch):
    distributed = pytest.importorskip("distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**settings) as cluster:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", cluster.scheduler_address)
        workers = {worker.pid for worker in cluster.workers.values()}
        items = [Item(f"item{number}", "fail" if number == 5 else "") for number in range(12)]
        outcomes = run.run(work, items, options("--backend", "dask"))
    assert [outcome.state for outcome in outcomes] == ["done"] * 5 + ["failed"] + ["done"] * 6
    assert {outcome.result for outcome in outcomes if outcome.state == "done"} <= workers


def test_one_command_at_a_time_writes_into_a_folder(tmp_path):
    with (
        run.output_folder(tmp_path / "new" / "output") as folder,
        pytest.raises(run.StageError, match="another command"),
        run.output_folder(folder),
    ):
        pass
    for name in (".left", "track/.left", "training/tracks_22050hz/.left"):
        (folder / (name + atomic.SUFFIX)).mkdir(parents=True)
    (folder / "track" / ".mine.part").write_text("a person's own")
    with run.output_folder(folder):
        assert sorted(path.name for path in folder.rglob("*")) == [".mine.part", "track", "tracks_22050hz", "training"]
        (folder / f".new{atomic.SUFFIX}").mkdir()
    assert sorted(path.name for path in folder.rglob("*")) == [".mine.part", "track", "tracks_22050hz", "training"]


def test_a_file_system_without_locks_keeps_what_others_may_be_making(tmp_path, monkeypatch):
    def no_locks(handle, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    (tmp_path / f".theirs{atomic.SUFFIX}").mkdir()
    with run.output_folder(tmp_path) as folder:
        assert os.listdir(folder) == [f".theirs{atomic.SUFFIX}"]
    assert os.listdir(tmp_path) == [f".theirs{atomic.SUFFIX}"]


def test_a_folder_that_was_removed_meanwhile_is_made_again(tmp_path):
    folder = tmp_path / "song"

    def keep():
        with locking.kept(folder):
            return folder.is_dir()

    with ThreadPoolExecutor(1) as pool:
        with locking.kept(folder):
            waiting = pool.submit(keep)
            with pytest.raises(TimeoutError):
                waiting.result(0.2)
            folder.rmdir()
        assert waiting.result(600)


def test_a_closed_terminal_stops_a_command_once_and_nohup_does_not(monkeypatch):
    with signals.stopped_by_signals():
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGHUP)  # the shell's, after the terminal's
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN)
    assert signal.SIGHUP not in signals.stop_signals()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")

    @console.command
    def main(_):
        with run.output_folder(tmp_path / "file" / "output"):
            return 0

    assert main([]) == 2
    assert capsys.readouterr().err.startswith(f"splitstrument: {tmp_path}/file/output: cannot be written")


def test_a_package_that_is_missing_is_told_with_the_way_to_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    @console.command
    def main(_):
        import matplotlib

        return matplotlib

    assert main([]) == 2
    assert capsys.readouterr().err == f"splitstrument: needs matplotlib: {install_line('splitstrument[datasets]')}\n"


@pytest.mark.slow
def test_no_process_outlives_the_one_that_began_it(tmp_path):
    code = """
import sys, time
from tests.test_stages import Item, linger, options
from splitstrument.stages import run
run.run(linger, [Item(sys.argv[1] + "/a"), Item(sys.argv[1] + "/b")], options("--jobs", "2"))
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    while len(list(tmp_path.glob("[!.]*"))) < 2:
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    workers = [int(path.read_text()) for path in tmp_path.glob("[!.]*")]
    states = [Path(f"/proc/{worker}/stat") for worker in workers]
    end = time.monotonic() + 600
    while [state for state in states if state.exists() and state.read_text().split()[2] != "Z"]:
        assert time.monotonic() < end
        time.sleep(0.05)


def linger(item):
    path = Path(item.name)
    path.with_name(f".{path.name}").write_text(str(os.getpid()))
    path.with_name(f".{path.name}").rename(path)
    time.sleep(3600)
    return Outcome(item.name)


def test_wrong_numbers_of_jobs_are_refused(capsys):
    for jobs in ("0", "-2", "x"):
        with pytest.raises(SystemExit):
            options("--jobs", jobs)
    assert "must be 1 or more, or -1" in capsys.readouterr().err


def test_relative_paths_are_meant_from_where_the_command_is(tmp_path, monkeypatch):
    for name in ("one", "other"):  # the processes of the first are used again
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        outcomes = run.run(leave, [Item("a"), Item("b")], options("--jobs", "2"))
        assert [outcome.state for outcome in outcomes] == ["done", "done"]
        assert sorted(os.listdir(tmp_path / name)) == ["a", "b"]


def leave(item):
    Path(item.name).touch()
    return Outcome(item.name)


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    (tmp_path / f".track{atomic.SUFFIX}").mkdir()
    for name in (f"..mix.json.3392{atomic.SUFFIX}", ".kept.json", "pairs.yaml"):
        (tmp_path / name).write_text("{")
    with run.output_folder(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".kept.json", "pairs.yaml"]
