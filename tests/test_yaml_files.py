"""YAML: words stay words, a key given twice is told, and what is written is read again."""

import pytest

from splitstrument.files.yaml_files import parse, read_yaml, write_yaml

# What YAML 1.1 takes for octal and sexagesimal numbers, truth, dates and more.
WORDS = ["007", "4:33", "1_000", "Yes", "No", "on", "2024-01-01", "=", "<<", "0b1", "190:20:30"]
VALUES = ["1979", "1.10", "1e3", "-4", "0o17", "0x1F", "true", "null", ".inf"]
ODD = ["", "~", "a: b", "- a", "# a", " a ", "a\nb", "\x85", "\u65e5\u672c", "\U0001f600", "b\udcff.wav"]


@pytest.mark.parametrize("word", WORDS)
def test_words_are_text(word):
    assert parse(f"{word}: {word}") == parse(f"{word}: {word}", names=True) == {word: word}


def test_numbers_are_numbers_unless_names_are_wanted():
    assert parse("[" + ", ".join(VALUES) + "]") == [1979, 1.1, 1000.0, -4, 15, 31, True, None, float("inf")]
    assert parse("[" + ", ".join(VALUES) + "]", names=True) == VALUES
    assert parse("[~, 1e-4, '1']") == [None, 0.0001, "1"]
    assert parse("a:\nb: ~", names=True) == {"a": None, "b": None}


@pytest.mark.parametrize("names", [False, True])
def test_what_is_written_is_read_again(tmp_path, names):
    texts = {text: [text] for text in [*WORDS, *VALUES, *ODD]}
    values = [] if names else [1, -2.5, 1e300, 1e-7, True, None]
    write_yaml(tmp_path / "a.yaml", [texts, values])
    assert read_yaml(tmp_path / "a.yaml", names) == [texts, values]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: 'a' was already given in line 1"),
        ("x:\n  - {a: 1, 'a': 2}\n", "line 2: 'a' was already given in line 2"),
        ("a: [\n", "did not find expected node content in line 2, column 1"),
        ("? [a]\n: 1\n", "found unhashable key in line 1"),
        ("a: !!int b\n", "invalid literal for int"),
        ("[" * 100000, "nesting"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place(tmp_path, text, says):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ValueError) as error:
        read_yaml(path)
    assert str(error.value).startswith(f"{path}: cannot be read as YAML (") and "\n" not in str(error.value)
    assert says in str(error.value)
