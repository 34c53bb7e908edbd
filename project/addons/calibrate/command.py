"""A checkpoint and its val split -> a checkpoint with another temperature, other thresholds, or that may abstain."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from project.addons.calibrate.fitting import (
    best_cut,
    f1_of_labels,
    fitted_temperature,
    log_softmax,
    macro_f1,
    negative_log_likelihood,
    threshold_for_precision,
    thresholds_for_macro_f1,
    thresholds_of_labels,
)
from project.checkpoint import KEY, Model, read_checkpoint, restore, save_plain
from project.corpora import load_corpus, options_of
from project.decision import Decision
from project.errors import UserError
from project.ingest import ReadOptions, check_new
from project.predict import predictor_of

Aim = Literal["macro_f1", "precision"]
THRESHOLDS = {"one": thresholds_for_macro_f1, "any": thresholds_of_labels}


def calibrate(
    ckpt_path: Path,
    output: Path,
    aim: Aim | None = None,
    label: str | None = None,
    recall: float = 0.9,
    abstain_below: float = 0.0,
    overwrite: bool = False,
) -> None:
    """Fit a checkpoint's temperature, and thresholds on request, on val; write a checkpoint that uses them.

    Args:
        ckpt_path: A .ckpt file that fit or ensemble wrote.
        output: The .ckpt file to write; test, predict, classify, export and serve use it.
        aim: What the thresholds are for: macro_f1, or the precision of one label; by default the most probable class
            is the answer.
        label: The label whose precision is the aim.
        recall: The share of its texts in val that should still be found.
        abstain_below: Give no label to texts of which no class is as probable as this.
        overwrite: Whether an existing file is replaced.

    Raises:
        UserError: The checkpoint has no val split, an option makes no sense, or the file cannot be written.
    """
    if output.suffix != ".ckpt":
        raise UserError(f"--output {output} is not the name of a checkpoint: choose a file that ends in .ckpt")
    check_new(output, "name, or add --overwrite", overwrite)
    for name, value in {"recall": recall, "abstain_below": abstain_below}.items():
        if not 0 <= value <= 1:
            raise UserError(f"{name} is {value}: set --{name} from 0 to 1")
    checkpoint = read_checkpoint(ckpt_path)
    model = restore(checkpoint, ckpt_path)
    old = model.decision
    if (aim == "precision") != (label is not None) or (label is not None and label not in old.label_names):
        raise UserError(f"--aim=precision and --label=NAME go together; the labels are {', '.join(old.label_names)}")
    if old.labels == "any" and abstain_below:
        raise UserError("--abstain_below needs one label per text: with labels=any, no label is an answer too")
    logits, labels = measured(model, options_of(checkpoint))
    new = replace(old, temperature=fitted_temperature(logits, labels), thresholds=(), abstain_below=abstain_below)
    probabilities = shares(logits, new)
    if aim == "macro_f1":
        new = replace(new, thresholds=THRESHOLDS[new.labels](probabilities, labels))
    elif label is not None:
        new = replace(new, thresholds=for_precision(probabilities, labels, old.label_names, label, recall))
    if (probabilities.max(1) < abstain_below).all():
        raise UserError(f"no text of val has a class as probable as {abstain_below}: choose a lower --abstain_below")
    checkpoint[KEY]["decision"] = new.state()
    save_plain(checkpoint, output)
    show(logits, labels, {"before": old, "after": new})
    print(f"written: {output}")


def measured(model: Model, options: ReadOptions) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the logits (texts, C) and the labels, see `negative_log_likelihood`, of the model's val split.

    Raises:
        UserError: There is none.
    """
    network, tokenizer, decision, state = model
    corpus = load_corpus(state["corpus"], options, state["label_names"])
    examples = list(corpus.split("val"))
    predictor = predictor_of(network, tokenizer, Decision(decision.label_names, labels=decision.labels))
    answers = predictor.answers([example.text for example in examples])
    probabilities = np.array([list(answer.probabilities.values()) for answer in answers])
    logits = np.log(np.maximum(probabilities, 1e-300))
    labels = np.array([example.label for example in examples])
    if corpus.members is None:
        return logits, labels
    return logits - np.log(np.maximum(1 - probabilities, 1e-300)), corpus.members[labels].astype(np.int64)


def shares(logits: NDArray[np.float64], decision: Decision) -> NDArray[np.float64]:
    """Return the probabilities (texts, C) for `logits` (texts, C)."""
    if decision.labels == "any":
        return np.asarray((1 + np.tanh(logits / decision.temperature / 2)) / 2)
    return np.exp(log_softmax(logits, decision.temperature))


def for_precision(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], names: Sequence[str], label: str, recall: float
) -> list[float]:
    """Return the thresholds of the highest precision of `label`, see `threshold_for_precision`.

    Raises:
        UserError: No text has it.
    """
    place = names.index(label)
    if not (labels == place if labels.ndim == 1 else labels[:, place]).any():
        raise UserError(f"val has no text with the label {label!r}: its precision cannot be measured")
    if labels.ndim == 1:
        return threshold_for_precision(probabilities, labels, place, recall)
    return [best_cut(probabilities[:, each], labels[:, each], recall) if each == place else 0.5
            for each in range(len(names))]  # fmt: skip


def show(logits: NDArray[np.float64], labels: NDArray[np.int64], decisions: dict[str, Decision]) -> None:
    """Print the figures of val for each decision; a text without an answer counts for neither accuracy nor F1."""
    table = Table("val", "temperature", "log-likelihood", "answered", "accuracy", "macro F1")
    for name, decision in decisions.items():
        likelihood = -negative_log_likelihood(logits, labels, decision.temperature)
        figures = (f"{x:.3f}" for x in figures_of(shares(logits, decision), labels, decision))
        table.add_row(name, f"{decision.temperature:.3f}", f"{likelihood:.4f}", *figures)
    Console().print(table)
    if decision.thresholds:
        named = zip(decision.label_names, decision.thresholds, strict=True)
        print("thresholds:", ", ".join(f"{label} {threshold:.3f}" for label, threshold in named))


def figures_of(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], decision: Decision
) -> tuple[float, float, float]:
    """Return the share of texts that get an answer, and accuracy and macro F1 among these."""
    chosen = decision.chosen(probabilities)
    if decision.labels == "any":
        return 1.0, float((chosen == labels).all(1).mean()), float(np.nanmean(f1_of_labels(chosen, labels)))
    answered = chosen >= 0
    thresholds = np.array(decision.thresholds or np.ones(len(decision.label_names)))
    f1 = macro_f1(probabilities[answered], labels[answered], thresholds)
    return float(answered.mean()), float((chosen == labels)[answered].mean()), f1
