"""How every command searches folders: for the user's own files, ignoring those of systems and other programs."""

import os
from collections.abc import Iterator
from pathlib import Path

# Files and folders that other programs and systems leave beside people's files, apart from hidden ones.
_FOREIGN = {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found", "Thumbs.db", "desktop.ini"}

# A folder with the first file holds separated stems. EXCERPTS, beside the second, holds the stems of an evaluation.
SEPARATED, EVALUATED, EXCERPTS = ".separated.json", ".evaluate.json", "excerpts"


def is_foreign(name: str) -> bool:
    """Whether a file or folder with this name is hidden or belongs to another program: `._song.mp4`, `.Trash-1000`."""
    return name.startswith(".") or name in _FOREIGN


def walk(
    root: str | os.PathLike[str], unreadable: list[OSError] | None = None
) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield (folder, its subfolders, its files) for `root` and all folders below, with sorted names.

    Foreign files and folders are left out. Links are followed. Each real folder is visited once, by a path without
    links if it has one, so loops of links end. The output of `separate` and `evaluate` below `root` is skipped, since
    it is not a recording. Broken links are not files. If there is no folder `root`, nothing is yielded. A folder that
    cannot be read is added to `unreadable`, and the others are yielded; without `unreadable` it raises ValueError.
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
