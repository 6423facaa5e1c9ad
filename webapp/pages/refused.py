"""What a person asked for and cannot have, in words that tell nothing of how this server is set up."""

import re

FULL = "The disk of this server is full. Please try again later."


class Refused(Exception):
    """An HTTP `status` and `message`, one line for people that says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def is_full(error: BaseException) -> bool:
    """Whether a disk was full, or a quota of it."""
    return bool(re.search("no space left|quota exceeded|disk full|disk is full", str(error), re.IGNORECASE))


def without_folders(line: str, *folders: object) -> str:
    """`line`, an error's, where files are called by their names alone: without these `folders`, and any other."""
    for folder in folders:
        line = line.replace(f"{folder}/", "")
    return re.sub(r"(?<![\w.])/(?:[^\s/:]+/)+", "", line)
