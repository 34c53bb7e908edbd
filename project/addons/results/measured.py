"""Run folders, checkpoints or the word majority -> their answers to the same texts."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from project.checkpoint import KEY, Model, read_checkpoint, restore
from project.corpora import load_corpus, options_of
from project.errors import UserError
from project.ingest import Corpus
from project.predict import predictor_of


class Measured(NamedTuple):
    """A model's answers to the texts of a test split.

    Attributes:
        name: What the user called it.
        fingerprint: Of the test split.
        texts: Those that were measured.
        labels: Their true ones.
        answers: The model's; empty if it gives none.
        right: 1 or 0; None if it gives none.
        train_labels: Those of the corpus's train split, if there is one and it was read.
    """

    name: str
    fingerprint: str
    texts: list[str]
    labels: list[str]
    answers: list[str]
    right: Sequence[int | None]
    train_labels: Sequence[str] = ()


def measure(names: Sequence[str], corpus_name: str | None) -> list[Measured]:
    """Return the answers of the models that `names` mean, in their order.

    Raises:
        UserError: One cannot be read, or they have not been measured on the same texts.
    """
    folders = [name for name in names if Path(name).is_dir()]
    files = [name for name in names if name not in folders and name != "majority"]
    found = dict(zip(files, classify(files, corpus_name) if files else (), strict=True))
    found |= {name: read_run(name) for name in folders}
    first = next(iter(found.values()))
    for each in found.values():
        if (each.fingerprint, each.texts) != (first.fingerprint, first.texts):
            message = "were not measured on the same texts and labels: test them on the same corpus"
            raise UserError(f"{first.name} and {each.name} {message}")
    return [found[name] if name in found else majority(first) for name in names]


def read_run(name: str) -> Measured:
    """Read what a test wrote into a run's folder.

    Raises:
        UserError: A file is missing or damaged, or the two are of different tests.
    """
    try:
        facts = json.loads(Path(name, "results.json").read_text(encoding="utf-8"))
        with Path(name, "test.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        texts, labels, answers = ([row[column] for row in rows] for column in ("text", "label", "predicted"))
        if not rows or [str(right) for right in facts["right"]] != [row["right"] or "None" for row in rows]:
            raise ValueError("they come from different tests")
        return Measured(name, facts["test_fingerprint"], texts, labels, answers, facts["right"])
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise UserError(f"{name}: results.json and test.csv cannot be used ({error}): test it again") from error


def classify(names: Sequence[str], corpus_name: str | None) -> list[Measured]:
    """Let checkpoints answer the test split of a corpus: a single file that none was trained on is taken whole.

    Raises:
        UserError: A checkpoint or the corpus cannot be used, or their labels differ.
    """
    checkpoints = [read_checkpoint(name) for name in names]
    models = [restore(checkpoint, name) for checkpoint, name in zip(checkpoints, names, strict=True)]
    corpus_name = corpus_name or models[0].state["corpus"]
    own = [each for each in checkpoints if each[KEY]["corpus"] == corpus_name]
    leading = [*own, *checkpoints][0]  # its options and order of labels carve its test split
    corpus = load_corpus(corpus_name, options_of(leading), leading[KEY]["label_names"], whole=None if own else "test")
    return [answered(name, model, corpus) for name, model in zip(names, models, strict=True)]


def answered(name: str, model: Model, corpus: Corpus) -> Measured:
    """Return what a model says of the test split of a corpus.

    Raises:
        UserError: Its labels are others than those of the corpus.
    """
    if set(model.decision.label_names) != set(corpus.label_names):
        raise UserError(f"{name} has other labels than {', '.join(corpus.label_names)}: it cannot be compared")
    texts = [example.text for example in corpus.split("test")]
    labels = {split: [corpus.answers[row.label] for row in rows] for split, rows in corpus.splits.items()}
    answers = [each.label for each in predictor_of(*model[:3]).answers(texts)]
    several = corpus.members is not None
    found = [right(answer, label, several) for answer, label in zip(answers, labels["test"], strict=True)]
    return Measured(name, corpus.test_fingerprint, texts, labels["test"], answers, found, labels.get("train", ()))


def right(answer: str, label: str, several: bool) -> int | None:
    """Return 1 for a right answer, 0 for a wrong one, None for none; of `several` labels none is an answer too."""
    return int(answer == label) if answer or several else None


def majority(other: Measured) -> Measured:
    """Return what the most common label of train, or of the test texts if train is not known, gives as an answer."""
    where, labels = ("train", other.train_labels) if other.train_labels else ("the test texts", other.labels)
    label = Counter(labels).most_common(1)[0][0]
    right, answers = [int(each == label) for each in other.labels], [label] * len(other.labels)
    return other._replace(name=f"majority: {label}, the most common label of {where}", answers=answers, right=right)
