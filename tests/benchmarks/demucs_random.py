"""Demucs's htdemucs with random weights. Runs in an environment that has Demucs.

    PYTHON demucs_random.py write FILE.safetensors            # random weights, as the authors publish theirs
    PYTHON demucs_random.py separate FILE.safetensors SONG FOLDER

The network has the sizes of the published `htdemucs` (41,984,456 parameters); its time does not depend on what its
weights are. A song goes from its file to the files of its stems, with Demucs's own defaults but one: no shifts.
"""

import json
import sys
from fractions import Fraction
from pathlib import Path

PARAMETERS = 41_984_456
SOURCES = ["drums", "bass", "other", "vocals"]


def write(file: Path) -> None:
    """Write random weights, with the metadata from which Demucs makes the network."""
    import torch
    from demucs.htdemucs import HTDemucs
    from safetensors.torch import save_file

    torch.manual_seed(0)
    sizes = {"bottom_channels": 512, "dconv_mode": 3}
    network = HTDemucs(SOURCES, **sizes, segment=Fraction(39, 5))
    parameters = sum(tensor.numel() for tensor in network.parameters())
    if parameters != PARAMETERS:
        sys.exit(f"this htdemucs has {parameters:,} parameters, the published one {PARAMETERS:,}")
    segment = {"_type": "fraction", "numerator": 39, "denominator": 5}
    kwargs = json.dumps({"sources": SOURCES, **sizes, "segment": segment})
    save_file(network.state_dict(), file, {"klass": "demucs.htdemucs.HTDemucs", "args": "[]", "kwargs": kwargs})


def separate(file: Path, song: Path, folder: Path) -> None:
    """Write the stems of a song."""
    import soundfile
    import torch
    from demucs.apply import apply_model
    from demucs.hf import load_safetensors_model

    network = load_safetensors_model(file)
    sound, rate = soundfile.read(song, dtype="float32", always_2d=True)
    mixture = torch.from_numpy(sound.T.copy())[None]
    parts = apply_model(network, mixture, shifts=0, split=True, overlap=0.25)[0]
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in zip(network.sources, parts, strict=True):
        soundfile.write(folder / f"{name}.wav", part.T.numpy(), rate, "PCM_16")


if __name__ == "__main__":
    paths = [Path(path) for path in sys.argv[2:]]
    if sys.argv[1:2] == ["write"] and len(paths) == 1:
        write(*paths)
    elif sys.argv[1:2] == ["separate"] and len(paths) == 3:
        separate(*paths)
    else:
        sys.exit(__doc__)
