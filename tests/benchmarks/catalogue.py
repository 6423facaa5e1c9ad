"""How long the catalogue of 2,000 tracks takes: Slakh's layout, 10 stems each, FLAC.

python tests/benchmarks/catalogue.py
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import yaml

PROGRAMS = ["Distortion Guitar", "Acoustic Grand Piano", "Drums", "Electric Bass (finger)", "String Ensemble 1"] * 2


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        soundfile.write(root / "stem.flac", np.random.default_rng(0).normal(0, 0.1, (44100, 1)), 44100)
        stems = {}
        for number, program in enumerate(PROGRAMS):
            facts = {"audio_rendered": True, "is_drum": program == "Drums", "midi_program_name": program}
            facts |= {"inst_class": "?", "integrated_loudness": -20.5, "midi_saved": True, "program_num": number}
            stems[f"S{number:02}"] = facts | {"plugin_name": "plugin.nkm"}
        text = yaml.safe_dump({"UUID": "0", "audio_dir": "stems", "normalized": True, "stems": stems})
        for track in range(2000):
            track_folder = root / "slakh" / "train" / f"Track{track + 1:05}"
            (track_folder / "stems").mkdir(parents=True)
            (track_folder / "metadata.yaml").write_text(text)
            for stem in stems:
                os.link(root / "stem.flac", track_folder / "stems" / f"{stem}.flac")
            os.link(root / "stem.flac", track_folder / "mix.flac")
        line = [sys.executable, "-m", "datasets_tools.catalogue", "--slakh", str(root / "slakh")]
        start = time.perf_counter()
        subprocess.run([*line, "--output", str(root / "tracks.yaml")], check=True)
        print(f"{time.perf_counter() - start:.1f} s for 2000 tracks of 10 stems")


if __name__ == "__main__":
    main()
