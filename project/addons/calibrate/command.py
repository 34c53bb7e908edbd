"""A checkpoint and its val split -> a checkpoint with another temperature, other thresholds, or that may abstain."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from project.addons.calibrate.fitting import (
    fitted_temperature,
    log_softmax,
    macro_f1,
    negative_log_likelihood,
    threshold_for_precision,
    thresholds_for_macro_f1,
)
from project.checkpoint import KEY, read_checkpoint, restore, save_plain
from project.corpora import load_corpus, options_of
from project.decision import Decision
from project.errors import UserError
from project.ingest import check_new
from project.predict import predictor_of

Aim = Literal["macro_f1", "precision"]


def calibrate(
    ckpt_path: Path,
    output: Path,
    aim: Aim | None = None,
    label: str | None = None,
    recall: float = 0.9,
    abstain_below: float = 0.0,
    overwrite: bool = False,
) -> None:
    """Fit a checkpoint's temperature, and thresholds on request, on val; write a checkpoint that decides so.

    Args:
        ckpt_path: A .ckpt file of fit or ensemble.
        output: The .ckpt file to write; test, predict, classify, export and serve follow it.
        aim: What the thresholds are for: macro_f1, or the precision of one label; by default the most probable class
            is the answer.
        label: The label whose precision is the aim.
        recall: The share of its texts in val that should still be found.
        abstain_below: Give no label to texts of which no class is as probable as this.
        overwrite: Whether `output` may be there already.

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
    old = Decision(tuple(checkpoint[KEY]["label_names"]), **checkpoint[KEY]["decision"])
    if (aim == "precision") != (label is not None) or (label is not None and label not in old.label_names):
        raise UserError(f"--aim=precision and --label=NAME go together; the labels are {', '.join(old.label_names)}")
    logits, labels = measured(checkpoint)
    new = replace(old, temperature=fitted_temperature(logits, labels), thresholds=(), abstain_below=abstain_below)
    probabilities = np.exp(log_softmax(logits, new.temperature))
    if aim == "macro_f1":
        new = replace(new, thresholds=thresholds_for_macro_f1(probabilities, labels))
    elif label is not None:
        place = old.label_names.index(label)
        if place not in labels:
            raise UserError(f"val has no text with the label {label!r}: its precision cannot be measured")
        new = replace(new, thresholds=threshold_for_precision(probabilities, labels, place, recall))
    if (probabilities.max(1) < abstain_below).all():
        raise UserError(f"no text of val has a class as probable as {abstain_below}: choose a lower --abstain_below")
    checkpoint[KEY]["decision"] = new.state()
    save_plain(checkpoint, output)
    show(logits, labels, {"before": old, "after": new})
    print(f"written: {output}")


def measured(checkpoint: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the logits (texts, C) and labels (texts,) of the val split that a checkpoint was trained with.

    Raises:
        UserError: There is none.
    """
    network, tokenizer, decision, state = restore(checkpoint)
    examples = list(load_corpus(state["corpus"], options_of(checkpoint), state["label_names"]).split("val"))
    predictor = predictor_of(network, tokenizer, Decision(decision.label_names))
    answers = predictor.answers([example.text for example in examples])
    probabilities = np.array([list(answer.probabilities.values()) for answer in answers])
    logits = np.log(np.maximum(probabilities, 1e-300))
    return logits, np.array([example.label for example in examples])


def show(logits: NDArray[np.float64], labels: NDArray[np.int64], decisions: dict[str, Decision]) -> None:
    """Print the figures of val for each decision; a text without an answer counts for neither accuracy nor F1."""
    table = Table("val", "temperature", "log-likelihood", "answered", "accuracy", "macro F1")
    for name, decision in decisions.items():
        probabilities = np.exp(log_softmax(logits, decision.temperature))
        chosen = decision.chosen(probabilities)
        answered = chosen >= 0
        thresholds = decision.thresholds or np.ones(len(decision.label_names))
        f1 = macro_f1(probabilities[answered], labels[answered], np.array(thresholds))
        shares = (answered.mean(), (chosen == labels)[answered].mean(), f1)
        likelihood = -negative_log_likelihood(logits, labels, decision.temperature)
        table.add_row(name, f"{decision.temperature:.3f}", f"{likelihood:.4f}", *(f"{x:.3f}" for x in shares))
    Console().print(table)
    if decision.thresholds:
        named = zip(decision.label_names, decision.thresholds, strict=True)
        print("thresholds:", ", ".join(f"{label} {threshold:.3f}" for label, threshold in named))
