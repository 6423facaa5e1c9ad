"""How closely a song's stems by `htdemucs` here agree with those by Demucs, with the same weights, in float32.

    python3.11 -m venv other && other/bin/pip install torch demucs==4.1.0 soundfile
    python tests/benchmarks/demucs_agreement.py --demucs other/bin/python --weights 955717e8.safetensors

The song is the example song, again and again. Demucs writes 16-bit files, whose steps are 1.5e-5 of full scale.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from processes import machine, run, write_song


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--demucs", required=True, metavar="PYTHON", help="a Python that has Demucs")
    parser.add_argument("--weights", required=True, type=Path, metavar="FILE", help="a .safetensors file of htdemucs")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the song (default: 60)")
    options = parser.parse_args()
    print(machine())
    from splitstrument import Separator

    with tempfile.TemporaryDirectory() as folder:
        song, model, theirs = Path(folder, "song.wav"), Path(folder, "model"), Path(folder, "theirs")
        model.mkdir()
        weights = model / options.weights.name
        weights.write_bytes(options.weights.read_bytes())
        write_song(song, options.seconds)
        script = str(Path(__file__).with_name("demucs_random.py"))
        run([options.demucs, script, "separate", str(weights), str(song), str(theirs)])
        audio, rate = soundfile.read(song, dtype="float32")
        parts = Separator(model, precision="float32").separate(audio, rate)
        peak = np.abs(audio).max()
        print("| part | largest difference, of the song's peak | theirs over the difference |\n|---|---|---|")
        for name, ours in parts.items():
            expected = soundfile.read(theirs / f"{name}.wav", dtype="float32")[0]
            error = ours - expected
            decibels = 10 * np.log10((expected**2).sum() / (error**2).sum())
            print(f"| {name} | {np.abs(error).max() / peak:.1e} | {decibels:.0f} dB |")


if __name__ == "__main__":
    sys.exit(main())
