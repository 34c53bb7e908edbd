"""Names of the user's repository: what follows from one, and which are refused."""

import pytest

from template.errors import RefusedError
from template.names import Names, checked
from tests.template.conftest import ROOT


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Acme", "small letters"),
        ("acme-reviews", "small letters"),
        ("9lives", "small letters"),
        ("_acme", "small letters"),
        ("größe", "small letters"),
        ("", "small letters"),
        ("class", "a word of Python"),
        ("match", "a word of Python"),
        ("json", "standard library"),
        ("torch", "a package that this repository needs"),
        ("import_linter", "a package that this repository needs"),
        ("docs", "in this folder already"),
        ("benchmarks", "in this folder already"),
        ("project", "what the template itself is called"),
        ("a_name_of_twenty_five_char", "at most 24"),
    ],
)
def test_a_package_that_cannot_have_this_name(name, why):
    with pytest.raises(RefusedError, match=f"^NAME={name}.*{why}"):
        checked(name, "", "", "", ROOT)


@pytest.mark.parametrize("command", ["Acme", "acme reviews", "acme;ls", "-acme", "pytest", "python", "git"])
def test_a_command_that_cannot_have_this_name(command):
    with pytest.raises(RefusedError, match=f"^COMMAND={command}"):
        checked("acme", command, "", "", ROOT)


@pytest.mark.parametrize("title", ['Say "hi"', "a\nb", "<b>", "{{ x }}", "a" * 61])
def test_a_title_that_would_break_a_page(title):
    with pytest.raises(RefusedError, match=r"^TITLE="):
        checked("acme", "", title, "", ROOT)


def test_an_author_of_two_lines():
    with pytest.raises(RefusedError, match=r"^AUTHOR="):
        checked("acme", "", "", "A\nB", ROOT)


def test_command_and_title_follow_from_the_package():
    assert checked("acme_reviews", "", "", "", ROOT) == Names("acme_reviews", "acme-reviews", "Acme reviews")


def test_classes_and_variables_follow_from_the_package():
    names = Names("acme_reviews2", "acme", "Acme")
    assert (names.prefix, names.variables) == ("AcmeReviews2", "ACME_REVIEWS2")


def test_the_command_may_stay_what_it_is():
    assert checked("acme", "sentiment", "", "", ROOT).command == "sentiment"
