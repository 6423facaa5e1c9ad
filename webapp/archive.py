"""A ZIP of files on disk, made while it is sent: any part of it can be read, and only its headers are in memory.

The files are stored, not deflated: sound hardly gets smaller, and so the archive's length is known before it is sent.
"""

import io
import re
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

_BLOCK = 1 << 20
_UNFIT = r'[<>:"/\\|?*\x00-\x1f]'  # what names of files may not have on some systems


def file_name(name: str) -> str:
    """`name` as a name of a file inside an archive, for any system."""
    return re.sub(_UNFIT, "_", name).lstrip(".") or "song"


class Archive(io.RawIOBase):
    """The archive of these files, {name inside it: path}, as a file to read and seek in; `size`: its bytes.

    The files are read once when it is made, for their checksums, and stay open until it is closed: removing them
    in between changes nothing. `closed_by`: called once when it is closed. Raises OSError where a file is not there.
    """

    def __init__(self, files: Mapping[str, Path], closed_by: Callable[[], object] = lambda: None) -> None:
        self._closed_by, self._at = closed_by, 0
        self._files: list[BinaryIO] = []
        self._pieces: list[tuple[int, int, BinaryIO]] = []  # (from, to, what has these bytes), in order
        skeleton = _Skeleton()
        bodies = []
        try:
            with zipfile.ZipFile(skeleton, "w") as archive:  # type: ignore[call-overload]
                for name, path in files.items():
                    file = open(path, "rb")  # noqa: SIM115  (until `close`)
                    self._files.append(file)
                    member = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
                    with archive.open(member, "w") as entry:
                        start = skeleton.at
                        skeleton.hollow = True
                        shutil.copyfileobj(file, entry, _BLOCK)
                        skeleton.hollow = False
                        bodies.append((start, skeleton.at, file))
        except BaseException:
            self.close()
            raise
        heads = [(start, start + len(data), io.BytesIO(data)) for start, data in skeleton.written.items()]
        self._pieces = sorted([*heads, *bodies], key=lambda piece: piece[:2])
        self.size = self._pieces[-1][1]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, place + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence])
        return self._at

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Fill `buffer` from the current place on; fewer bytes only at the end. Returns their number."""
        filled = 0
        for start, stop, file in self._pieces:
            if start <= self._at < stop and filled < len(buffer):
                file.seek(self._at - start)
                data = file.read(min(len(buffer) - filled, stop - self._at))
                buffer[filled : filled + len(data)] = data
                filled += len(data)
                self._at += len(data)
        return filled

    def close(self) -> None:
        if not self.closed:
            for file in self._files:
                file.close()
            self._closed_by()
        super().close()


class _Skeleton(io.RawIOBase):
    """Keeps what `zipfile` writes around the files, {place: bytes}. While it is `hollow`, it only counts bytes."""

    def __init__(self) -> None:
        self.written: dict[int, bytes] = {}
        self.at, self.hollow = 0, False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        self.at = place
        return place

    def write(self, data: bytes) -> int:  # type: ignore[override]
        if not self.hollow:
            self.written[self.at] = bytes(data)  # the head of a file is written again when its checksum is known
        self.at += len(data)
        return len(data)
