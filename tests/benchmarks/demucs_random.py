"""A song through htdemucs with random weights, from file to files. Runs in an environment that has Demucs.

    PYTHON demucs_random.py SONG FOLDER

The network has the sizes of Demucs's published `htdemucs` (41,984,456 parameters), whose time does not depend on what
its weights are; to make random ones takes about as long as to load the real ones.
"""

import sys
from fractions import Fraction
from pathlib import Path

PARAMETERS = 41_984_456


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    import soundfile
    import torch
    from demucs.apply import apply_model
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(0)
    sizes = {"bottom_channels": 512, "dconv_mode": 3, "segment": Fraction(39, 5)}
    network = HTDemucs(["drums", "bass", "other", "vocals"], **sizes)
    parameters = sum(tensor.numel() for tensor in network.parameters())
    if parameters != PARAMETERS:
        sys.exit(f"this htdemucs has {parameters:,} parameters, the published one {PARAMETERS:,}")
    sound, rate = soundfile.read(sys.argv[1], dtype="float32", always_2d=True)
    mixture = torch.from_numpy(sound.T.copy())[None]
    parts = apply_model(network, mixture, shifts=0, split=True, overlap=0.25)[0]
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in zip(network.sources, parts, strict=True):
        soundfile.write(folder / f"{name}.wav", part.T.numpy(), rate, "PCM_16")


if __name__ == "__main__":
    main()
