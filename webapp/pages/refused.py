"""What a person asked for and cannot have."""


class Refused(Exception):
    """An HTTP `status` and `message`, one line for people that says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message
