"""The folder of a tested run -> what its files say."""

import csv
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from project.addons.report.answers import Answers
from project.addons.report.figures import Flags
from project.checkpoint import Model, read_checkpoint, restore
from project.corpora import load_corpus, options_of
from project.decision import SEPARATOR
from project.errors import UserError
from project.ingest import Corpus

NEEDED = {"corpus", "fingerprint", "test_fingerprint", "checkpoint", "metrics", "confusion_matrix", "decision", "right"}


@dataclass(frozen=True)
class Run:
    """What the files of a run say.

    Attributes:
        folder: Where they are.
        results: results.json.
        config: config.yaml; empty for a run from Python.
        facts: hparams.yaml: commit and machine, if callbacks have logged them.
        epochs: Figures of train and val by epoch, of the fit that wrote the checkpoint.
        tested: test.csv.
        path: The checkpoint.
        checkpoint: Its content.
        model: What it holds.
    """

    folder: Path
    results: dict[str, Any]
    config: dict[str, Any]
    facts: dict[str, Any]
    epochs: dict[int, dict[str, float]]
    tested: Answers
    path: Path
    checkpoint: dict[str, Any]
    model: Model


def read_run(folder: Path) -> Run:
    """Read the files of a run.

    Raises:
        UserError: It was not tested, or its checkpoint is gone.
    """
    try:
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        several = results["decision"].get("labels") == "any"
        tested = read_tested(folder / "test.csv", results["confusion_matrix"]["labels"], several)
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
    checkpoint = read_checkpoint(path)
    return Run(folder, results, config, facts, epochs, tested, path, checkpoint, restore(checkpoint, path))


def read_tested(path: Path, names: list[str], several: bool) -> Answers:
    """Read test.csv, in which an answer may hold `several` names.

    Raises:
        KeyError: It has other columns, or other labels.
        ValueError: Or something else for a probability.
    """
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.DictReader(file))
    has, got = (members_of([row[column] for row in rows], names, several) for column in ("label", "predicted"))
    shares = np.array([[float(row[f"p_{name}"]) for name in names] for row in rows])
    places = [f"{row['file']}:{row['line']}" for row in rows]
    return Answers(names, places, [row["text"] for row in rows], has, got, shares, several)


def members_of(answers: Sequence[str], names: Sequence[str], several: bool) -> Flags:
    """Return which of `names` each answer is, or holds if it may hold `several`, (texts, C).

    Raises:
        KeyError: One is none of them.
    """
    numbers = {name: number for number, name in enumerate(names)}
    found = np.zeros((len(answers), len(names)), dtype=bool)
    for row, answer in enumerate(answers):
        if answer:
            found[row, [numbers[name] for name in (answer.split(SEPARATOR) if several else [answer])]] = True
    return found


def labels_of(corpus: Corpus, labels: Sequence[int]) -> Flags:
    """Return which classes texts of a corpus have, (texts, C), for their `labels`."""
    members = corpus.members
    return np.asarray((np.eye(len(corpus.label_names)) if members is None else members)[np.array(labels)] > 0)


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
