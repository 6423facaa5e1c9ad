"""The commands, and the extra packages that some of them need. Only text, so `--help` imports nothing else."""

# name -> (where its `main` is, what it does)
COMMANDS = {
    "separate": ("splitstrument.separate:main", "separate songs into instruments, or voices, and the rest"),
    "beats": ("structure.beats:main", "find the beats and bars of songs"),
    "sections": ("structure.sections:main", "find the sections of songs, and which are alike"),
    "models": ("splitstrument.listing:models_main", "list, add and remove trained models"),
    "networks": ("splitstrument.listing:networks_main", "list the networks, their options and sizes"),
    "train": ("training.train:main", "train a model on tracks whose parts are known"),
    "evaluate": ("evaluation.evaluate:main", "score models and baselines on tracks whose parts are known"),
    "report": ("evaluation.report:main", "compare scored models on one page, with pictures and excerpts"),
    "documents": ("evaluation.documents:main", "show the tables of the thesis and four others beside our runs"),
    "thesis": ("evaluation.documents:main", "the same as documents"),
    "export": ("splitstrument.exporting:main", "write a model as a graph, ONNX or LiteRT, that needs no TensorFlow"),
    "serve": ("webapp.serve:main", "serve a web page where anyone can separate songs"),
    "catalogue": ("datasets_tools.catalogue:main", "list the tracks and stems of multitrack collections"),
    "organize": ("datasets_tools.organize:main", "bring all tracks into one layout"),
    "label": ("datasets_tools.label:main", "mark unfit stems, by ear or with automatic hints"),
    "mix": ("datasets_tools.mix:main", "mix stems into pairs of an instrument and the rest, or into several parts"),
    "silence": ("datasets_tools.silence:main", "measure and cut the silence of pairs"),
    "split": ("datasets_tools.split:main", "cut long recordings into pieces"),
    "genres": ("datasets_tools.genres:main", "count the genres of a data set"),
    "validation": ("datasets_tools.validation:main", "split tracks into training and validation"),
    "synthesize": ("datasets_tools.synthesize:main", "render songs with stems from MIDI and sampled instruments"),
    "band": ("datasets_tools.synthesis.band:main", "generate small songs with a computed band"),
    "bachata": ("datasets_tools.synthesis.bachata:main", "render bachata songs with stems and the times of their bars"),
}

# A module that only some users need -> the pip requirement that provides it: one of our extras, or another project.
MISSING_PACKAGES = {
    name: what
    for what, names in {
        "splitstrument[datasets]": ("matplotlib", "scipy"),
        "splitstrument[evaluation]": ("markdown_it", "mir_eval", "sklearn", "threadpoolctl"),
        "splitstrument[structure]": ("librosa",),
        "splitstrument[synthesize]": ("pretty_midi", "pysfizz"),
        "splitstrument[web]": ("multipart", "waitress", "web"),
        "splitstrument[youtube]": ("yt_dlp",),
        "splitstrument[train]": (*("h5py", "json5", "keras", "onnx", "tensorboardX", "tensorflow", "tf2onnx"),),
        "dask[distributed]": ("dask", "distributed"),
        "ray": ("ray",),
        "jax": ("jax", "jaxlib"),
        "torch": ("torch",),
        "onnxruntime": ("onnxruntime",),
        "tinysoundfont": ("tinysoundfont",),
    }.items()
    for name in names
}


def missing(module: str) -> str:
    """One line that says that `module`, of MISSING_PACKAGES, is needed, and how to install it."""
    return f"needs {module}: {install_line(MISSING_PACKAGES[module])}"


def install_line(what: str) -> str:
    """The shell command that installs `what`, such as "splitstrument[train]", into this environment.

    If the package was installed from a folder or a file, pip is given its path instead of "splitstrument". If the
    environment has no pip of its own, the pip of another Python can install into it.
    """
    import importlib.util
    import shlex
    import sys

    python = shlex.quote(sys.executable)
    pip = f"{python} -m pip" if importlib.util.find_spec("pip") else f"python3 -m pip --python {python}"
    if what == "tinysoundfont":
        return f"{pip} install --no-deps tinysoundfont (without its dependency pyaudio, which is not used)"
    return f"{pip} install {shlex.quote(what.replace('splitstrument', _source(), 1))}"


def _source() -> str:
    """What pip should install for this package: the folder or file that it came from, if that still exists."""
    import json
    import os
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        origin = json.loads(distribution("splitstrument").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return "splitstrument"
    url = urlsplit(origin.get("url", ""))
    path = url2pathname(url.path)
    return path if url.scheme == "file" and os.path.exists(path) else "splitstrument"
