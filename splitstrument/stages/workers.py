"""The processes that do a stage's work, by joblib: on this machine, or on a cluster's machines."""

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
    """joblib at work with this backend; its own processes end with it."""
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
        # Before anything is cleaned up, nothing must write any more.
        for process in multiprocessing.active_children():
            if process.pid is not None:
                os.kill(process.pid, signal.SIGKILL)
            process.join()
        raise


@contextlib.contextmanager
def ignoring_sigint() -> Iterator[None]:
    """Processes that start meanwhile ignore Ctrl-C, which a terminal sends to all: this one ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def work_for(parent: int, folder: str) -> None:
    """Be a process of `parent`, a process id: end with it, and work in its folder, as relative paths are meant.

    A process that is used again, or is a cluster's, began elsewhere.
    """
    _die_with(parent)
    os.chdir(folder)


@functools.cache
def _die_with(parent: int) -> None:
    """In a process that `parent` began, end with it: else it would go on writing when the parent has been killed."""
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
