"""Folders searched in one way by every command: what a person would call their files, and nothing else."""

import os
from collections.abc import Iterator
from pathlib import Path

# What other programs and systems leave beside people's files, apart from hidden names.
_FOREIGN = {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found", "Thumbs.db", "desktop.ini"}

# In a folder with the first file are stems that were separated; in EXCERPTS beside the second, those of an evaluation.
SEPARATED, EVALUATED, EXCERPTS = ".separated.json", ".evaluate.json", "excerpts"


def is_foreign(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or is another program's: `._song.mp4`, `.Trash-1000`."""
    return name.startswith(".") or name in _FOREIGN


def walk(
    root: str | os.PathLike[str], unreadable: list[OSError] | None = None
) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield (folder, its subfolders, its files) of `root` and all below, names sorted, foreign ones left out.

    Links are followed, and each real folder comes once, by a path without links if it has one; so links that loop come
    to an end. What models made, by `separate` and `evaluate`, is passed over below `root`: it is nobody's recording.
    A file is what can be opened: a link to nothing is none. Where there is no folder, nothing comes.
    A folder that cannot be read is told to `unreadable`, and the others come; without that it is a ValueError.
    """

    def tell(error: OSError) -> None:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return
        if unreadable is None:
            raise ValueError(f"{error.filename}: cannot be opened: {(error.strerror or str(error)).lower()}")
        unreadable.append(error)

    seen: set[tuple[int, int]] = set()
    found: list[tuple[Path, list[str], list[str]]] = []
    starts = [Path(root)]
    while starts:
        links = []
        for start in starts:
            for folder, folders, files in os.walk(start, onerror=tell):
                path, status = Path(folder), os.stat(folder)
                if (status.st_dev, status.st_ino) in seen:
                    folders.clear()
                    continue
                seen.add((status.st_dev, status.st_ino))
                if SEPARATED in files and path != Path(root):
                    folders.clear()
                    continue
                if EVALUATED in files and EXCERPTS in folders:
                    folders.remove(EXCERPTS)
                folders[:] = sorted(name for name in folders if not is_foreign(name))
                links += [path / name for name in folders if os.path.islink(path / name)]
                files = sorted(name for name in files if not is_foreign(name) and os.path.isfile(path / name))
                found.append((path, list(folders), files))
        starts = links
    yield from sorted(found, key=lambda one: one[0].parts)
