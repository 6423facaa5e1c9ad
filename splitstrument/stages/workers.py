"""The worker processes of a stage, run by joblib on this machine or on a cluster."""

import contextlib
import functools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator

BACKENDS = ("loky", "threading", "dask", "ray")


@contextlib.contextmanager
def at_work(name: str, jobs: int) -> Iterator[None]:
    """Use joblib with this backend. Its processes end with the context."""
    from joblib import parallel_config

    if name == "dask":
        from dask.distributed import Client

        address = os.environ.get("DASK_SCHEDULER_ADDRESS")
        if not address:
            raise ValueError("--backend dask needs DASK_SCHEDULER_ADDRESS, such as tcp://192.168.1.2:8786")
        with Client(address), parallel_config(backend="dask", n_jobs=jobs):
            yield
        return
    if name == "ray":
        from ray.util.joblib import register_ray

        register_ray()
    try:
        with parallel_config(backend=name, n_jobs=jobs):
            yield
    except KeyboardInterrupt:
        # Nothing may write any more when the clean-up starts.
        for process in multiprocessing.active_children():
            if process.pid is not None:
                os.kill(process.pid, signal.SIGKILL)
            process.join()
        raise


@contextlib.contextmanager
def ignoring_sigint() -> Iterator[None]:
    """Make processes that start meanwhile ignore Ctrl-C, which a terminal sends to all; this process stops them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def work_for(parent: int, folder: str) -> None:
    """Prepare a worker: end it with its parent process, and change to the parent's folder, for relative paths.

    A reused process, or one on a cluster, was started in another folder.
    """
    _die_with(parent)
    os.chdir(folder)


@functools.cache
def _die_with(parent: int) -> None:
    """End this process when `parent`, if it started it, is gone. Otherwise it would go on writing after a kill."""
    if os.getppid() != parent:
        return

    def watch():
        while os.getppid() == parent:
            time.sleep(0.1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def processes(jobs: int) -> int:
    return jobs if jobs > 0 else os.cpu_count() or 1


def dead_workers() -> type[Exception]:
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    return TerminatedWorkerError
