"""The commands: name -> (where its `main` is, what it does). Only text, so that `--help` imports nothing else."""

COMMANDS = {
    "separate": ("splitstrument.separate:main", "take songs apart into an instrument and the rest"),
    "models": ("splitstrument.listing:models_main", "list the trained models"),
    "networks": ("splitstrument.listing:networks_main", "list the networks, their options and sizes"),
    "train": ("training.train:main", "train a model on pairs of instrument and rest"),
    "synthesize": ("datasets_tools.synthesize:main", "render pairs from MIDI and sampled instruments"),
    "rockband": ("datasets_tools.rockband:main", "make pairs of the songs of rhythm games"),
    "band": ("datasets_tools.band:main", "play small songs with a self-made band"),
}
