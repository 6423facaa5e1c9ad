"""A song's tags and cover, for its stems: read with FFmpeg's libraries, for any format, and written with mutagen."""

import base64
import contextlib
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.files.audio_info import AudioError
from splitstrument.files.ffmpeg import open_container

if TYPE_CHECKING:
    from mutagen.id3 import ID3

# FFmpeg's name for a tag -> its names in Vorbis comments and in ID3.
_NAMES = {
    "title": ("title", "TIT2"),
    "artist": ("artist", "TPE1"),
    "album": ("album", "TALB"),
    "album_artist": ("albumartist", "TPE2"),
    "track": ("tracknumber", "TRCK"),
    "date": ("date", "TDRC"),
    "genre": ("genre", "TCON"),
}
_IMAGES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}  # by their first bytes
_FRONT = 3  # the picture type for a front cover
_LARGEST = 10_000_000  # bytes of a cover; FLAC can hold 16 MiB
_WAV_LIMIT = 2**32 - 2**16  # bytes, including the tags
_QUICK = {"analyzeduration": "200000"}  # microseconds of sound to analyse


@dataclass(frozen=True)
class Tags:
    """Tags by FFmpeg's names, and the bytes of a cover (b"": none) with its media type."""

    texts: Mapping[str, str] = field(default_factory=dict)
    cover: bytes = b""
    image: str = ""

    def of_part(self, part: str) -> "Tags":
        """The tags for one part of the song; the title names the part."""
        title = {"title": f"{self.texts['title']} ({part})"} if "title" in self.texts else {}
        return Tags({**self.texts, **title}, self.cover, self.image)

    def write(self, path: Path, format: str) -> None:
        """Write the tags into a complete audio file that has none. What its format cannot hold is left out."""
        if not self.texts and not self.cover:
            return
        import mutagen

        write: dict[str, Callable[[Path], None]]
        write = {"wav": self._write_wav, "flac": self._write_flac, "mp3": self._write_mp3, "ogg": self._write_ogg}
        with contextlib.suppress(mutagen.MutagenError, OSError, ValueError, struct.error):
            write[format](path)

    def _write_wav(self, path: Path) -> None:
        from mutagen.wave import WAVE

        if path.stat().st_size + len(self.cover) > _WAV_LIMIT:
            return
        sound: Any = WAVE(path)
        sound.add_tags()
        self._fill(sound.tags)
        sound.save()

    def _write_mp3(self, path: Path) -> None:
        from mutagen.id3 import ID3

        tags = ID3()
        self._fill(tags)
        tags.save(path)

    def _write_flac(self, path: Path) -> None:
        from mutagen.flac import FLAC

        sound = FLAC(path)
        sound.update(self._comments())
        if self.cover:
            sound.add_picture(self._picture())
        sound.save()

    def _write_ogg(self, path: Path) -> None:
        from mutagen.oggvorbis import OggVorbis

        sound = OggVorbis(path)
        sound.update(self._comments())
        if self.cover:
            sound["metadata_block_picture"] = base64.b64encode(self._picture().write()).decode()
        sound.save()

    def _comments(self) -> dict[str, str]:
        return {_NAMES[name][0]: text for name, text in self.texts.items()}

    def _picture(self) -> Any:
        from mutagen.flac import Picture

        picture = Picture()
        picture.type, picture.mime, picture.data = _FRONT, self.image, self.cover
        return picture

    def _fill(self, tags: "ID3") -> None:
        from mutagen import id3

        for name, text in self.texts.items():
            tags.add(getattr(id3, _NAMES[name][1])(encoding=id3.Encoding.UTF8, text=text))
        if self.cover:
            tags.add(id3.APIC(encoding=id3.Encoding.UTF8, mime=self.image, type=_FRONT, data=self.cover))


def read_tags(path: str | Path) -> Tags:
    """The tags and the cover of a song. Tags that are broken or not text are left out."""
    import av

    try:
        with open(path, "rb") as file, open_container(file, _QUICK) as container:
            said = dict(container.metadata)
            if container.format.name == "ogg" and container.streams.audio:
                said |= container.streams.audio[0].metadata
            texts = {name.lower(): text.strip() for name, text in said.items() if text.isprintable()}
            texts = {name: texts[name] for name in _NAMES if texts.get(name) and "\ufffd" not in texts[name]}
            cover, image = next(_covers(container), (b"", ""))
            return Tags(texts, cover, image)
    except (av.FFmpegError, AudioError, OSError):
        return Tags()


def _covers(container: Any) -> Iterator[tuple[bytes, str]]:
    """The pictures with their media types, the front cover first."""
    import av

    attached = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if stream.disposition & attached]
    for stream in sorted(streams, key=lambda stream: stream.metadata.get("comment") != "Cover (front)"):
        with contextlib.suppress(av.FFmpegError):
            data = next((bytes(packet) for packet in container.demux(stream)), b"")
            image = next((image for start, image in _IMAGES.items() if data.startswith(start)), "")
            if image and len(data) <= _LARGEST:
                yield data, image
