"""Run another command of splitstrument in a process of its own, which ends with this one."""

import signal
import subprocess
import sys

from splitstrument.stages.signals import stop_signals


def run_command(*arguments: str) -> int:
    """Run `splitstrument <arguments>` and return its exit code. Signals that stop this process stop it too.

    In its own process group, it does not receive the terminal's Ctrl-C, only the signals forwarded here.
    """
    line = [sys.executable, "-m", "splitstrument", *arguments]
    with subprocess.Popen(line, process_group=0) as process:
        numbers = stop_signals()
        before = [signal.signal(number, lambda *_: process.terminate()) for number in numbers]
        code = process.wait()
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    return code
