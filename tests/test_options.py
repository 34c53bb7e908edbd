from pathlib import Path
from typing import Any, Literal

import pytest

from project.errors import UserError
from project.options import call, explain

GIVEN: list[Any] = []


def example(
    *texts: str, out: Path, count: int = 3, kind: Literal["a", "b"] = "a", name: str | None = None, fast: bool = False
) -> None:
    """Do something.

    At length.

    Args:
        texts: Words, 100 %.
        out: A file
            to write.

    Raises:
        UserError: Never.
    """
    GIVEN[:] = [texts, out, count, kind, name, fast]


def test_words_and_options_become_arguments():
    call("example", example, ["one", "two", "--out=x", "--count=5", "--kind=b", "--name", "n", "--fast", "true"])
    assert [("one", "two"), Path("x"), 5, "b", "n", True] == GIVEN


def test_what_is_not_given_has_its_default():
    call("example", example, ["--out=x"])
    assert [(), Path("x"), 3, "a", None, False] == GIVEN


def test_a_flag_needs_no_value():
    call("example", example, ["--out=x", "--fast"])
    assert GIVEN[-1] is True


def test_a_positional_parameter_is_a_word():
    def one(place: Path, /, port: int = 1) -> None:
        GIVEN[:] = [place, port]

    call("one", one, ["here", "--port=2"])
    assert [Path("here"), 2] == GIVEN


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: --out"),
        (["--out=x", "--count=many"], "argument --count: invalid int value: 'many'"),
        (["--out=x", "--kind=c"], "argument --kind: invalid choice: 'c'"),
        (["--out=x", "--fast=maybe"], "argument --fast: invalid truth value: 'maybe'"),
        (["--out=x", "--colour=red"], "unrecognized arguments: --colour=red; see sentiment example --help"),
    ],
)
def test_a_mistake_is_one_line(words, message):
    with pytest.raises(UserError) as error:
        call("example", example, words)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_help_is_the_docstring(capsys):
    with pytest.raises(SystemExit):
        call("example", example, ["--help"])
    out = " ".join(capsys.readouterr().out.split())
    assert "Do something. At length." in out
    assert "A file to write." in out
    assert "(default: 3)" in out
    assert "Never" not in out


def test_arguments_are_explained_over_several_lines():
    assert explain(example) == ("Do something.\n\nAt length.", {"texts": "Words, 100 %.", "out": "A file to write."})
