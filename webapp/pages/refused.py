"""Refused requests, with messages that reveal nothing about how this server is set up."""

import re

FULL = "The disk of this server is full. Please try again later."


class Refused(Exception):
    """An HTTP `status` and `message`, one line for people that says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def is_full(error: BaseException) -> bool:
    """Whether a disk or a quota was full."""
    return bool(re.search("no space left|quota exceeded|disk full|disk is full", str(error), re.IGNORECASE))


def without_folders(line: str, *folders: object) -> str:
    """The `line` of an error with the names of files only: without these `folders`, and any other."""
    for folder in folders:
        line = line.replace(f"{folder}/", "")
    return re.sub(r"(?<![\w.])/(?:[^\s/:]+/)+", "", line)
