"""Compare the tables of the five documents with our figures: the 2021 thesis and four smaller documents.

One of our systems is listed beside a system of the smaller documents if it has a name that documents.yaml gives: of a
baseline, a model, or a run of training/configs.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splitstrument.parser import Parser
from splitstrument.stages.console import command, command_line

if TYPE_CHECKING:
    from evaluation.results import Evaluation, Result

    Evaluations = list[tuple[Path, Evaluation]]

INTRODUCTION = """\
# The documents' tables beside ours

Written by `{command}`.

Figures of the documents are as printed, in dB, ours medians over the tracks that each row names. They are different
songs, so a difference depends on the songs as much as on the system. "no run" means that no evaluation with this
system was given; the commands make one.
"""


def page(evaluations: "Evaluations", silence: Path | None = None, command: str = "splitstrument documents") -> str:
    """The whole page as Markdown: the smaller documents, then the thesis (see `evaluation.thesis.page`)."""
    from evaluation import thesis
    from splitstrument.files.yaml_files import read_yaml

    documents = read_yaml(Path(__file__).with_name("documents.yaml"))
    sections = [section(name, document, evaluations) for name, document in documents.items()]
    return "\n".join([INTRODUCTION.format(command=command), *sections, thesis.page(evaluations, silence)])


def section(name: str, document: dict[str, Any], evaluations: "Evaluations") -> str:
    """One document: its systems with figures beside ours, what differs, and the commands."""
    from splitstrument.files.tables import markdown

    rows: list[tuple[str, ...]] = []
    remarks = []
    for system in document["systems"]:
        names = system["ours"] if isinstance(system["ours"], list) else [system["ours"]]
        found = list(_ours(names, evaluations))
        rows += _rows(system, names, found)
        if "differs" in system:
            remarks.append(f"- {system['system']}: {system['differs']}")
        remarks += [
            f"- `{result.name}`: {_size(result)}scored on {evaluation.tracks} tracks of {evaluation.pairs} "
            f"({evaluation.hours:.2f} h) by `{evaluation.command}`"
            for evaluation, result in found
        ]
    table = markdown(("system", "part", "whose", "SDR", "SIR", "SAR"), rows, left=3)
    block = "\n".join(document["commands"])
    parts = (f"# {name}", document["about"], table, "\n".join(dict.fromkeys(remarks)), f"```sh\n{block}\n```")
    return "\n\n".join(part for part in parts if part) + "\n"


def _ours(names: list[str], evaluations: "Evaluations") -> "Iterator[tuple[Evaluation, Result]]":
    for _, evaluation in evaluations:
        yield from ((evaluation, result) for result in evaluation.systems if result.name in names)


def _size(result: "Result") -> str:
    return f"{result.parameters:,} parameters; " if result.parameters else ""


def _rows(
    system: dict[str, Any], names: list[str], found: "list[tuple[Evaluation, Result]]"
) -> Iterator[tuple[str, ...]]:
    """The document's figures of a system, {part: [SDR, SIR, SAR]} of which the last may be missing, then ours."""
    from evaluation.results import decibels, medians

    name = system["system"]
    printed = {part: tuple(figures) + (None,) * (3 - len(figures)) for part, figures in system["figures"].items()}
    for part, figures in printed.items():
        yield name, part, "document", *map(decibels, figures)
    for _, result in found:
        for part, summary in result.summary.items():
            if part in printed or part in result.sources:
                yield name, part, f"ours: {result.name}", *map(decibels, medians(summary))
    if not found:
        yield name, "all", f"ours: no run of {' or '.join(names)}", "-", "-", "-"


@command
def main(arguments: list[str] | None = None) -> int:
    parser = Parser("documents", __doc__.split("\n")[0])
    add = parser.add_argument
    add("evaluations", nargs="*", type=Path, metavar="EVALUATION", help="evaluation.yaml, or a folder of such files")
    add("--silence", type=Path, metavar="DIR", help="folder of silence --statistics DIR/<data set>, for appendix A")
    default = Path("docs/documents.md")
    add("--markdown", type=Path, nargs="?", const=default, metavar="FILE", help=f"write to this file ({default})")
    options = parser.parse_args(arguments)
    from evaluation.results import find

    if options.silence is not None and not options.silence.is_dir():
        raise ValueError(f"{options.silence}: no such folder")
    text = page(find(options.evaluations), options.silence, command_line("documents", arguments))
    if options.markdown is None:
        print(text)
        return 0
    from splitstrument.files.texts import write_text

    options.markdown.parent.mkdir(parents=True, exist_ok=True)
    write_text(options.markdown, text)
    print(f"{options.markdown}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
