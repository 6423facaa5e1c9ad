"""Compare models on one page: scores, parameters, speed, cards, pictures, and excerpts to listen to."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.parser import Parser
from splitstrument.stages.console import command, command_line

if TYPE_CHECKING:
    from evaluation.page import Page
    from evaluation.results import Evaluation, Result

INTRODUCTION = """\
SDR, SIR and SAR are those of BSS Eval (mir_eval's bss_eval_sources). Plain SDR is 10 log10(|s|² / |s - e|²). SI-SDR
is the same, but with the truth scaled to its share in the estimate. All are in dB, over whole tracks. A trailing i
means the improvement over the mixture, which is the lower bound; the ideal masks are computed from the truth. A
cautious model gains in plain SDR (silence has 0 dB) and loses in SI-SDR. Level is how much louder the estimate is
than the truth; below 0 it is too quiet. Leak is the level of the estimate relative to the mixture where the part is
silent; lower is better. Silent parts have no other score. Scores are limited to -100 to 100 dB."""
FEW = 20  # evaluations with up to this many tracks list each track


def write(
    path: Path, evaluations: "list[tuple[Path, Evaluation]]", title: str, command: str, audio: bool = True
) -> None:
    """Write a page about `evaluations`, [(file, Evaluation)], to `path` (.md or .html); `audio`: include excerpts."""
    from evaluation.page import Page
    from splitstrument.files.tables import text

    with Page(path) as page:
        page.add(f"# {text(title)}", f"Written by `{command}`.", INTRODUCTION)
        for number, (file, evaluation) in enumerate(evaluations, 1):
            add_evaluation(page, file.parent, evaluation, f"{number}_" if len(evaluations) > 1 else "", audio)
        cards: dict[tuple[str, str], Result] = {}
        for _, evaluation in evaluations:
            cards |= {(result.name, result.source): result for result in evaluation.systems if result.card}
        if cards:
            page.add("## The models")
        for number, result in enumerate(cards.values(), 1):
            add_card(page, result, number)


def add_evaluation(page: "Page", folder: Path, evaluation: "Evaluation", prefix: str, audio: bool) -> None:
    """Add the systems, scores, distributions and excerpts of one set of tracks, evaluated in `folder`."""
    from evaluation import plots, results
    from splitstrument.files.tables import text

    form = "the mean of the channels" if evaluation.remove_panning else "all channels"
    page.add(
        f"## On {evaluation.tracks} tracks of {text(evaluation.pairs)} ({evaluation.hours:.2f} h, {form})",
        f"```sh\n{evaluation.command}\n```",
        systems_table(evaluation),
    )
    for part in results.parts_of(evaluation):
        heading = text(results.title(evaluation, part))
        page.add(f"### {heading[:1].upper()}{heading[1:]}")
        for figure in ("median", "mean"):
            page.add(f"The {figure} over the tracks, in dB:", results.table(evaluation, part, figure))
        if silent := silence(evaluation, part):
            page.add(silent)
        if evaluation.tracks <= FEW:
            measure = next(m for m in ("sdr", "plain_sdr") if m in results.measures_of(evaluation))
            page.add(f"{results.TITLES[measure]} of each track, in dB:", tracks_table(evaluation, part, measure))
    title = "Scores of every system, a dot for each track"
    page.add(page.draw(plots.distributions, f"{prefix}distributions", title, evaluation))
    add_excerpts(page, folder, evaluation, prefix, audio)


def systems_table(evaluation: "Evaluation") -> str:
    """A table of the systems: what they are, what they take out, their size and speed."""
    from evaluation.results import takes
    from splitstrument.files.tables import markdown, text

    rows = []
    for system in evaluation.systems:
        parameters = "-" if system.parameters is None else f"{system.parameters:,}"
        speed = "-" if system.speed is None else f"{system.speed:.1f}"
        hours = system.training.hours_per_epoch if system.training else None
        epochs = str(system.training.epochs) if system.training else "-"
        epoch = "-" if hours is None else f"{60 * hours:.1f} min"
        rows.append((text(system.name), text(system.what), takes(system), parameters, speed, epochs, epoch))
    headings = ("system", "what it is", "takes out", "parameters", "times real time", "epochs", "an epoch took")
    jobs = f"{evaluation.jobs} tracks at once" if evaluation.jobs > 1 else "one track after the other"
    speeds = f"Speed of separation, the median over the tracks, {jobs}: {text(evaluation.machine)}."
    return f"{markdown(headings, rows, left=3)}\n\n{speeds}"


def silence(evaluation: "Evaluation", part: str) -> str:
    """A line for each system with silent parts: the number of tracks without scores; empty if there are none."""
    from splitstrument.files.tables import text

    lines = []
    for system in evaluation.systems:
        scores = system.summary.get(part)
        if scores and (scores.silent_references or scores.silent_estimates):
            lines.append(
                f"- {text(system.name)}: silent in the truth of {scores.silent_references} tracks (not scored), "
                f"left silent in {scores.silent_estimates} more (no SDR, SIR, SAR, SI-SDR or level)"
            )
    return "\n".join(lines)


def tracks_table(evaluation: "Evaluation", part: str, measure: str) -> str:
    """A table of one measure for each track and system."""
    from evaluation.results import decibels
    from splitstrument.files.tables import markdown, text

    systems = [system for system in evaluation.systems if part in system.summary]
    tracks = dict.fromkeys(track for system in systems for track, parts in system.tracks.items() if part in parts)
    rows = [
        (text(track), *(decibels(s.tracks.get(track, {}).get(part, {}).get(measure)) for s in systems))
        for track in tracks
    ]
    return markdown(("track", *(text(system.name) for system in systems)), rows)


def add_excerpts(page: "Page", folder: Path, evaluation: "Evaluation", prefix: str, audio: bool) -> None:
    """Add ten seconds of some tracks with the estimates of each system, to look at and to listen to."""
    from evaluation.scoring import excerpt_folder
    from splitstrument.files.tables import markdown, text

    for place, track in enumerate(evaluation.excerpts):
        page.add(f"### Ten seconds of {text(track)}")
        folders = {"as recorded": excerpt_folder(folder, track)}
        folders |= {s.name: excerpt_folder(folder, track, s.name) for s in evaluation.systems if s.kind != "mixture"}
        if audio:
            names = sorted({file.stem for own in folders.values() for file in own.glob("*.flac")}, key=_mixture_first)
            rows = [
                (text(who), *(_sound(page, own, name, f"{prefix}{place}_{who}_{name}") for name in names))
                for who, own in folders.items()
            ]
            page.add(markdown(("", *map(text, names)), rows, left=1 + len(names)))
        for who, own in folders.items():
            for picture in sorted(own.glob("*.png")):
                kept = f"{prefix}{place}_{who}_{picture.stem}"
                page.add(page.picture(picture, kept, f"{track}, {picture.stem} by {who}"))


def _mixture_first(name: str) -> tuple[int, str]:
    return ("mixture", "instrument").index(name) if name in ("mixture", "instrument") else 2, name


def _sound(page: "Page", folder: Path, name: str, kept: str) -> str:
    file = folder / f"{name}.flac"
    return page.sound(file, kept, f"{folder.name}, {name}") if file.exists() else ""


def add_card(page: "Page", result: "Result", number: int) -> None:
    """Add the description of a model and of its training."""
    from splitstrument.files.tables import text

    if (card := result.card) is None:
        return
    page.add(f"### {text(result.name)}")
    options = ", ".join(f"{name} {value}" for name, value in card.options.items())
    lines = [
        f"- takes out: {', '.join(card.sources)}{' (the whole song)' * card.whole}, at {card.sample_rate:,} Hz",
        f"- network: `{card.network}` ({text(options) or 'as it is'}), {result.parameters or 0:,} parameters",
    ]
    lines += [
        f"- trained on {text(s.name)} ({text(s.licence)})" + f": {text(s.what)}" * bool(s.what) for s in card.trained_on
    ]
    if not card.trained_on:
        lines.append("- trained on: not stated in its card")
    if card.training:
        lines.append(f"- training: {text(card.training)}")
    if result.training and result.training.hours_per_epoch:
        lines.append(f"- {result.training.epochs} epochs of {60 * result.training.hours_per_epoch:.1f} minutes")
    page.add("\n".join(lines))
    if result.training and result.training.history:
        from training.plots import losses

        history, title = list(result.training.history), f"{result.name}: losses"
        page.add(page.draw(losses, f"losses_{number}", title, history, title))


@command
def main(arguments: list[str] | None = None) -> int:
    parser = Parser("report", __doc__)
    add = parser.add_argument
    add("evaluations", nargs="+", type=Path, metavar="EVALUATION", help="evaluation.yaml, or a folder of such files")
    add(
        "--output",
        type=Path,
        default=Path("report.html"),
        help=".html, or .md with a folder of files beside it (default: report.html)",
    )
    add("--title", default="Models compared", help="title of the page")
    add("--no-audio", action="store_true", help="leave out the excerpts, for songs that must not be shared")
    options = parser.parse_args(arguments)
    from evaluation.results import find

    given = command_line("report", arguments)
    write(options.output, find(options.evaluations), options.title, given, not options.no_audio)
    print(f"{options.output}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
