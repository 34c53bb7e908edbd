"""A file with a language model's answers -> probabilities for the texts of train, and further texts with theirs."""

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from project.errors import UserError
from project.ingest import SUFFIXES, Corpus, Row, is_data_file, label_name, read_records, unseen_texts

ROUNDED = 0.01  # how far above 1 the probabilities of some labels may add up
AROUND = " \t\r\n.,;:!?\"'`*#()[]{}<>“”„«»"  # what models write around a word
BETWEEN = re.compile(r"(?<=\w)[\s_-]+(?=\w)")
NO_ANSWER: tuple[object, ...] = (None, "", {})


@dataclass
class Answered:
    """The usable answers for one text.

    Attributes:
        text: As the first of them writes it.
        lines: Where they are in the file.
        shares: The probability of each class by each answer, (answers, C).
    """

    text: str
    lines: list[int] = field(default_factory=list)
    shares: list[list[float]] = field(default_factory=list)

    def mean(self) -> NDArray[np.float32]:
        """Return the mean probability of each class, (C,)."""
        return np.mean(self.shares, axis=0, dtype=np.float32)  # type: ignore[no-any-return]


def spaced(text: str) -> str:
    """Return a text with single spaces: answers often come back with other white space."""
    return " ".join(text.split())


def read_answers(path: Path, own: Corpus) -> tuple[dict[str, Answered], list[tuple[int, str]]]:
    """Return the usable answers of a file by `spaced`, and line and reason of all others.

    Raises:
        UserError: The file cannot be read, or has no usable answer.
    """
    if not is_data_file(path):
        raise UserError(f"answers {path} should end in one of {', '.join(SUFFIXES)}")
    find, found, unused = label_finder(own), dict[str, Answered](), list[tuple[int, str]]()
    for record in read_records(path, needed=["text"]):
        text = record.columns.get("text")
        try:
            if fault := record.fault or own.source.text_fault(text):
                raise ValueError(fault)
            shares = shares_of_answer(record.columns, find, len(own.label_names))
        except ValueError as error:
            unused.append((record.line, str(error)))
            continue
        answered = found.setdefault(spaced(str(text)), Answered(str(text)))
        answered.lines.append(record.line)
        answered.shares.append(shares)
    if not found:
        reason = "line {}: {}".format(*unused[0]) if unused else "it is empty"
        raise UserError(f"{path} has no answer that can be used for {own.name} ({reason}); see docs/teaching.md")
    return found, unused


def label_finder(own: Corpus) -> Callable[[object], int | None]:
    """Return a function from a model's word for a label to the label's index, or None.

    What is not written exactly like a label is compared without case, punctuation around it, and whether its words are
    joined by spaces, hyphens or underscores; two labels that are then alike have to be written exactly.
    """
    exact = {name: number for number, name in enumerate(own.label_names)}
    exact |= {name: exact[label] for name, label in own.source.renamed.items() if label in exact} | exact
    folded = [folded_word(name) for name in own.label_names]
    loose = {word: number for number, word in enumerate(folded) if word and folded.count(word) == 1}

    def find(value: object) -> int | None:
        name = label_name(value) or ""
        return exact.get(name, loose.get(folded_word(name)))

    return find


def folded_word(word: str) -> str:
    """Return a label in a form that hides how a model writes it: "**Very-negative**." is very negative."""
    return BETWEEN.sub(" ", word.casefold()).strip(AROUND)


def shares_of_answer(row: Mapping[str, Any], find: Callable[[object], int | None], classes: int) -> list[float]:
    """Return the probability of each class by a row's answer, adding up to 1.

    Classes that are missing have equal parts of what is left to 1.

    Raises:
        ValueError: It cannot be used; the message says why.
    """
    shares: dict[int, float] = {}
    for name, value in answer_of(row):
        number, share = find(name), number_of(value)
        if number is None:
            raise ValueError(f"the corpus has no such label: {name!r:.60}")
        if number in shares:
            raise ValueError(f"there are two probabilities of the label {name!r:.60}")
        shares[number] = share
    total, missing = sum(shares.values()), classes - len(shares)
    if missing and total > 1 + ROUNDED:
        raise ValueError(f"the probabilities add up to {total:.6g}, although labels are missing")
    left = max(1 - total, 0.0) / missing if missing else 0.0
    if not (whole := total + left * missing):
        raise ValueError("all probabilities are 0")
    return [shares.get(number, left) / whole for number in range(classes)]


def answer_of(row: Mapping[str, Any]) -> list[tuple[object, object]]:
    """Return labels and their shares: a row's ``probabilities``, else its columns p_LABEL, else 1 for its ``label``.

    Raises:
        ValueError: There is no answer, or the probabilities are not an object.
    """
    given = row.get("probabilities")
    if given in NO_ANSWER:
        given = {name.removeprefix("p_"): value for name, value in row.items() if name.startswith("p_")}
    elif not isinstance(given, dict):
        raise ValueError(f"the probabilities are not an object but {given!r:.60}")
    there = [(name, value) for name, value in given.items() if value not in NO_ANSWER]
    if not there and row.get("label") in NO_ANSWER:
        raise ValueError("there is no answer")
    return there or [(row["label"], 1.0)]


def number_of(value: Any) -> float:
    """Return a number that can be a share: finite and not negative.

    Raises:
        ValueError: It is none.
    """
    with suppress(ValueError, TypeError, OverflowError):
        if 0 <= (number := float(value)) < math.inf and not isinstance(value, bool):
            return number
    raise ValueError(f"a probability is {value!r:.40}")


def taught_by_answers(
    own: Corpus, path: Path, weight: float
) -> tuple[list[str], NDArray[np.float32], dict[str, Any], list[Row]]:
    """Return what a file of answers teaches.

    Labelled texts without an answer keep their soft target, or have their label for certain.

    Args:
        own: The corpus.
        path: The file.
        weight: Of the answer against the label, if train has both; from 0 to 1.

    Returns:
        Further texts, in neither val nor test; the probabilities of train's texts, then of these, (texts, C); facts for
        teacher.json; file, line and reason of each answer that is not used.

    Raises:
        UserError: The file cannot be read, or has no answer for train.
    """
    answers, unused = read_answers(path, own)
    facts = accuracies(answers, own)
    targets = train_targets(own)
    others = dict(answers)
    for number, (text, _) in enumerate(own.split("train")):
        if answer := answers.get(spaced(text)):
            targets[number] = weight * answer.mean() + (1 - weight) * targets[number]
            others.pop(spaced(text), None)
    by_text = {answer.text: answer for answer in others.values()}
    further = list(unseen_texts(own, lambda: by_text, bool(own.source.carve_phrases)))
    means = [by_text.pop(text).mean() for text in further]
    unused += [(line, "the text is in val or test") for held_out in by_text.values() for line in held_out.lines]
    if not further and len(others) == len(answers):
        raise UserError(f"{path} has answers for texts of val and test only: nothing can be learned from them")
    rows = [{"file": str(path), "line": line, "reason": reason} for line, reason in unused]
    return further, np.vstack([targets, *means]), facts, rows


def train_targets(own: Corpus) -> NDArray[np.float32]:
    """Return the soft targets of train; without any, 1 for the label of each text, (texts, C)."""
    if own.soft_targets is not None:
        return np.array(own.soft_targets)
    return np.eye(len(own.label_names), dtype=np.float32)[[label for _, label in own.split("train")]]


def accuracies(answers: Mapping[str, Answered], own: Corpus) -> dict[str, Any]:
    """Print and return on how many of the answered texts of train and val the answers agree with the labels."""
    facts: dict[str, Any] = {}
    for split in ("train", "val"):
        pairs = [(answers.get(spaced(text)), label) for text, label in own.splits.get(split, ())]
        right = [answer.mean().argmax() == label for answer, label in pairs if answer]
        if right:
            facts |= {f"{split}/accuracy": float(np.mean(right)), f"{split}/answered": len(right)}
            print(f"the teacher's accuracy on {split}: {np.mean(right):.3f} ({len(right):,} answered texts)")
    if not facts:
        print("no answer is for a text with a label: the teacher's accuracy is not known")
    return facts
