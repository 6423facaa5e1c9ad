"""Collections as their makers give them (MUSDB18, DSD100, MoisesDB ...): mixed once into WAV tracks beside them.

Training reads any window of a WAV file without decoding the rest. So a collection whose stems are in another format,
at another rate, or in several files for each part is first mixed by the command `splitstrument mix --parts`, into the
folder `<collection>_wav`. That may be deleted at any time. Folders of tracks that can be read as they are stay as they
are.
"""

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from splitstrument.files.folders import walk
from splitstrument.tracks import STEM_FILE, STEMS, Track, TrackError, songs_of_stems, tracks_of_parts
from training.config import Run
from training.processes import run_command

# The metadata of MoisesDB, Slakh and MedleyDB, by which `splitstrument mix` recognises them.
_METADATA = re.compile(r"data\.json|metadata\.yaml|.+_METADATA\.yaml")


@dataclass(frozen=True)
class Decoding:
    """A collection to mix into WAV tracks with these parts, as `mix --parts` takes them, at this sample rate in Hz."""

    collection: Path
    parts: tuple[str, ...]
    rate: int

    @property
    def output(self) -> Path:
        """The folder that is mixed into."""
        names = "_".join(part.partition("/")[0] for part in self.parts)
        collection = Path(os.path.abspath(self.collection))
        return collection.with_name(f"{collection.name}_wav") / f"{names}_{self.rate}hz"

    @property
    def tracks(self) -> Path:
        """The folder of the tracks."""
        return self.output / f"tracks_{self.rate}hz"

    @property
    def arguments(self) -> list[str]:
        """The command that mixes it, without the program's name and the output."""
        return ["mix", str(self.collection), "--parts", *self.parts, "--rates", str(self.rate)]

    @property
    def command(self) -> str:
        """The command that mixes it, as it is typed."""
        return shlex.join(["splitstrument", *self.arguments, "--output", str(self.output)])


def decoding(run: Run, folder: Path) -> Decoding | None:
    """The Decoding that `run` needs to train on `folder`; None if the tracks can be read as they are, or are none."""
    listing = [(path, files) for path, _, files in walk(folder, unreadable=[])]
    if songs := songs_of_stems(listing):
        if tracks_of_parts(listing) or all(_is_wav(song, run.sample_rate) for song in songs):
            return None
    elif tracks_of_parts(listing) or not any(_METADATA.fullmatch(name) for _, files in listing for name in files):
        return None
    return Decoding(folder, _parts(run), run.sample_rate)


def _is_wav(song: Track, rate: int) -> bool:
    """Whether the stems are WAV files at this rate. Files that cannot be read count, so that they are reported."""
    path = song.path(STEMS[0])
    if path.name.endswith(STEM_FILE):
        return False
    try:
        return song.wave(next((stem for stem in STEMS if song.path(stem).exists()), STEMS[0])).rate == rate
    except TrackError:
        return True


def _parts(run: Run) -> tuple[str, ...]:
    """The parts to mix. Runs of any of MUSDB's four stems get all of them, so that they can share one folder."""
    named = run.source_names[: -1 if run.whole else None]
    if set(named) <= set(STEMS):
        return "vocals", "drums", "bass"
    # As in the thesis, a guitar is any guitar, unless the run tells the two apart.
    guitar = "guitar" if "distorted_guitar" in named else "guitar/distorted_guitar"
    return tuple(guitar if name == "guitar" else name for name in named if name != "other")


def decode(needed: Decoding) -> None:
    """Mix a collection, or what is new in it. An interrupted mix is continued.

    Raises ValueError, in one line that says what to do, if not all tracks could be mixed; SystemExit if it was
    stopped.
    """
    print(f"{needed.collection}: the WAV files for training are in {needed.output}; you may delete them", flush=True)
    code = run_command(*needed.arguments, "--output", str(needed.output))
    if code == 130:
        raise SystemExit(code)
    if code == 1:
        raise TrackError(
            f"{needed.collection}: not all of its tracks could be decoded, see above; mend or remove the others, or "
            f"train on those in {needed.output} (--pairs)"
        )
    if code < 0:
        raise TrackError(f"{needed.collection}: decoding was killed (signal {-code}); give the same command again")
    if code:
        raise TrackError(
            f"{needed.collection}: could not be decoded; to do it elsewhere, use splitstrument "
            f"{shlex.join(needed.arguments)} --output DIR, then train with --pairs DIR"
        )
    if not needed.tracks.is_dir():
        raise TrackError(
            f"{needed.collection}: none of its tracks has stems of {' or '.join(needed.parts)}; change the run's "
            "sources, or use another collection"
        )
