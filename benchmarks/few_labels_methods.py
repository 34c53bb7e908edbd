# needs project/addons/teach project/addons/baselines
"""A draw -> the accuracy of a way to learn from its labels: a command, or averaged word vectors."""

import json
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.worker import ROOT
from project.__main__ import main
from project.corpora import load_corpus
from project.text import basic_english
from project.vectors import GLOVE_6B_50D, load_vectors

Figures = dict[str, float]
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # C, the inverse of the regularization strength
Method = Callable[[Path, Path, int], Figures]  # the draw's folder, an empty one to work in, the seed
MOST_SECONDS = 1_200  # for a command
RECIPE = "project/addons/teach/few-labels.yaml"
TUNING = ("--epochs=6", "--learning_rate=1e-4", "--batch_size=16")  # of the transformer: see docs/log.md
LATENT = "--teacher=lsa"
QUIET = ("--trainer.enable_progress_bar=false", "--without=report")


def sentiment(folder: Path, *words: str) -> None:
    """Run a command in `folder`, in a fork of this process: to import torch again takes 9 seconds.

    Raises:
        RuntimeError: It fails, or takes too long; with the end of what it printed.
    """
    process = multiprocessing.get_context("fork").Process(target=command, args=(folder, words))
    process.start()
    process.join(MOST_SECONDS)
    if process.exitcode != 0:
        process.kill()
        raise RuntimeError(f"sentiment {' '.join(words)}: {(folder / 'printed').read_text(errors='replace')[-2000:]}")


def command(folder: Path, words: Sequence[str]) -> None:
    """Be the command, which prints into a file."""
    os.chdir(folder)
    printed = os.open("printed", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(printed, stream.fileno())
    sys.argv = ["sentiment", *words]
    sys.exit(main())


def tf_idf(draw: Path, folder: Path, seed: int) -> Figures:
    """Run `sentiment baselines`; take TF-IDF with logistic regression."""
    sentiment(folder, "baselines", f"--data.corpus={draw}")
    (path,) = (folder / "runs" / "baselines").glob("*.json")
    (found,) = (each for each in json.loads(path.read_text())["baselines"] if each["name"] == "TF-IDF")
    return {key: found[key] for key in ("val/accuracy", "test/accuracy")}


def mean_vectors(draw: Path, folder: Path, seed: int) -> Figures:
    """Classify the mean of a text's GloVe vectors by logistic regression, whose strength val chooses."""
    vectors, corpus = load_vectors(GLOVE_6B_50D), load_corpus(str(draw))
    row_of = {word: row for row, word in enumerate(vectors.words)}
    matrix = vectors.vectors.numpy()

    def inputs(text: str) -> Any:
        rows = [row_of[word] for word in basic_english(text) if word in row_of]
        return matrix[rows].mean(0) if rows else np.zeros(matrix.shape[1])

    x = {name: np.stack([inputs(text) for text, _ in rows]) for name, rows in corpus.splits.items()}
    y = {name: [label for _, label in rows] for name, rows in corpus.splits.items()}
    models = [LogisticRegression(C=strength, max_iter=2000).fit(x["train"], y["train"]) for strength in STRENGTHS]
    best = max(models, key=lambda model: model.score(x["val"], y["val"]))  # the first of equals: the strongest
    return {f"{name}/accuracy": float(best.score(x[name], y[name])) for name in ("val", "test")}


def fit(draw: Path, folder: Path, seed: int, *options: str) -> Figures:
    """Run `sentiment fit` with options; a configuration comes before what it must not replace."""
    sentiment(folder, "fit", *options, f"--data.corpus={draw}", f"--seed_everything={seed}", *QUIET)
    metrics = json.loads((folder / "runs" / "version_0" / "results.json").read_text())["metrics"]
    return {key: metrics[key] for key in ("val/accuracy", "test/accuracy")}


def alone(draw: Path, folder: Path, seed: int) -> Figures:
    """Run the recipe on the labels alone, without a teacher: for more epochs, since there are fewer texts."""
    return fit(draw, folder, seed, f"--config={ROOT / RECIPE}", "--data.soft_targets=false", "--trainer.max_epochs=15")


def label(draw: Path, folder: Path, seed: int, *options: str, measured: bool) -> dict[str, Any]:
    """Run `sentiment teach` on the draw, into folder/taught; return its facts, with test's figures if `measured`."""
    own, made = folder / "own", folder / "taught"
    own.mkdir()
    for name in ("train", "val", "unlabelled", *(["test"] if measured else [])):
        (own / f"{name}.csv").symlink_to((draw / f"{name}.csv").absolute())
    words = (f"--data.corpus={own}", "--data.test_share=0", f"--texts={own}", f"--output={made}", *options)
    sentiment(folder, "teach", *words, f"--seed_everything={seed}")
    return json.loads((made / "teacher.json").read_text())  # type: ignore[no-any-return]


def latent(draw: Path, folder: Path, seed: int) -> Figures:
    """Let latent semantic analysis be the teacher, without a student."""
    facts = label(draw, folder, seed, LATENT, measured=True)
    return {key: facts[key] for key in ("val/accuracy", "test/accuracy")}


def taught(draw: Path, folder: Path, seed: int, *options: str) -> Figures:
    """Let a teacher label the draw's unlabelled texts, then run the recipe for its student."""
    began = time.perf_counter()
    facts = label(draw, folder, seed, *options, measured=measures_teacher(draw))
    seconds = time.perf_counter() - began
    shutil.copy(draw / "test.csv", folder / "taught" / "test.csv")
    student = fit(folder / "taught", folder, seed, f"--config={ROOT / RECIPE}")
    teacher = {f"teacher/{key}": facts[key] for key in ("val/accuracy", "test/accuracy") if key in facts}
    return student | teacher | {"teacher/seconds": seconds}


def measures_teacher(draw: Path) -> bool:
    """Return whether the teacher reads the test split too: not 2,000 reviews, which would take it minutes."""
    return json.loads((draw / "facts.json").read_text())["test"] < 2_000  # type: ignore[no-any-return]


def soft(draw: Path, folder: Path, seed: int) -> Figures:
    """Run `sentiment fit` on the shares of the raters, which movies has."""
    return fit(draw, folder, seed, "--data.soft_targets=true")


METHODS: dict[str, Method] = {
    "TF-IDF": tf_idf,
    "mean of GloVe": mean_vectors,
    "default": fit,
    "default, shares": soft,
    "recipe, no teacher": alone,
    "LSA itself": latent,
    "LSA + student": lambda *run: taught(*run, LATENT),
    "teacher + student": lambda *run: taught(*run, *TUNING),
}
