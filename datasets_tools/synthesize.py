"""Render MIDI songs and chord charts with sampled and computed instruments, as multitrack songs in Slakh's layout.

`<output>/<track>/{mix.flac, metadata.yaml, structure.yaml, stems/SNN.flac}`, 44.1 kHz, stereo, 16 bit; the stems add
up to the mix. structure.yaml has the times of beats, bars and sections.
The metadata lists all sounds that were used, with their licences. The same seed gives the same songs, except that SFZ
programs with several recordings of a note choose among them at random.
"""

import argparse
import functools
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.parser import Parser
from splitstrument.stages.console import command
from splitstrument.stages.run import Outcome, StageError, add_options, output_folder, run, summarise

if TYPE_CHECKING:
    from datasets_tools.synthesis.material import Material, Song
    from datasets_tools.synthesis.songs import Rendered, Settings


@dataclass(frozen=True)
class Wanted:
    """A song to render."""

    name: str
    index: int


def render_song(
    wanted: Wanted, output: str | Path, material: "Material", songs: "Sequence[Song]", settings: "Settings"
) -> Outcome:
    """Render a song to its folder, unless it already exists.

    Raises ValueError if the folder has a song made with other settings.
    """
    from datasets_tools.synthesis.players import RATE
    from datasets_tools.synthesis.songs import song
    from splitstrument.files.atomic import atomic_folder
    from splitstrument.files.writing import AudioWriter
    from splitstrument.files.yaml_files import plain, read_yaml, write_yaml

    folder = Path(output) / wanted.name
    made_by = plain(asdict(settings) | {"song": wanted.index, "left_out": sorted(material.left_out)})
    if not settings.forms:
        del made_by["forms"]  # songs that were made before it existed are the same
    if folder.exists():
        if read_yaml(folder / "metadata.yaml").get("made_by") != made_by:
            raise ValueError(f"{folder} was made with other settings; use another --output or --seed")
        return Outcome(wanted.name, "already there")
    rendered = song(material, songs, settings, wanted.index)
    with atomic_folder(folder) as part:
        (part / "stems").mkdir()
        files = {f"stems/S{number:02d}.flac": stem for number, stem in enumerate(rendered.stems)}
        for name, audio in {**files, "mix.flac": rendered.mix}.items():
            with AudioWriter(part / name, RATE, 2, "16") as writer:
                writer.write(audio)
        write_yaml(part / "metadata.yaml", metadata(rendered, made_by))
        write_yaml(part / "structure.yaml", structure(rendered), default_flow_style=None)
    return Outcome(wanted.name)


def metadata(rendered: "Rendered", made_by: dict[str, Any]) -> dict[str, Any]:
    """The fields of Slakh's metadata.yaml, and the source of every sound in the song."""
    import pretty_midi

    stems = {}
    for number, voice in enumerate(rendered.voices):
        drums, program = voice.part.drums, voice.instrument.program
        stems[f"S{number:02d}"] = {
            "audio_rendered": True,
            "inst_class": "Drums" if drums else pretty_midi.program_to_instrument_class(program),
            "is_drum": drums,
            "midi_program_name": "Drums" if drums else pretty_midi.program_to_instrument_name(program),
            "midi_saved": False,
            "plugin_name": voice.instrument.path.name if voice.instrument.path else voice.instrument.name,
            "program_num": 128 if drums else program,
            "instrument": voice.instrument.name,
            "licence": voice.instrument.licence,
            "playing": voice.part.role or "as the score says",
            "amplifier_drive_db": None if voice.drive is None else round(voice.drive, 1),
            "doubled": voice.doubled,
        }
    name, licence, file = rendered.score
    return {
        "audio_dir": "stems",
        "rendered_by": "splitstrument synthesize",
        "made_by": made_by,
        "score": {"name": name, "licence": licence, "file": file},
        **rendered.choices,
        "stems": stems,
    }


def structure(rendered: "Rendered") -> dict[str, Any]:
    """Where beats, bars and sections of a song are: the content of structure.yaml, times in seconds.

    `beats` are all beats, `bars` the first beats of bars. `sections` have start, end and label; a section with the
    label of an earlier one has its chords. There are none if the score's form is not known, as that of a MIDI file.
    """
    from datasets_tools.synthesis.players import RATE

    played, end = rendered.played, len(rendered.mix) / RATE
    starts = [*(time for time, _ in played.sections), end]
    return {
        "beats": [round(time, 4) for time in played.beats if time < end],
        "bars": [round(time, 4) for time in played.bars if time < end],
        "sections": [
            {"start": round(start, 4), "end": round(stop, 4), "label": label}
            for (start, label), stop in zip(played.sections, starts[1:], strict=True)
        ],
    }


def add_material(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which Material there is: --sounds, --material and --leave-out."""
    add = parser.add_argument
    add("--sounds", nargs="+", required=True, metavar="PATH", help="folders with instruments (SF2, SF3, SFZ)")
    add("--material", nargs="+", default=[], metavar="FILE", help="YAML files with further instruments and songs")
    add("--leave-out", nargs="+", default=[], metavar="NAME", help="material not to use: NAME, or NAME:FAMILY")


@command
def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser("synthesize", __doc__.split("\n")[0])
    add = parser.add_argument
    add_material(parser)
    add("--midi", nargs="+", default=[], metavar="PATH", help="MIDI files and charts (.mma), or folders of them")
    share = "share of songs from random chord charts (default: 0; needs mma)"
    add("--charts", type=float, default=0.0, metavar="SHARE", help=share)
    add("--forms", action="store_true", help="charts have sections, pick-ups, 3/4 and changes of tempo")
    add("--target", choices=("guitar", "piano"), default="guitar", help="the instrument to separate (default: guitar)")
    add("--songs", type=int, default=100, help="number of songs (default: 100)")
    add("--first", type=int, default=0, metavar="NUMBER", help="number of the first song (default: 0)")
    add("--seconds", type=float, default=60.0, help="length of each song (default: 60)")
    add("--seed", type=int, default=0, help="seed for all random choices (default: 0)")
    add("--output", type=Path, required=True, help="folder for the songs")
    add_options(parser)
    options = parser.parse_args(arguments)
    import pretty_midi  # noqa: F401  fail before the work begins if it is missing

    from datasets_tools.synthesis import charts
    from datasets_tools.synthesis.material import Material
    from datasets_tools.synthesis.songs import Settings

    if options.songs < 1 or options.first < 0:
        raise StageError("--songs must be at least 1, and --first at least 0")
    material = Material(options.sounds, options.material, options.leave_out)
    songs = material.songs(options.midi)
    settings = Settings(options.target, options.seconds, options.seed, options.charts if songs else 1.0, options.forms)
    if not material.kinds() & {"bank", "sfz"}:
        raise StageError(f"{options.sounds[0]}: contains none of the known instruments (docs/data.md lists them)")
    kinds = material.kinds()
    if "sfz" in kinds:
        import pysfizz  # noqa: F401
    if "bank" in kinds:
        import tinysoundfont  # noqa: F401
    if settings.charts and not charts.installed():
        raise StageError("--charts needs MMA (Debian's package mma); without it, use --midi with MIDI files")
    numbers = range(options.first, options.first + options.songs)
    wanted = [Wanted(f"{options.target}{options.seed}_{number:05d}", number) for number in numbers]
    make = functools.partial(render_song, output=options.output, material=material, songs=songs, settings=settings)
    with output_folder(options.output):
        outcomes = run(make, wanted, options, unit="song")
    return summarise(outcomes, "songs")


if __name__ == "__main__":
    sys.exit(main())
