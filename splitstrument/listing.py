"""The commands `models` and `networks`: what there is, as a table for people or as JSON for programs."""

import argparse
import json
import sys


def _table(headings, rows):
    """Lines of aligned columns."""
    widths = [max(len(row[i]) for row in [headings, *rows]) for i in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [headings, *rows]
    )


def _model(folder):
    """All that is said of the model in `folder`, as plain values."""
    from dataclasses import asdict

    from splitstrument import models, networks

    card = models.read_card(folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    parameters = networks.size(networks.build(card.network, card.options))
    return asdict(card) | {
        "parameters": parameters,
        "bytes": sum(path.stat().st_size for path in files),
        "folder": str(folder),
    }


def models_main(arguments=None):
    parser = argparse.ArgumentParser(prog="splitstrument models", description="List the trained models.")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="names or folders (default: the shipped ones)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    from splitstrument import backend, models

    backend.keras_on("cpu")
    try:
        listed = [_model(models.find(model)) for model in options.models or models.shipped()]
    except (models.ModelError, ValueError) as error:
        print(f"splitstrument: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(listed, indent=1))
        return 0
    rows = []
    for model in listed:
        rows.append((model["name"], model["instrument"], f"{model['sample_rate']} Hz", model["network"]))
        rows[-1] += (f"{model['parameters']:,}", f"{model['bytes'] / 2**20:.1f} MiB")
    print(_table(("name", "instrument", "rate", "network", "parameters", "size"), rows))
    for model in listed:
        print(f"\n{model['name']}")
        for source in model["trained_on"]:
            what = f", {source['what']}" if source["what"] else ""
            print(f"  trained on {source['name']} ({source['licence']}){what}")
        if model["training"]:
            print(f"  training: {model['training']}")
        for score in model["scores"]:
            print(f"  {score['measure']} on {score['data']}: {score['value']:.2f}\n    {score['command']}")
    return 0


def networks_main(arguments=None):
    parser = argparse.ArgumentParser(prog="splitstrument networks", description="List the networks.")
    parser.add_argument("network", nargs="?", help="only this one")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="instead of the default")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.set and not options.network:
        parser.error("--set needs the name of a network")
    if any("=" not in text for text in options.set):
        parser.error("--set takes OPTION=VALUE")
    from dataclasses import asdict

    from splitstrument import backend, networks

    backend.keras_on("cpu")
    values = dict(text.split("=", 1) for text in options.set)
    listed = []
    try:
        for name in [options.network] if options.network else networks.names():
            settings = asdict(networks.settings(name, values))
            network = networks.build(name, values)
            shape = list(network.input_shape[1:])
            listed.append({"name": name, "description": networks.description(name), "options": settings})
            listed[-1] |= {"input_shape": shape, "trainable_parameters": networks.size(network)}
    except ValueError as error:
        print(f"splitstrument: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(listed, indent=1))
        return 0
    for network in listed:
        print(f"{network['name']}: {network['description']}")
        print(f"  input (bins, frames, channels): {tuple(network['input_shape'])}")
        print(f"  trainable parameters: {network['trainable_parameters']:,}")
        print("  options: " + ", ".join(f"{name}={value}" for name, value in network["options"].items()) + "\n")
    return 0
