"""The command `beats`: where the beats and bars of songs are, as tables, as labels for Audacity, and as a picture."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.stages.console import command
from structure.stage import Task, parser, run_stage

if TYPE_CHECKING:
    from structure.features import Features

FILES = ("beats.csv", "beats.json", "beats.txt", "bars.txt", "beats.png", "beats.svg")


def write(features: "Features", song: str, folder: Path, settings: Any) -> str:
    """Write FILES into `folder`; the note says tempo and metre. `settings`: (BeatSettings, BarSettings)."""
    from structure.analysis import beats_in
    from structure.files import write_beats
    from structure.pictures import draw_beats

    beats = beats_in(features, *settings)
    write_beats(beats, song, folder)
    draw_beats(features, beats, song, folder / "beats")
    three = int((beats.metres == 3).sum())
    metre = "3/4" if three == len(beats.metres) else "4/4" if not three else "4/4 and 3/4"
    return f"{len(beats.times)} beats, {len(beats.bars)} bars, about {beats.tempo:.0f} beats per minute, {metre}"


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    from splitstrument.files.yaml_files import plain
    from structure.bars import BarSettings
    from structure.tracking import BeatSettings

    made = parser("beats", __doc__)
    usual = BeatSettings()
    made.add_argument(
        "--tempo",
        type=float,
        default=usual.usual,
        metavar="BPM",
        help="the tempo that is preferred if half or twice of it fits as well, in beats per minute "
        f"(default: {usual.usual:g})",
    )
    options = made.parse_args(arguments)
    if not usual.slowest <= options.tempo <= usual.fastest:
        limits = f"{usual.slowest:g} to {usual.fastest:g}"
        raise ValueError(f"--tempo must be {limits} beats per minute, not {options.tempo:g}")
    settings = (BeatSettings(usual=options.tempo), BarSettings())
    record = plain({"beats": asdict(settings[0]), "bars": asdict(settings[1])})
    return run_stage(options, Task("beats", FILES, write, settings, record, options.overwrite))


if __name__ == "__main__":
    sys.exit(main())
