"""The command `sections`: where the sections of songs are and which are alike, as tables, labels and a picture."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.stages.console import command
from structure.stage import Task, parser, run_stage

if TYPE_CHECKING:
    from structure.features import Features
    from structure.segmentation import SectionSettings

FILES = ("sections.csv", "sections.json", "sections.txt", "sections.png", "sections.svg")


def write(features: "Features", song: str, folder: Path, settings: "SectionSettings") -> str:
    """Write FILES into `folder`; the note has the labels in order."""
    from structure.analysis import sections_in
    from structure.files import write_sections
    from structure.pictures import draw_sections

    found, places = sections_in(features, settings)
    write_sections(found, song, folder)
    draw_sections(places, found, settings, song, folder / "sections")
    return " ".join(found.labels)


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    from structure.segmentation import METHODS, SectionSettings

    made = parser("sections", __doc__)
    usual = SectionSettings()
    made.add_argument(
        "--method",
        choices=METHODS,
        default=usual.method,
        help="network: where sections begin, by a trained network; novelty: where the song changes, by its "
        "self-similarity; laplacian: groups of places that are alike "
        f"(default: {usual.method})",
    )
    made.add_argument(
        "--groups",
        type=int,
        default=usual.groups,
        metavar="N",
        help=f"number of different sections that laplacian looks for (default: {usual.groups})",
    )
    options = made.parse_args(arguments)
    if options.groups < 2:
        raise ValueError(f"--groups must be at least 2, not {options.groups}")
    settings = SectionSettings(method=options.method, groups=options.groups)
    return run_stage(options, Task("sections", FILES, write, settings, asdict(settings), options.overwrite))


if __name__ == "__main__":
    sys.exit(main())
