"""Models measured on the same texts -> is one better, where, and which texts changed: tables and a JSON file."""

from itertools import combinations
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from project.addons.results.command import bootstrap
from project.addons.results.measured import Measured, measure
from project.addons.results.paired import holm, mcnemar, wilson
from project.addons.results.slices import slices_of
from project.addons.results.tables import Figures, print_changes, print_figures
from project.atomic import write_json
from project.errors import UserError

LEVEL = 0.05  # what a corrected p value must be below for one model to be called better


def compare(
    *models: str, corpus: str | None = None, examples: int = 5, json: Path | None = None, overwrite: bool = False
) -> None:
    """Compare models on the same texts: which one is better, where, and which texts changed.

    Args:
        models: Folders of tested runs, checkpoints, or the word majority: always the most common label.
        corpus: The corpus or file that checkpoints are tested on; by default that of the first one.
        examples: How many texts to show that only one model of a pair got right, of each kind.
        json: File for all figures.
        overwrite: Whether an existing file is replaced.

    Raises:
        UserError: The models were not measured on the same texts, or one cannot be read.
    """
    if not 2 <= len(set(models)) == len(models) <= len(ascii_uppercase):
        raise UserError(f"give 2 to {len(ascii_uppercase)} different models, such as runs/version_0 runs/version_1")
    if json is not None and json.exists() and not overwrite:
        raise UserError(f"--json {json} exists already: choose another file, or add --overwrite")
    measured = dict(zip(ascii_uppercase, measure(models, corpus), strict=False))
    first, facts = measured["A"], [figures_of(letter, model) for letter, model in measured.items()]
    right = {letter: np.array([each == 1 for each in model.right]) for letter, model in measured.items()}
    pairs = pair_figures(right)
    slices = slice_figures(right, pairs, slices_of(first.texts, first.labels))
    print_figures(facts, pairs, slices)
    print_changes(pairs, measured, examples)
    if json is not None:
        write_json(json, {"test_fingerprint": first.fingerprint, "models": facts, "pairs": pairs, "slices": slices})
        print(f"\nwritten: {json}")


def figures_of(letter: str, model: Measured) -> dict[str, Any]:
    """Return the figures of one model; a text without an answer is not right."""
    right, texts = model.right.count(1), len(model.right)
    counts = {"texts": texts, "right": right, "unanswered": model.right.count(None)}
    return {"model": letter, "name": model.name, "accuracy": right / texts, "interval": wilson(right, texts), **counts}


def pair_figures(right: dict[str, NDArray[np.bool_]]) -> Figures:
    """Return the figures of each two models: `lost` and `gained` are the rows that only the one or the other got right.

    Args:
        right: Of each model, by its letter, (texts,).
    """
    pairs: Figures = []
    for a, b in combinations(right, 2):
        better = right[b].astype(float) - right[a]  # (texts,)
        rows = {kind: np.flatnonzero(better == sign).tolist() for kind, sign in (("lost", -1), ("won", 1))}
        facts = {"a": a, "b": b, "gain": float(better.mean()), "interval": bootstrap(better)}
        pairs.append(facts | rows | {"p": mcnemar(*map(len, rows.values()))})
    for pair, p in zip(pairs, holm([pair["p"] for pair in pairs]), strict=True):
        better_one = pair["b"] if pair["gain"] > 0 else pair["a"]
        pair |= {"p_holm": p, "verdict": f"{better_one} is better" if p < LEVEL else "no difference shown"}
    return pairs


def slice_figures(right: dict[str, NDArray[np.bool_]], pairs: Figures, slices: dict[str, NDArray[np.bool_]]) -> Figures:
    """Return each model's accuracy in each slice (texts,), and the pairs that differ there; p is corrected for all."""
    found: Figures = []
    tests: list[tuple[float, list[str], str]] = []
    for name, rows in slices.items():
        shares = {letter: float(each[rows].mean()) for letter, each in right.items()}
        found.append({"name": name, "texts": int(rows.sum()), "accuracy": shares, "different": []})
        for pair in pairs:
            lost, won = (int(rows[pair[kind]].sum()) for kind in ("lost", "won"))
            better = f"{pair['a']} {'>' if lost > won else '<'} {pair['b']}"
            tests.append((mcnemar(lost, won), found[-1]["different"], better))
    for (_, different, better), p in zip(tests, holm([p for p, *_ in tests]), strict=True):
        different += [better] * (p < LEVEL)
    return found
