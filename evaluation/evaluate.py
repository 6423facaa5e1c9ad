"""Score models and baselines on tracks with known parts, as in section 6 of the thesis.

The parts of each track are mixed, the mixture is separated, and the estimates are compared with the parts. The output
folder gets evaluation.yaml, tables as CSV and Markdown, pictures, and excerpts to listen to.
"""

import argparse
import functools
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.commands import missing
from splitstrument.parser import Parser
from splitstrument.stages.console import command, command_line
from splitstrument.stages.run import StageError, add_options, output_folder, run, summarise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evaluation.results import Evaluation, Result
    from evaluation.systems import System
    from evaluation.targets import Plan
    from splitstrument.stages.run import Outcome
    from splitstrument.tracks import Track


def evaluate(
    plan: "Plan", tracks: "Sequence[Track]", options: argparse.Namespace
) -> "tuple[Evaluation | None, list[Outcome]]":
    """Score the systems of `plan` on `tracks` and write to `options.output`. Returns (Evaluation or None, Outcomes).

    `options`: the options of the command. The Evaluation is None if no track could be scored.
    """
    from evaluation import results
    from evaluation.scoring import Task, record_path, score_track
    from splitstrument.stages.records import keep_settings

    output = options.output
    metrics = "none" if options.quick else "mir_eval" if options.reference_metrics else "own"
    settings = {"tracks": str(options.pairs.resolve()), "remove_panning": options.remove_panning, "metrics": metrics}
    with output_folder(output):
        keep_settings(output, "evaluate", settings)
        record_path(output, tracks[0]).parent.mkdir(exist_ok=True)
        with_excerpt = frozenset(track.name for track in tracks[: options.excerpts])
        task = Task(plan, output, options.remove_panning, metrics, with_excerpt)
        outcomes = run(functools.partial(score_track, task=task), tracks, options)
        records = [outcome.result for outcome in outcomes if outcome.result]
        if not records:
            return None, outcomes
        evaluation = results.Evaluation(
            **about(options, records),
            remove_panning=options.remove_panning,
            metrics=metrics,
            excerpts=tuple(record["name"] for record in records if record["name"] in with_excerpt),
            left={name: without for track in tracks for name, without in plan.left(track).items()},
            systems=tuple(result(system, plan, tracks, records) for system in plan.systems),
        )
        results.write(output, evaluation)
        draw(output, evaluation)
    return evaluation, outcomes


def about(options: argparse.Namespace, records: list[dict]) -> dict:
    """The fields of an Evaluation about itself: tracks, command, machine."""
    from importlib.metadata import version

    from splitstrument.stages.workers import processes

    return {
        "pairs": str(options.pairs),
        "tracks": len(records),
        "hours": round(sum(record["seconds"] for record in records) / 3600, 4),
        "command": options.command,
        "machine": machine(),
        "jobs": min(processes(options.jobs), len(records)),
        "version": version("splitstrument"),
    }


def machine() -> str:
    """The processor and its number of cores."""
    import os
    import platform

    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
        name = next(line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{os.cpu_count()} cores, {name}, Python {platform.python_version()}"


def result(system: "System", plan: "Plan", tracks: "Sequence[Track]", records: list[dict]) -> "Result":
    """The Result of a System, from the records of the tracks and the folder of the model."""
    from statistics import median

    from evaluation import results

    scored_on = {track.name for track in tracks if plan.targets(system, track)}
    records = [record for record in records if record["name"] in scored_on]
    made = {record["name"]: record["systems"][system.identity] for record in records}
    scores = {name: of_system["parts"] for name, of_system in made.items()}
    facts: dict[str, Any] = {"speed": None, "sources": system.sources}
    if system.separates and records:
        facts["speed"] = round(median(record["seconds"] / made[record["name"]]["seconds"] for record in records), 3)
    if system.kind == "model":
        facts |= model_facts(system.source)
    return results.Result(
        system.name, system.kind, system.what, system.source, **facts, summary=results.summarise(scores), tracks=scores
    )


def model_facts(folder: str) -> dict:
    """The card and parameters of the model in a folder and, if it is a run, how it was trained."""
    from evaluation.results import Training
    from splitstrument import backend, models, networks
    from splitstrument.files.yaml_files import read_yaml
    from training.run_folder import CONFIGURATION, DATA, read_history

    card, path = models.read_card(folder), Path(folder)
    facts: dict[str, Any] = {"card": card}
    if find_spec("keras"):  # it counts the parameters, and is an optional dependency
        backend.keras_on()
        facts["parameters"] = networks.size(networks.build(card.network, card.options, card.sources))
    if (path / CONFIGURATION).exists():
        history = read_history(path)
        seconds = [row["seconds"] + row.get("val_seconds", 0.0) for row in history if "seconds" in row]
        data = read_yaml(path / DATA) if (path / DATA).exists() else {}
        facts["training"] = Training(
            configuration=read_yaml(path / CONFIGURATION),
            epochs=len(history),
            tracks=data.get("tracks of training"),
            hours_per_epoch=round(sum(seconds) / len(seconds) / 3600, 4) if seconds else None,
            history=tuple(history),
        )
    return facts


def draw(output: Path, evaluation: "Evaluation") -> None:
    """Draw the distribution of the scores, and spectrograms of the excerpts' parts as extracted by each model."""
    from evaluation import plots
    from evaluation.scoring import excerpt_folder

    plots.distributions(output / "distributions", evaluation)
    drawn = [system for system in evaluation.systems if system.kind == "model"]
    drawn = drawn or [system for system in evaluation.systems if system.kind == "baseline"]
    for track in evaluation.excerpts:
        truth = excerpt_folder(output, track)
        for system in drawn:
            for part in system.tracks.get(track, ()):
                own = excerpt_folder(output, track, system.name)
                files = truth / "mixture.flac", truth / f"{part}.flac", own / f"{part}.flac"
                if part not in ("rest", *evaluation.left) and not up_to_date(own / f"{part}.svg", files):
                    plots.excerpt(own / part, *files, f"{track}, by {system.name}")


def up_to_date(picture: Path, files: "Iterable[Path]") -> bool:
    """Whether the picture exists and is newer than all of `files`."""
    return picture.exists() and all(picture.stat().st_mtime_ns >= file.stat().st_mtime_ns for file in files)


def unknown_band(systems: "Sequence[System]") -> str | None:
    """A note if baselines do not know the frequency band of their instrument, else None."""
    from evaluation.baselines.bands import BANDS

    asked = {source for system in systems if system.kind == "baseline" for source in system.sources} - set(BANDS)
    return (
        f"baselines have no band for {asked.pop()} (only for {', '.join(BANDS)}); they use 80 to 8000 Hz"
        if asked
        else None
    )


def _check_packages(systems: "Sequence[System]", options: argparse.Namespace) -> None:
    needed = ["joblib", "matplotlib", "threadpoolctl"] + ["mir_eval"] * options.reference_metrics
    needed += ["librosa", "sklearn"] * any(system.kind == "baseline" for system in systems)
    for name in needed:
        if find_spec(name) is None:
            raise StageError(missing(name))


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: must be a number, at least 0")
    return int(text)


@command
def main(arguments: list[str] | None = None) -> int:
    parser = Parser("evaluate", __doc__.split("\n")[0])
    add = parser.add_argument
    what = "the name or folder of a model, or a baseline: frequency, harmonic, nmf, repet, spectrogram"
    add("models", nargs="+", metavar="MODEL", help=what)
    add("--pairs", type=Path, required=True, help="a folder of pairs, of tracks with named parts, or of MUSDB songs")
    add("--output", type=Path, default=Path("evaluation"), help="folder for the results (default: evaluation)")
    add("--instrument", metavar="PART", help="the instrument of pairs (default: what the model takes out)")
    add("--thorough", action="store_true", help="also score each model with separate --thorough")
    add("--remove-panning", action="store_true", help="score the mean of the channels, as the thesis did")
    bss_eval = parser.add_mutually_exclusive_group().add_argument
    bss_eval("--quick", action="store_true", help="leave out SDR, SIR and SAR, which take the longest")
    bss_eval("--reference-metrics", action="store_true", help="compute SDR, SIR and SAR with mir_eval, which is slower")
    add("--excerpts", type=_count, default=3, metavar="N", help="keep 10 s of N tracks for listening (default: 3)")
    add("--json", action="store_true", help="print the evaluation as JSON")
    add_options(parser)
    options = parser.parse_args(arguments)
    options.command = command_line("evaluate", arguments)
    from evaluation import results, targets
    from evaluation.systems import find_systems
    from splitstrument.tracks import find_tracks

    tracks = find_tracks(options.pairs)
    systems = find_systems(options.models, targets.parts_of(tracks), options.instrument, options.thorough, tracks)
    plan = targets.plan(systems, tracks, options.instrument)
    _check_packages(systems, options)
    if targets.is_pair(tracks[0]):
        unknown = None if options.instrument else targets.unknown_instrument(systems)
        for line in filter(None, (unknown, unknown_band(systems))):
            print(f"note: {line}", file=sys.stderr)
    evaluation, outcomes = evaluate(plan, tracks, options)
    if options.json:
        from dataclasses import asdict

        print(json.dumps(asdict(evaluation) if evaluation else None, indent=1))
        failed = [outcome for outcome in outcomes if outcome.state == "failed"]
        for outcome in failed:
            print(f"splitstrument: {outcome.name}: {outcome.reason}", file=sys.stderr)
        return 1 if failed else 0
    if evaluation:
        print(results.tables(evaluation) + "\n")
    return summarise(outcomes)


if __name__ == "__main__":
    sys.exit(main())
