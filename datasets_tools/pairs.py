"""Writing pairs of instrument and rest: `<track>/{instrument,rest}_<track>.wav`, whole or not at all."""

import os
import shutil
from pathlib import Path


def write_pair(folder, instrument, rest, sample_rate):
    """Write one pair as 16-bit WAV into `folder`, named by the track; the folder appears when both are complete.

    `instrument`, `rest`: float (frames, channels), full scale 1.
    """
    import soundfile

    folder = Path(folder)
    part = folder.with_name(f".{folder.name}.part{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, audio in (("instrument", instrument), ("rest", rest)):
        soundfile.write(part / f"{name}_{folder.name}.wav", audio, sample_rate, "PCM_16")
    part.rename(folder)
