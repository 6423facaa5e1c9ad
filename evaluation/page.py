"""A page of text, tables, pictures and sounds: Markdown with its files in a folder, or self-contained HTML."""

import base64
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from splitstrument.files.tables import text
from splitstrument.files.texts import write_text
from splitstrument.files.writing import MP3_RATES, AudioWriter

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
img { max-width: 100%; background: white; }
pre { overflow-x: auto; padding: 0.6rem; background: color-mix(in srgb, currentColor 8%, transparent); }
audio { width: 16rem; max-width: 100%; }
"""


class Page:
    """A page to write to the file `path`, .md or .html. `add` appends blocks of Markdown.

    `picture` and `sound` return Markdown to use in a block. The context manager writes the page at the end, completely
    or not at all. A Markdown page puts its files in the folder `<name>_files` beside it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._blocks: list[str] = []
        self._kept_data: dict[str, str] = {}
        if self.path.suffix not in (".md", ".html"):
            raise ValueError(f"{path}: a page must be .md or .html")
        self.alone = self.path.suffix == ".html"
        self.folder = self.path.with_name(f"{self.path.stem}_files")

    def __enter__(self) -> "Page":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._making = tempfile.TemporaryDirectory(prefix=f".{self.path.name}.", dir=self.path.parent)
        self._files = Path(self._making.name)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._write()
        finally:
            self._making.cleanup()

    def add(self, *blocks: str) -> None:
        """Add blocks of Markdown."""
        self._blocks += blocks

    def picture(self, file: Path, name: str, title: str) -> str:
        """The PNG `file`, stored as `name` (a file name without suffix) and described by `title`."""
        return f"![{text(title)}]({self._kept(file, f'{name}.png', 'image/png')})"

    def draw(self, function: Callable, name: str, title: str, *arguments: object) -> str:
        """A picture that `function(path, *arguments)` draws to `path`.png, such as those of evaluation.plots."""
        path = self._files / "drawn"
        function(path, *arguments)
        drawn = self.picture(path.with_suffix(".png"), name, title)
        for file in self._files.glob("drawn.*"):
            file.unlink()
        return drawn

    def sound(self, file: Path, name: str, title: str) -> str:
        """An audio `file`, as MP3 if MP3 supports its sample rate: a player in HTML, a link in Markdown."""
        from splitstrument.files import audio

        samples, rate = audio.read(file)
        suffix, kind = (".mp3", "audio/mpeg") if rate in MP3_RATES else (".flac", "audio/flac")
        made = self._files / f"made{suffix}"
        with AudioWriter(made, rate, samples.shape[1], "16") as writer:
            writer.write(samples)
        address = self._kept(made, f"{name}{suffix}", kind)
        made.unlink()
        if not self.alone:
            return f"[{text(title)}]({address})"
        # A label for screen readers, without quotes and brackets.
        label = re.sub(r"[\"&<>]", "", title)
        return f'<audio controls preload="none" aria-label="{label}" src="{address}"></audio>'

    def _kept(self, file: Path, name: str, kind: str) -> str:
        """The address of a file: a placeholder for a data URL, or its path in the folder."""
        if self.alone:
            # Inserted at the end, since parsing it as Markdown would take minutes.
            address = f"kept:{len(self._kept_data)};"
            self._kept_data[address] = f"data:{kind};base64,{base64.b64encode(Path(file).read_bytes()).decode()}"
            return address
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", name)
        shutil.copyfile(file, self._files / name)
        return f"{self.folder.name.replace(' ', '%20')}/{name}"

    def _write(self) -> None:
        content = "\n\n".join(self._blocks) + "\n"
        if self.alone:
            content = re.sub('(?<=src=")kept:[0-9]+;(?=")', lambda match: self._kept_data[match[0]], html(content))
            write_text(self.path, content)
            return
        files = [file for file in self._files.iterdir() if file.is_file()]
        if files:
            self.folder.mkdir(exist_ok=True)
            for file in files:
                file.replace(self.folder / file.name)
        write_text(self.path, content)


def html(content: str) -> str:
    """Convert a page of Markdown to a complete HTML page."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    body = reader.render(content).replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    heading = re.search(r"^# (.*)$", content, re.MULTILINE)
    title = re.sub(r"<[^>]*>", "", reader.renderInline(heading[1])) if heading else "splitstrument"
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return (
        f'<!doctype html>\n<html lang="en">\n<head>{head}<title>{title}</title><style>{STYLE}</style></head>\n'
        f"<body>\n{body}</body>\n</html>\n"
    )
