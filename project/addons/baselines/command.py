"""A configuration's corpus -> linear baselines, as a table and a JSON file."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.metrics import accuracy_score, f1_score

from project.addons.baselines.linear import Baseline, Labels, majority, nb_svm, tf_idf
from project.atomic import write_json
from project.corpora import load_corpus
from project.datamodule import SentimentDataModule
from project.ingest import SPLITS, Corpus

FOLDER = Path("runs/baselines")


def baselines(data: SentimentDataModule) -> None:
    """Train linear classifiers on a corpus as baselines for the model.

    Their scores are saved in runs/baselines, for `sentiment results`.

    Raises:
        UserError: The corpus cannot be used, or lacks a split.
    """
    corpus = load_corpus(data.corpus_name, data.options)
    texts = [[example.text for example in corpus.split(split)] for split in SPLITS]
    labels = [np.array([example.label for example in corpus.split(split)]) for split in SPLITS]
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


def figures(baseline: Baseline, seconds: float, val: Labels, test: Labels) -> dict[str, Any]:
    """Return a baseline's entry in the JSON file."""
    return {
        "name": baseline.name,
        "strength": baseline.strength,
        "val/accuracy": float(accuracy_score(val, baseline.val)),
        "test/accuracy": float(accuracy_score(test, baseline.test)),
        "test/f1": float(f1_score(test, baseline.test, average="macro")),
        "seconds": seconds,
        "right": (baseline.test == test).astype(int).tolist(),
    }


def show(corpus: Corpus, facts: list[dict[str, Any]]) -> None:
    """Print one row per baseline."""
    table = Table(
        "", "C", "val accuracy", "test accuracy", "test macro F1", "seconds", title=f"Baselines: {corpus.name}"
    )
    for fact in facts:
        shares = (f"{fact[key]:.3f}" for key in ("val/accuracy", "test/accuracy", "test/f1"))
        strength = "" if fact["strength"] is None else f"{fact['strength']:g}"
        table.add_row(fact["name"], strength, *shares, f"{fact['seconds']:.1f}")
    Console().print(table)
