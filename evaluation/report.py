"""One page that compares models: figures, parameters, speed, cards, pictures, and excerpts to listen to."""

import argparse
import sys
from pathlib import Path

from splitstrument.stages.console import command, command_line

INTRODUCTION = """\
SDR, SIR and SAR are those of BSS Eval (mir_eval's bss_eval_sources); plain SDR is 10 log10(|s|² / |s - e|²), SI-SDR the
same after the truth has been scaled to what of it is in the estimate; all in dB, over whole tracks. An i behind them is
the improvement over the mixture, which is the floor; the ideal masks are made from the truth. A model that is careful
gains in plain SDR (silence has 0 dB) what it loses in SI-SDR. Leak is the level of the estimate against the mixture
where the part is silent: the lower the better. A silent part has no other score; scores are kept within -100 and 100
dB."""
FEW = 20  # tracks that are listed one by one


def write(path, evaluations, title, command, audio=True):
    """Write the page `path` (.md or .html) of `evaluations`, [(file, Evaluation)]; `audio`: with excerpts."""
    from evaluation.page import Page
    from splitstrument.files.tables import text

    with Page(path) as page:
        page.add(f"# {text(title)}", f"Written by `{command}`.", INTRODUCTION)
        for number, (file, evaluation) in enumerate(evaluations, 1):
            add_evaluation(page, file.parent, evaluation, f"{number}_" if len(evaluations) > 1 else "", audio)
        cards = {}
        for _, evaluation in evaluations:
            cards |= {(result.name, result.source): result for result in evaluation.systems if result.card}
        if cards:
            page.add("## The models")
        for number, result in enumerate(cards.values(), 1):
            add_card(page, result, number)


def add_evaluation(page, folder, evaluation, prefix, audio):
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
        page.add(f"### {text(part).capitalize()}")
        for figure in ("median", "mean"):
            page.add(f"The {figure} over the tracks, in dB:", results.table(evaluation, part, figure))
        if silent := silence(evaluation, part):
            page.add(silent)
        if evaluation.tracks <= FEW:
            page.add("SDR of each track, in dB:", tracks_table(evaluation, part))
    title = "Scores of every system, a dot for each track"
    page.add(page.draw(plots.distributions, f"{prefix}distributions", title, evaluation))
    add_excerpts(page, folder, evaluation, prefix, audio)


def systems_table(evaluation):
    """What each system is, how large, how quick."""
    from splitstrument.files.tables import markdown, text

    rows = []
    for system in evaluation.systems:
        parameters = "-" if system.parameters is None else f"{system.parameters:,}"
        speed = "-" if system.speed is None else f"{system.speed:.1f}"
        hours = system.training.hours_per_epoch if system.training else None
        epochs = str(system.training.epochs) if system.training else "-"
        epoch = "-" if hours is None else f"{60 * hours:.1f} min"
        rows.append((text(system.name), text(system.what), parameters, speed, epochs, epoch))
    headings = ("system", "what it is", "parameters", "times real time", "epochs", "an epoch took")
    jobs = f"{evaluation.jobs} tracks at once" if evaluation.jobs > 1 else "one track after the other"
    said = f"Speed of separation, the median over the tracks, {jobs}: {text(evaluation.machine)}."
    return f"{markdown(headings, rows, left=2)}\n\n{said}"


def silence(evaluation, part):
    """How many tracks had nothing to score, as a line for each system where there were any; else nothing."""
    from splitstrument.files.tables import text

    said = []
    for system in evaluation.systems:
        found = system.summary.get(part)
        if found and (found.silent_references or found.silent_estimates):
            said.append(
                f"- {text(system.name)}: silent in the truth of {found.silent_references} tracks (not scored), "
                f"left silent in {found.silent_estimates} more (no SDR, SIR, SAR or SI-SDR)"
            )
    return "\n".join(said)


def tracks_table(evaluation, part):
    """The SDR of each track by each system."""
    from evaluation.results import decibels
    from splitstrument.files.tables import markdown, text

    systems = [system for system in evaluation.systems if part in system.summary]
    tracks = [track for track, parts in systems[0].tracks.items() if part in parts]
    rows = [(text(t), *(decibels(s.tracks[t][part]["sdr"]) for s in systems)) for t in tracks]
    return markdown(("track", *(text(system.name) for system in systems)), rows)


def add_excerpts(page, folder, evaluation, prefix, audio):
    """Ten seconds of some tracks: what each system makes of them, to see and to hear."""
    from evaluation.scoring import excerpt_folder
    from splitstrument.files.tables import markdown, text

    for place, track in enumerate(evaluation.excerpts):
        page.add(f"### Ten seconds of {text(track)}")
        heard = [("as recorded", excerpt_folder(folder, track))]
        heard += [(s.name, excerpt_folder(folder, track, s.name)) for s in evaluation.systems if s.kind != "mixture"]
        if audio:
            names = sorted({file.stem for _, where in heard for file in where.glob("*.flac")}, key=_mixture_first)
            rows = [
                (text(who), *(_heard(page, where, name, f"{prefix}{place}_{who}_{name}") for name in names))
                for who, where in heard
            ]
            page.add(markdown(("", *map(text, names)), rows, left=1 + len(names)))
        for who, where in heard:
            if (picture := where / "spectrograms.png").exists():
                page.add(page.picture(picture, f"{prefix}{place}_{who}", f"{track}, by {who}"))


def _mixture_first(name):
    return ("mixture", "instrument").index(name) if name in ("mixture", "instrument") else 2, name


def _heard(page, folder, name, kept):
    file = folder / f"{name}.flac"
    return page.sound(file, kept, f"{folder.name}, {name}") if file.exists() else ""


def add_card(page, result, number):
    """What is said of a model, and how it was trained."""
    from splitstrument.files.tables import text

    card = result.card
    page.add(f"### {text(result.name)}")
    options = ", ".join(f"{name} {value}" for name, value in card.options.items())
    lines = [
        f"- takes out: {text(card.instrument)}, at {card.sample_rate:,} Hz",
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
def main(arguments=None):
    parser = argparse.ArgumentParser(prog="splitstrument report", description=__doc__)
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
