"""The folder of a tested run -> what its files say."""

import csv
import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from project.addons.report.figures import Flags, Floats, Ints
from project.checkpoint import read_checkpoint
from project.corpora import load_corpus, options_of
from project.errors import UserError
from project.ingest import Corpus

NEEDED = {"corpus", "fingerprint", "test_fingerprint", "checkpoint", "metrics", "confusion_matrix", "decision", "right"}


@dataclass(frozen=True)
class Answers:
    """The test split and what the model says of it.

    Attributes:
        names: The classes.
        places: FILE:LINE of each text.
        texts: The texts.
        labels: Their classes, (texts,).
        chosen: The answers, (texts,); -1 for none.
        probabilities: Of each class, (texts, C).
    """

    names: list[str]
    places: list[str]
    texts: list[str]
    labels: Ints
    chosen: Ints
    probabilities: Floats

    @cached_property
    def right(self) -> Flags:
        """Which answers are right, (texts,)."""
        return np.asarray(self.chosen == self.labels)

    @cached_property
    def confidence(self) -> Floats:
        """Probability of the answer, or of the most probable class, (texts,)."""
        rows = np.arange(len(self.labels))
        return np.where(self.chosen < 0, self.probabilities.max(1), self.probabilities[rows, self.chosen])

    def most_confident(self, right: bool, most: int) -> list[int]:
        """Return the rows of at most so many right, or wrong, answers, the most confident first."""
        rows = np.flatnonzero((self.chosen >= 0) & (self.right == right))
        return [int(row) for row in rows[np.argsort(-self.confidence[rows], kind="stable")][:most]]


@dataclass(frozen=True)
class Run:
    """What the files of a run say.

    Attributes:
        folder: Where they are.
        results: results.json.
        config: config.yaml; empty for a run from Python.
        facts: hparams.yaml: commit and machine, if callbacks have told them.
        epochs: Figures of train and val by epoch, of the fit that wrote the checkpoint.
        tested: test.csv.
        path: The checkpoint.
        checkpoint: Its content.
    """

    folder: Path
    results: dict[str, Any]
    config: dict[str, Any]
    facts: dict[str, Any]
    epochs: dict[int, dict[str, float]]
    tested: Answers
    path: Path
    checkpoint: dict[str, Any]


def read_run(folder: Path) -> Run:
    """Read the files of a run.

    Raises:
        UserError: It was not tested, or its checkpoint is gone.
    """
    try:
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        tested = read_tested(folder / "test.csv", results["confusion_matrix"]["labels"])
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing: sentiment fit and sentiment test write it") from error
    except (ValueError, KeyError) as error:
        raise UserError(f"the results in {folder} cannot be read ({error}): test the checkpoint again") from error
    if missing := NEEDED - results.keys():
        raise UserError(f"{folder}/results.json lacks {missing.pop()!r}: test the checkpoint again")
    named = Path(results["checkpoint"])
    own = folder / "checkpoints" / named.name  # wherever the folder has been moved
    path = own if own.is_file() else named
    config, facts = (read_yaml(folder / name) for name in ("config.yaml", "hparams.yaml"))
    epochs = read_epochs(path.parent.parent / "metrics.csv")
    return Run(folder, results, config, facts, epochs, tested, path, read_checkpoint(path))


def read_tested(path: Path, names: list[str]) -> Answers:
    """Read test.csv.

    Raises:
        KeyError: It has other columns.
        ValueError: Or other labels.
    """
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    labels, chosen = ([[*names, ""].index(row[column]) for row in rows] for column in ("label", "predicted"))
    answers = np.array(chosen)
    answers[answers == len(names)] = -1
    shares = np.array([[float(row[f"p_{name}"]) for name in names] for row in rows])
    places = [f"{row['file']}:{row['line']}" for row in rows]
    return Answers(names, places, [row["text"] for row in rows], np.array(labels), answers, shares)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file; one that is not there is empty."""
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {} if path.exists() else {}


def read_epochs(path: Path) -> dict[int, dict[str, float]]:
    """Read what metrics.csv has of train and val for each epoch."""
    epochs: dict[int, dict[str, float]] = defaultdict(dict)
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found = {name: float(row[name]) for name in row if name.startswith(("train/", "val/")) and row[name]}
                if found:
                    epochs[int(row["epoch"])] |= found
    return dict(epochs)


def corpus_of(run: Run) -> Corpus | None:
    """Load the corpus that was tested; None if it is gone or has changed since."""
    data = run.config.get("data")
    options = options_of({"datamodule_hyper_parameters": data} if data else run.checkpoint)
    for whole in (None, "test"):  # a foreign file is tested as a whole
        try:
            corpus = load_corpus(run.results["corpus"], options, run.tested.names, whole=whole)
        except UserError:
            return None
        if corpus.fingerprint == run.results["fingerprint"]:
            return corpus
    return None


def baselines_of(run: Run) -> list[dict[str, Any]]:
    """Return the linear baselines that were computed on the same test split, for a run that has tested all of it."""
    paths = sorted((run.folder.parent / "baselines").glob("*.json"))
    files = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    found = [each for file in files if file.get("test_fingerprint") == run.results["test_fingerprint"]
             for each in file["baselines"]]  # fmt: skip
    return [each for each in found if len(each["right"]) == len(run.results["right"])]
