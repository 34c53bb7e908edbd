"""A configuration's corpus -> linear baselines, as a table and a JSON file."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.metrics import accuracy_score, f1_score

from project.addons.baselines.linear import Baseline, Labels, f1_of_labels, majority, nb_svm, tf_idf
from project.atomic import write_json
from project.corpora import load_corpus
from project.datamodule import SentimentDataModule
from project.ingest import SPLITS, Corpus, Split

FOLDER = Path("runs/baselines")


def baselines(data: SentimentDataModule) -> None:
    """Train linear classifiers on a corpus as baselines for the model.

    Their scores are saved in runs/baselines, for `sentiment results`.

    Raises:
        UserError: The corpus cannot be used, or lacks a split.
    """
    corpus = load_corpus(data.corpus_name, data.options)
    texts = [[example.text for example in corpus.split(split)] for split in SPLITS]
    labels = [labels_of(corpus, split) for split in SPLITS]
    found = [
        timed(lambda: majority(labels[0], len(labels[1]), len(labels[2]))),
        timed(lambda: tf_idf(texts, labels[0], labels[1])),
        timed(lambda: nb_svm(texts, labels[0], labels[1])),
    ]
    facts = [figures(baseline, seconds, labels[1], labels[2]) for baseline, seconds in found]
    show(corpus, facts)
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{Path(corpus.name).stem}-{corpus.fingerprint[:8]}.json"
    fingerprints = {"fingerprint": corpus.fingerprint, "test_fingerprint": corpus.test_fingerprint}
    write_json(path, {"corpus": corpus.name, **fingerprints, "baselines": facts})
    print(f"written: {path}")


def timed(train: Callable[[], Baseline]) -> tuple[Baseline, float]:
    """Return the baseline, and the seconds spent on all its strengths."""
    started = time.perf_counter()
    return train(), time.perf_counter() - started


def labels_of(corpus: Corpus, split: Split) -> Labels:
    """Return the labels of a split, (texts,); with any number of labels, which ones each text has, (texts, C)."""
    labels, members = np.array([example.label for example in corpus.split(split)]), corpus.members
    return labels if members is None else members[labels].astype(np.int64)


def figures(baseline: Baseline, seconds: float, val: Labels, test: Labels) -> dict[str, Any]:
    """Return a baseline's entry in the JSON file; accuracy is the exact match of the labels."""
    facts: dict[str, Any] = {"name": baseline.name, "strength": baseline.strength}
    for split, answers, labels in ("val", baseline.val, val), ("test", baseline.test, test):
        facts[f"{split}/accuracy"] = float(accuracy_score(labels, answers))
        if labels.ndim == 2:
            facts[f"{split}/f1"], facts[f"{split}/f1_micro"] = f1_of_labels(answers, labels)
    if test.ndim == 1:
        facts["test/f1"] = float(f1_score(test, baseline.test, average="macro"))
    same = baseline.test == test
    return facts | {"seconds": seconds, "right": (same if same.ndim == 1 else same.all(1)).astype(int).tolist()}


def show(corpus: Corpus, facts: list[dict[str, Any]]) -> None:
    """Print one row per baseline."""
    columns = {"val/accuracy": "val accuracy", "test/accuracy": "test accuracy", "test/f1": "test macro F1"}
    if corpus.members is not None:
        columns = {"val/f1": "val macro F1", "test/f1": "test macro F1", "test/f1_micro": "test micro F1"}
        columns["test/accuracy"] = "test exact match"
    table = Table("", "C", *columns.values(), "seconds", title=f"Baselines: {corpus.name}")
    for fact in facts:
        shares = (f"{fact[key]:.3f}" for key in columns)
        strength = "" if fact["strength"] is None else f"{fact['strength']:g}"
        table.add_row(fact["name"], strength, *shares, f"{fact['seconds']:.1f}")
    Console().print(table)
