"""Checkpoint -> bundle, accepted only if both make the same predictions on real texts."""

import ctypes
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import onnx
from rich.console import Console
from rich.table import Table

from project.atomic import atomic_write, scratch_beside, write_json
from project.checkpoint import ModelState, read_checkpoint, restore
from project.corpora import load_corpus, options_of
from project.decision import Prediction
from project.errors import UserError
from project.export.bundle import FACTS, FORMAT, MODEL, TOKENIZER, BundleFacts, facts_digest, open_bundle
from project.export.graph import build_graph
from project.export.int8 import quantize
from project.export.parity import Parity, compare, timed
from project.ingest import SPLITS, ReadOptions
from project.predict import Predictor, predictor_of

AT_FDCWD, RENAME_EXCHANGE = -100, 2  # names of Linux's fcntl.h and stdio.h


class Row(NamedTuple):
    """A row of the printed table: the checkpoint or a bundle."""

    name: str
    accuracy: float
    rate: float  # texts per second
    parity: Parity | None = None  # of a bundle, compared with the checkpoint
    size: float | None = None  # MB, of a bundle


def export(
    ckpt_path: Path,
    output: Path = Path("bundle"),
    int8: bool = False,
    corpus: str | None = None,
    text_column: str = "text",
    label_column: str = "label",
    texts: int = 1000,
) -> None:
    """Convert a checkpoint into a bundle that needs no torch, if both make the same predictions on real texts.

    Args:
        ckpt_path: A .ckpt file that fit wrote.
        output: Folder to write; one that holds a bundle and nothing else is replaced.
        int8: Quantize the weights to 8 bits, and print what that costs and gains.
        corpus: Corpus to compare on: a name, file or folder; by default the one the checkpoint was trained on.
        text_column: Name of the text column in a file.
        label_column: Name of the label column in a file.
        texts: Maximum number of texts to compare on.

    Raises:
        UserError: The checkpoint or the texts cannot be used, or the predictions differ.
    """
    target_of(output)  # before all the work
    checkpoint = read_checkpoint(ckpt_path)
    trained = restore(checkpoint, ckpt_path)
    model = build_graph(trained.network)
    own = options_of(checkpoint)
    options = ReadOptions(text_column, label_column, labels=own.labels) if corpus else own
    options = replace(options, bad_rows="skip")  # rows with soft targets may have no label
    examples = texts_to_compare(corpus or trained.state["corpus"], options, trained.state, texts)
    try:
        write_accepted(output, model, predictor_of(*trained[:3]), trained.state, examples, int8)
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror or error}; make room or choose another") from error


def texts_to_compare(corpus: str, options: ReadOptions, state: ModelState, most: int) -> list[tuple[str, str]]:
    """Return at most `most` texts and labels, evenly spread over test, or over the last split if there is no test.

    Raises:
        UserError: The corpus cannot be read, or `most` is below 1.
    """
    if most < 1:
        raise UserError(f"--texts is {most}: comparing the bundle with its checkpoint needs at least 1 text")
    try:
        loaded = load_corpus(corpus, options, state["label_names"])
    except UserError as error:
        raise UserError(f"texts to compare on: {error}; choose others with --corpus") from error
    rows = list([loaded.splits[split] for split in SPLITS if split in loaded.splits][-1])
    count = min(most, len(rows))
    examples = [rows[place * len(rows) // count] for place in range(count)]
    return [(text, loaded.answers[label]) for text, label in examples]


def target_of(output: Path) -> Path:
    """Return the folder to write: for a symbolic link the one it points to, so that the link stays.

    Raises:
        UserError: There is something other than a bundle.
    """
    target = Path(os.path.realpath(output))
    names = {path.name for path in target.iterdir()} if target.is_dir() else set()
    if target.exists() and (FACTS not in names or names - {FACTS, MODEL, TOKENIZER}):
        raise UserError(f"{output} exists and is not just a bundle: choose another folder with --output")
    return target


def write_accepted(
    output: Path,
    model: onnx.ModelProto,
    checkpoint: Predictor,
    state: ModelState,
    examples: Sequence[tuple[str, str]],
    int8: bool,
) -> None:
    """Write a bundle next to `output`, compare it with the checkpoint, and only then move it there.

    Raises:
        OSError: `output` cannot be written.
        UserError: It is something other than a bundle, or the predictions differ.
    """
    texts, labels = [text for text, _ in examples], [label for _, label in examples]
    target = target_of(output)
    expected, rate = timed(checkpoint, texts)
    rows = [Row("checkpoint", accuracy(expected, labels), rate)]
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch_beside(target, folder=True) as scratch:
        for weights in ("float32", "int8")[: 1 + int8]:
            folder = scratch / weights
            facts = write_bundle(folder, quantize(model) if weights == "int8" else model, state, weights)
            answers, rate = timed(open_bundle(folder), texts)
            parity = compare(expected, answers)
            if weights == "float32" and not parity.holds:
                raise UserError(
                    f"the bundle and the checkpoint disagree: {parity.different_labels} of {parity.texts} labels, "
                    f"probabilities by up to {parity.largest_difference:.1e}; nothing was written"
                )
            facts["parity"] = parity._asdict()
            write_facts(folder, facts)
            size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
            rows.append(Row(f"bundle, {weights}", accuracy(answers, labels), rate, parity, size))
        replace_folder(folder, target_of(output))  # where somebody may have written since
    show(rows)
    print(f"bundle: {output} ({size:.1f} MB)")


def write_bundle(folder: Path, model: onnx.ModelProto, state: ModelState, weights: str) -> BundleFacts:
    """Write a bundle, not yet compared, to a new folder; return the content of its bundle.json."""
    files = {MODEL: model.SerializeToString(), TOKENIZER: json.dumps(state["tokenizer"], ensure_ascii=False).encode()}
    folder.mkdir()
    for name, content in files.items():
        with atomic_write(folder / name) as scratch:
            scratch.write_bytes(content)
    facts: BundleFacts = {
        "format": FORMAT,
        "label_names": state["label_names"],
        "decision": state["decision"],
        "weights": weights,
        "network": dict(state["network"]),
        "corpus": state["corpus"],
        "fingerprint": state["fingerprint"],
        "versions": state["versions"],
        "parity": {},
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    write_facts(folder, facts)
    return facts


def write_facts(folder: Path, facts: BundleFacts) -> None:
    """Write bundle.json with its own digest, the last file of a bundle."""
    write_json(folder / FACTS, {**facts, "sha256": facts["sha256"] | {FACTS: facts_digest(facts)}})


def replace_folder(new: Path, old: Path) -> None:
    """Move `new` to `old`, in one step on Linux; what was there is then where `new` was, or next to it as ``gone``."""
    names = (AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(old), RENAME_EXCHANGE)
    if old.exists():  # in two steps there would be no bundle for a moment, or for ever if killed then
        if sys.platform == "linux" and getattr(ctypes.CDLL(None), "renameat2", lambda *_: -1)(*names) == 0:
            return
        old.rename(new.with_name("gone"))
    new.rename(old)


def accuracy(predictions: Sequence[Prediction], labels: Sequence[str]) -> float:
    """Return the share of right answers among those that are given; with any number of labels, none is one too."""
    right = [p.label == label for p, label in zip(predictions, labels, strict=True) if p.label or p.labels is not None]
    return sum(right) / max(len(right), 1)


def show(rows: Sequence[Row]) -> None:
    """Print one row for the checkpoint and one for each bundle."""
    table = Table("", "label diffs", "largest difference", "accuracy", "texts/s", "MB")
    for name, right, rate, parity, size in rows:
        figures = (f"{right:.1%}", f"{rate:,.0f}", "" if size is None else f"{size:.1f}")
        labels = "" if parity is None else f"{parity.different_labels} of {parity.texts}"
        table.add_row(name, labels, "" if parity is None else f"{parity.largest_difference:.1e}", *figures)
    Console().print(table)
