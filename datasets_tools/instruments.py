"""Names of instruments and stem files -> groups (datasets_tools.tracks.GROUPS); instruments.yaml lists the names.

A label is what a collection calls a stem: "clean electric guitar", "Electric Bass (finger)", "07_ElecGtr2DTMic1.wav".
It is split into words at separators, at digits and at the capitals of CamelCase. A name of the table is compared in
lower case, without spaces and without a plural s: "Kick Drums" and "kickdrum" are the same name.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets_tools.sources import is_audio
from datasets_tools.tracks import GROUPS, SILENT_GROUPS
from splitstrument.suggestions import no_such

TABLE = Path(__file__).with_name("instruments.yaml")

_WORD = re.compile(
    r"[A-Z]{2,}s(?![a-z])"  # BVs, OHs
    r"|D[TI](?=D[TI]|[A-Z][a-z]|[^A-Za-z]|$)"  # ElecGtr1DTDI is the direct signal of a double track
    r"|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+"
    r"|[+&,]"  # "and": "bass & drums" is not a bass drum
)
_PLURAL = re.compile(r"(?:(?<=ch|sh|ss)es|(?<=[^\W_][^\Wsz])[sz])$")  # not the s of bass, nor of "vs"
_SHORTEST = 4  # minimum letters of a name to search for inside words
_SHORT = ("gtr", "vox")  # shorter, but not part of any ordinary word
# How a part was recorded. Two labels that differ only in these words are the same part of a song.
_RECORDED_BY = {"di", "mic", "mics", "amp", "cab", "close", "far", "room"}
_GUITARS = ("guitar", "distorted_guitar")


@dataclass(frozen=True)
class Guess:
    """The group guessed for a label (or None), the reason, and whether it is certain or only a suggestion."""

    group: str | None
    reason: str
    sure: bool


class Instruments:
    """The package's table of names, and further YAML files with lines `name: group`; later files take precedence.

    Raises ValueError, in one line that names the file and the name, if a file cannot be read or a group is unknown.
    """

    def __init__(self, files: Iterable[str | Path] = ()) -> None:
        names, self._nothing = _packaged()
        self._own: dict[str, str] = {}
        self._groups: dict[str, str] = {}
        spellings: set[str] = set()
        for file in files:
            self._own |= _of_user(file)
        for name, group in [*names.items(), *self._own.items()]:
            if words := _words(name):  # a user's label may contain no words
                self._groups[_name(words)] = group
                spellings |= {_name(words), "".join(words)}
        inside = sorted(filter(self._is_found_inside, spellings), key=lambda name: (-len(name), name))
        self._inside = {name: self._groups[_singular(name)] for name in inside}
        self._known: dict[str, tuple[Guess, bool]] = {}

    def guess(self, label: str, siblings: Iterable[str] = ()) -> Guess:
        """The Guess for `label`. `siblings` are the labels of the track's other stems.

        The direct signal (DI) of a guitar is excluded if the track also has the same part through an amplifier.
        """
        if label not in self._known:
            self._known[label] = self._guess(label)
        guess, whole = self._known[label]
        if guess.group in _GUITARS and not whole:
            part, direct = _part(label)
            if direct and any(part & other and not di for other, di in map(_part, siblings)):
                reason = "the track also has the same part through an amplifier or a microphone"
                return Guess("excluded", reason, True)
        return guess

    def _guess(self, label: str) -> tuple[Guess, bool]:
        """Guess from the label alone: (Guess, whether the table has the whole label)."""
        words = _words(label)
        for group in (self._own.get(label), *(self._groups.get(_name(whole)) for whole in _without_numbers(words))):
            if group:
                return Guess(group, f"{_quoted(label)} is {group}", True), True
        if " + " in label:
            return _joined(label, [self._guess(item)[0] for item in label.split(" + ")]), False
        named, left = self._names(words)
        strong = {name: group for name, group in named.items() if name not in self._nothing}
        sure = all(self._is_uninformative(word) for word in left)
        if strong or not left:
            named = strong or named
        elif inside := self._names_inside(left):
            named, sure = inside, False
        if not named:
            return Guess(None, f"no known word in {_quoted(label)}", False), False
        group, one = _common_group(set(named.values()))
        if one or group in named.values():
            quoted = [_quoted(name) for name, of_name in named.items() if one or of_name == group]
            return Guess(group, f"{' and '.join(quoted)} in {_quoted(label)}", sure and one), False
        return Guess(group, _several_reason(named.values()), False), False

    def _names(self, words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        """Find names in consecutive words, the longest first: ({name: group}, the remaining words)."""
        runs = ((_name(words[i:j]), i, j) for i in range(len(words)) for j in range(i + 1, len(words) + 1))
        names = [run for run in runs if run[0] in self._groups and len(run[0]) > 1 and not run[0].isdigit()]
        free, named = set(range(len(words))), {}
        for name, i, j in sorted(names, key=lambda run: -len(run[0])):
            if free.issuperset(range(i, j)):
                named[name] = self._groups[name]
                free.difference_update(range(i, j))
        return named, [words[i] for i in sorted(free)]

    def _names_inside(self, words: Iterable[str]) -> dict[str, str]:
        """{name: group} of all names inside words that are not names themselves, such as killersguitarsolo."""
        named = {}
        for word in words:
            if not self._is_uninformative(word):
                for name, group in self._inside.items():
                    if name in word:
                        named[name] = group
                        word = word.replace(name, " ")
        return named

    def _is_found_inside(self, name: str) -> bool:
        """Whether to search for a name inside words: it is long enough, and it denotes one specific instrument."""
        distinct = len(name) >= _SHORTEST or name in _SHORT
        name = _singular(name)
        return distinct and self._groups[name] not in SILENT_GROUPS and name not in self._nothing

    def _is_uninformative(self, word: str) -> bool:
        return len(word) == 1 or word.isdigit() or _singular(word) in self._nothing


@functools.cache
def _packaged() -> tuple[dict[str, str], frozenset[str]]:
    """The package's table: ({name: group}, the words that say nothing about the instrument)."""
    from splitstrument.files.yaml_files import read_yaml

    content = read_yaml(TABLE)
    nothing = frozenset(_name(_words(word)) for word in content.pop("nothing"))
    return {name: group for group, names in content.items() for name in names}, nothing


def _of_user(file: str | Path) -> dict[str, str]:
    """Read and check a user's file: {name: group}."""
    from splitstrument.files.yaml_files import read_yaml

    content = read_yaml(file, names=True)
    if not isinstance(content, dict):
        raise ValueError(f"{file}: must have lines of the form name: group")
    for name, group in content.items():
        if group not in GROUPS:
            raise ValueError(f"{file}: {name}: {no_such('group', group, GROUPS)}")
    return {str(name): group for name, group in content.items()}


@functools.cache
def _words(label: str) -> tuple[str, ...]:
    """The words of a label in lower case, without accents and without the suffix of an audio file."""
    if is_audio(label):
        label = label.rpartition(".")[0]
    if not label.isascii():
        label = "".join(c for c in unicodedata.normalize("NFKD", label) if not unicodedata.combining(c))
    return tuple("and" if word in "+&," else word.lower() for word in _WORD.findall(label))


def _singular(word: str) -> str:
    return _PLURAL.sub("", word) if word.endswith(("s", "z")) else word


def _name(words: Iterable[str]) -> str:
    return _singular("".join(words))


def _without_numbers(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """The words as they are, then without some or all of the numbers at the beginning and the end."""
    start, end = 0, len(words)
    while start < end and words[start].isdigit():
        start += 1
    while start < end and words[end - 1].isdigit():
        end -= 1
    return (words[i:j] for i in range(start + 1) for j in range(len(words), end - 1, -1))


def _common_group(groups: set[str]) -> tuple[str, bool]:
    """(the group of a stem that contains all of `groups`, whether they are one instrument)."""
    if len(groups) == 1:
        return next(iter(groups)), True
    if groups == {"drums", "percussion"}:
        return "drums", True
    if groups == set(_GUITARS):
        return "guitar", True
    # A mix repeats what other stems contain; a stem of two instruments cannot be used in a pair.
    return ("mix" if "mix" in groups else "excluded"), False


def _several_reason(groups: Iterable[str]) -> str:
    *names, last = [group for group in GROUPS if group in groups]
    return f"names {'both ' if len(names) == 1 else ''}{', '.join(names)} and {last}"


def _joined(label: str, guesses: Sequence[Guess]) -> Guess:
    """The Guess for a label that joins several instruments by " + ", from the `guesses` for each."""
    groups = {guess.group for guess in guesses if guess.group}
    if not groups:
        return Guess(None, f"no known word in {_quoted(label)}", False)
    group, one = _common_group(groups)
    reason = f"all of {_quoted(label)}" if one else _several_reason(groups)
    return Guess(group, reason, one and all(guess.sure for guess in guesses))


@functools.cache
def _part(label: str) -> tuple[frozenset[tuple[str, ...]], bool]:
    """(the part of the song that a label describes, whether it is the direct signal).

    The part is a set of one or two tuples of words: a number after "Mic" or "DI" may count microphones or parts.
    """
    words = list(_words(label))
    while words and words[0].isdigit():
        words.pop(0)
    words = [word.lstrip("0") if word.isdigit() else word for word in words]
    kept = [(i, word) for i, word in enumerate(words) if word not in _RECORDED_BY]
    counted = tuple(word for _, word in kept)
    uncounted = tuple(w for i, w in kept if not (w.isdigit() and i and words[i - 1] in _RECORDED_BY))
    return frozenset((counted, uncounted)), "di" in words


def _quoted(text: str) -> str:
    return f"'{text}'"
