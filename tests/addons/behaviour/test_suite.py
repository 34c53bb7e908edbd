from pathlib import Path

import pytest
import yaml

from project.addons.behaviour.suite import EXPECT, MOST_FILLINGS, OWN, SLOT, Expectation, fill, filled, read_suite
from project.errors import UserError

SLOTS = {"thing": ["film", "camera work"], "good": ["warm"]}


def test_own_sentences_are_a_few_hundred_of_every_kind():
    tests = read_suite()
    assert {test.expect for test in tests} == set(EXPECT)
    assert 300 <= sum(len(test.cases) for test in tests) <= 1000
    assert not [case for test in tests for case in test.cases if any(SLOT.search(text) for text in case)]


def test_every_own_slot_is_used():
    content = yaml.safe_load(OWN.read_text())
    assert content["slots"].keys() == {name.lower() for name in SLOT.findall(str(content["tests"]))}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a {thing}", "a camera work"),
        ("A {THING}!", "A CAMERA WORK!"),
        ("{Thing}.", "Camera work."),
        ("{}{ }", "{}{ }"),
    ],
)
def test_slots_are_filled(text, written):
    assert fill(text, {"thing": "camera work"}) == written


def test_both_texts_of_a_pair_have_the_same_words():
    assert filled("here", "same", ["The {thing} is {good}.", "THE {THING}!"], SLOTS) == [
        ("The film is warm.", "THE FILM!"),
        ("The camera work is warm.", "THE CAMERA WORK!"),
    ]


def test_of_many_fillings_the_same_few_are_taken():
    slots = {"a": [str(n) for n in range(10)], "b": [str(n) for n in range(10)]}
    found = filled("here", "label", "{a} {b}", slots)
    assert len(set(found)) == len(found) == MOST_FILLINGS
    assert filled("here", "label", "{a} {b}", slots) == found


def write(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(content)
    return path


def test_tests_of_a_file_are_added_and_use_all_slots(tmp_path):
    path = write(
        tmp_path,
        "slots: {fruit: [plum]}\n"
        "tests:\n"
        "- {behaviour: fruit, expect: label, label: 1, texts: ['A {fruit} in {city}']}\n"
        "- {behaviour: fruit, expect: same, texts: [[a plum, a pear]]}\n",
    )
    tests = read_suite(path)
    assert tests[: len(read_suite())] == read_suite()
    assert tests[len(read_suite()) :] == [
        Expectation("fruit", "label", "1", [("A plum in Oslo",), ("A plum in Lagos",), ("A plum in Lima",)]),
        Expectation("fruit", "same", "", [("a plum", "a pear")]),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("tests: [", "own.yaml:1: not valid YAML"),
        ("- a", "own.yaml: it should hold `slots` and `tests`"),
        ("tests: []\nmore: 1", "own.yaml: it should hold `slots` and `tests`"),
        ("slots: {a: [b]}", "own.yaml: `tests` should be a list of tests"),
        ("slots: [a]\ntests: []", "own.yaml: `slots` should map names to lists of words"),
        ("slots:\n  a: [yes]\ntests: []", "own.yaml:2: the slot 'a' should be a list of words"),
        ("slots:\n  A: [b]\ntests: []", "own.yaml:2: the slot 'A' should have a lower-case name"),
        ("tests:\n- a", "own.yaml: test 1 should be a mapping"),
        ("tests:\n- behaviour: x", "own.yaml:2: test 1: `expect` is None: it should be one of label, same, more"),
        (
            "tests:\n- {behaviour: x, expect: label, texts: [a]}",
            "own.yaml:2: test 1: it should have behaviour, expect, label, texts, not behaviour, expect, texts",
        ),
        (
            "tests:\n- {behaviour: x, expect: same, label: y, texts: [[a, b]]}",
            "test 1: it should have behaviour, expect, texts, not behaviour, expect, label, texts",
        ),
        ("tests:\n- {behaviour: 1, expect: same, texts: [[a, b]]}", "test 1: `behaviour` should be text"),
        ("tests:\n- {behaviour: x, expect: label, label: [], texts: [a]}", "`label` should be the name of a label"),
        ("tests:\n- {behaviour: x, expect: same, texts: a}", "`texts` should be a list"),
        ("tests:\n- {behaviour: x, expect: same, texts: [a]}", "'a' should be a pair of texts"),
        ("tests:\n- {behaviour: x, expect: label, label: y, texts: [[a]]}", "['a'] should be a text"),
        (
            "tests:\n\n- {behaviour: x, expect: same, texts: [[a, ' ']]}",
            "own.yaml:3: test 1: ['a', ' ']: the text is empty",
        ),
        ("tests:\n- {behaviour: x, expect: same, texts: [[a, '{b}']]}", "there is no slot 'b', only thing, good"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, content, message):
    with pytest.raises(UserError) as error:
        read_suite(write(tmp_path, content))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*no\.yaml: No such file"):
        read_suite(tmp_path / "no.yaml")


def test_a_test_may_be_repeated_by_an_alias(tmp_path):
    path = write(tmp_path, "tests:\n- &a {behaviour: x, expect: same, texts: [[a, b]]}\n- *a\n")
    assert len(read_suite(path)) == len(read_suite()) + 2
