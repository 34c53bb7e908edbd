"""YAML files of tests -> checked expectations, each with its texts; the format is described in sentences.yml."""

import random
import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from project.errors import UserError
from project.ingest import label_name
from project.text import text_fault

OWN = Path(__file__).with_name("sentences.yml")
EXPECT = ("label", "same", "more")
MOST_FILLINGS = 20  # of one text: slots multiply
SLOT = re.compile(r"\{(\w+)\}")
LINE = "line of this mapping"  # a key that the loader adds

Slots = Mapping[str, Sequence[str]]


class Expectation(NamedTuple):
    """What a model should make of texts: a minimum functionality, invariance or directional test (Ribeiro et al. 2020).

    Attributes:
        behaviour: What is tested.
        expect: One of `EXPECT`.
        label: What `label` and `more` are about; empty for `same`.
        cases: Each one text for `label`, two for the others.
    """

    behaviour: str
    expect: str
    label: str
    cases: list[tuple[str, ...]]


class LineLoader(yaml.SafeLoader):
    """Reads plain types, and the line of each mapping."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping with its line, from 1."""
        return {**super().construct_mapping(node, deep), LINE: node.start_mark.line + 1}


def read_suite(path: Path | None = None) -> list[Expectation]:
    """Return the tests of this add-on and those of a file, which may use this add-on's slots.

    Raises:
        UserError: The file cannot be read, or says something that is not understood.
    """
    slots: dict[str, list[str]] = {}
    tests: list[Expectation] = []
    for file in filter(None, (OWN, path)):
        content = read_yaml(file)
        slots |= slots_of(file, content.get("slots") or {})
        given = content.get("tests")
        if not isinstance(given, list) or not given:
            raise UserError(f"{file}: `tests` should be a list of tests, as in {OWN.name} of this add-on")
        tests += [expectation(file, number, test, slots) for number, test in enumerate(given, start=1)]
    return tests


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the content of a file of tests.

    Raises:
        UserError: It cannot be read, or is not a mapping of slots and tests.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), LineLoader)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise UserError(f"{place}: not valid YAML ({getattr(error, 'problem', None) or error})") from error
    if not isinstance(content, dict) or not content.keys() <= {"slots", "tests", LINE}:
        raise UserError(f"{path}: it should hold `slots` and `tests` and nothing else, as {OWN.name} of this add-on")
    return content


def slots_of(path: Path, given: Any) -> dict[str, list[str]]:
    """Return the words of each slot.

    Raises:
        UserError: They are not lists of words.
    """
    if not isinstance(given, dict):
        raise UserError(f"{path}: `slots` should map names to lists of words")
    line = given.pop(LINE, 1)
    for name, words in given.items():
        if not isinstance(name, str) or not re.fullmatch(r"[a-z_]\w*", name) or name != name.lower():
            raise UserError(f"{path}:{line}: the slot {name!r} should have a lower-case name")
        if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
            raise UserError(
                f"{path}:{line}: the slot {name!r} should be a list of words (put yes, no and numbers in quotes)"
            )
    return given


def expectation(path: Path, number: int, test: Any, slots: Slots) -> Expectation:
    """Return what a test expects of which texts.

    Raises:
        UserError: It says something that is not understood.
    """
    if not isinstance(test, dict):
        raise UserError(f"{path}: test {number} should be a mapping of behaviour, expect, label and texts")
    place, keys = f"{path}:{test[LINE]}: test {number}", test.keys() - {LINE}
    expect: Any = test.get("expect")
    texts: Any = test.get("texts")
    needed = {"behaviour", "expect", "texts"} | ({"label"} if expect in ("label", "more") else set())
    faults = {
        f"`expect` is {expect!r}: it should be one of {', '.join(EXPECT)}": expect not in EXPECT,
        f"it should have {', '.join(sorted(needed))}, not {', '.join(sorted(map(str, keys)))}": keys != needed,
        "`behaviour` should be text": not isinstance(test.get("behaviour"), str),
        "`label` should be the name of a label": "label" in needed and label_name(test.get("label")) is None,
        "`texts` should be a list": not isinstance(texts, list) or not texts,
    }
    for fault in filter(faults.get, faults):
        raise UserError(f"{place}: {fault}")
    cases = [case for text in texts for case in filled(place, expect, text, slots)]
    return Expectation(test["behaviour"], expect, label_name(test.get("label")) or "", cases)


def filled(place: str, expect: str, given: Any, slots: Slots) -> list[tuple[str, ...]]:
    """Return the texts, or pairs of texts, that one with slots stands for, chosen at random if there are many.

    Raises:
        UserError: It is of the wrong kind, or names a slot that does not exist.
    """
    texts = checked_texts(place, expect, given)
    names = list(dict.fromkeys(name.lower() for text in texts for name in SLOT.findall(text)))
    if unknown := [name for name in names if name not in slots]:
        raise UserError(f"{place}: there is no slot {unknown[0]!r}, only {', '.join(slots)}")
    fillings = list(product(*(slots[name] for name in names)))
    if len(fillings) > MOST_FILLINGS:
        fillings = random.Random(0).sample(fillings, MOST_FILLINGS)
    return [tuple(fill(text, dict(zip(names, words, strict=True))) for text in texts) for words in fillings]


def checked_texts(place: str, expect: str, given: Any) -> list[str]:
    """Return the one text of `label`, or the two of the others.

    Raises:
        UserError: It is something else.
    """
    texts, count = ([given], 1) if expect == "label" else (given, 2)
    if not isinstance(texts, list) or len(texts) != count or not all(isinstance(text, str) for text in texts):
        raise UserError(f"{place}: {given!r:.60} should be {'a text' if count == 1 else 'a pair of texts'}")
    if fault := next(filter(None, map(text_fault, texts)), None):
        raise UserError(f"{place}: {given!r:.60}: {fault}")
    return texts


def fill(text: str, words: Mapping[str, str]) -> str:
    """Return a text with its slots filled: {NAME} in capitals, {Name} with one."""

    def written(found: re.Match[str]) -> str:
        name, word = found[1], words[found[1].lower()]
        if name.islower():
            return word
        return word.upper() if name.isupper() else word.capitalize()

    return SLOT.sub(written, text)
