"""``sentiment baselines``: linear classifiers on a configuration's corpus, its splits and texts."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from project.atomic import write_json
from project.configuration import corpus_parser
from project.corpora import load_corpus
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.ingest.store import SPLITS, Corpus

try:
    from sklearn.metrics import accuracy_score, f1_score

    from project.addons.baselines.linear import Baseline, Labels, majority, nb_svm, tf_idf
except ImportError as error:
    raise UserError("baselines need scikit-learn: pip install -e '.[baselines]'") from error

FOLDER = Path("runs/baselines")


def run() -> None:
    """Train them, print a table and write ``runs/baselines/CORPUS.json``.

    Raises:
        UserError: The corpus cannot be used, or lacks a split.
    """
    data = parse(sys.argv[2:])
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
    path = FOLDER / f"{Path(corpus.name).stem}.json"
    fingerprints = {"fingerprint": corpus.fingerprint, "test_fingerprint": corpus.test_fingerprint}
    write_json(path, {"corpus": corpus.name, **fingerprints, "baselines": facts})
    print(f"written: {path}")


def parse(words: list[str]) -> SentimentDataModule:
    """Read the configuration as `fit` does; only its corpus matters here.

    Raises:
        UserError: It cannot be read.
    """
    parser = corpus_parser("baselines", str(__doc__))
    data: SentimentDataModule = parser.instantiate_classes(parser.parse_args(words)).data
    return data


def timed(train: Callable[[], Baseline]) -> tuple[Baseline, float]:
    """Return the baseline, and the seconds that all its strengths took together."""
    began = time.perf_counter()
    return train(), time.perf_counter() - began


def figures(baseline: Baseline, seconds: float, val: Labels, test: Labels) -> dict[str, Any]:
    """Return what is kept of a baseline."""
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
    """Print the table."""
    table = Table(
        "", "C", "val accuracy", "test accuracy", "test macro F1", "seconds", title=f"Baselines: {corpus.name}"
    )
    for fact in facts:
        shares = (f"{fact[key]:.3f}" for key in ("val/accuracy", "test/accuracy", "test/f1"))
        strength = "" if fact["strength"] is None else f"{fact['strength']:g}"
        table.add_row(fact["name"], strength, *shares, f"{fact['seconds']:.1f}")
    Console().print(table)
