"""One page that compares models: figures, parameters, speed, cards, pictures, and excerpts to listen to."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from splitstrument.parser import Parser
from splitstrument.stages.console import command, command_line

if TYPE_CHECKING:
    from evaluation.page import Page
    from evaluation.results import Evaluation, Result

INTRODUCTION = """\
SDR, SIR and SAR are those of BSS Eval (mir_eval's bss_eval_sources); plain SDR is 10 log10(|s|² / |s - e|²), SI-SDR the
same after the truth has been scaled to what of it is in the estimate; all in dB, over whole tracks. An i behind them is
the improvement over the mixture, which is the floor; the ideal masks are made from the truth. A model that is careful
gains in plain SDR (silence has 0 dB) what it loses in SI-SDR. Level is how much louder the estimate is than the truth:
below 0 it is too quiet. Leak is the level of the estimate against the mixture where the part is silent: the lower the
better. A silent part has no other score; scores are kept within -100 and 100 dB."""
FEW = 20  # tracks that are listed one by one


def write(
    path: Path, evaluations: "list[tuple[Path, Evaluation]]", title: str, command: str, audio: bool = True
) -> None:
    """Write the page `path` (.md or .html) of `evaluations`, [(file, Evaluation)]; `audio`: with excerpts."""
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
    """The systems, their scores, their spread and excerpts on one set of tracks, whose evaluation lies in `folder`."""
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
    """What each system is, what it takes out, how large, how quick."""
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
    """How many tracks had nothing to score, as a line for each system where there were any; else nothing."""
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
    """A measure of each track by each system."""
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
    """Ten seconds of some tracks: what each system makes of them, to see and to hear."""
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
    """What is said of a model, and how it was trained."""
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
        lines.append("- trained on: not said in its card")
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
    add("evaluations", nargs="+", type=Path, metavar="EVALUATION", help="an evaluation.yaml, or a folder of such")
    add(
        "--output",
        type=Path,
        default=Path("report.html"),
        help="report.html, unless given; .md with a folder beside it",
    )
    add("--title", default="Models compared", help="the page's title")
    add("--no-audio", action="store_true", help="leave the excerpts out, such as songs that must not be passed on")
    options = parser.parse_args(arguments)
    from evaluation.results import find

    given = command_line("report", arguments)
    write(options.output, find(options.evaluations), options.title, given, not options.no_audio)
    print(f"{options.output}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
