"""``sentiment export``: checkpoint -> bundle, accepted only if it answers like the checkpoint on real text."""

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import onnx
from rich.console import Console
from rich.table import Table

from project.atomic import write_json
from project.checkpoint import ModelState, read_checkpoint, restore
from project.corpora import load_corpus
from project.errors import UserError
from project.export.bundle import FACTS, FORMAT, MODEL, TOKENIZER, BundleFacts, open_bundle
from project.export.graph import build_graph
from project.export.int8 import quantize
from project.export.parity import Parity, compare, timed
from project.ingest.store import SPLITS, CorpusOptions, Example
from project.predict import Prediction, Predictor
from project.runtime import prepare_process
from project.trained import predictor_of


class Row(NamedTuple):
    """What is printed of the checkpoint, or of a bundle."""

    name: str
    accuracy: float
    rate: float  # texts per second
    parity: Parity | None = None  # of a bundle with the checkpoint
    size: float | None = None  # MB, of a bundle


def run() -> None:
    """Write the bundle that the command line asks for.

    Raises:
        UserError: The checkpoint or the texts cannot be used, or the bundle answers otherwise than the checkpoint.
    """
    parser = argparse.ArgumentParser("sentiment export", description=__doc__)
    parser.add_argument("--ckpt_path", type=Path, required=True, help="a .ckpt file that fit wrote")
    parser.add_argument("--output", type=Path, default=Path("bundle"), help="folder to write (default: bundle)")
    parser.add_argument("--int8", action="store_true", help="weights of 8 bits; prints what that costs and gains")
    parser.add_argument("--corpus", help="texts to compare on: name, file or folder (default: the checkpoint's)")
    parser.add_argument("--text_column", default="text", help="column of texts in a file")
    parser.add_argument("--label_column", default="label", help="column of labels in a file")
    parser.add_argument("--texts", type=int, default=1000, help="how many to compare on, at most (default: 1000)")
    arguments = parser.parse_args(sys.argv[2:])
    prepare_process()
    network, tokenizer, state = restore(read_checkpoint(arguments.ckpt_path))
    model = build_graph(network)
    columns = CorpusOptions(arguments.text_column, arguments.label_column, bad_rows="skip")  # as train of a student
    examples = texts_to_compare(arguments.corpus or state["corpus"], columns, state, arguments.texts)
    export(arguments.output, model, predictor_of(network, tokenizer, state), state, examples, arguments.int8)


def texts_to_compare(corpus: str, columns: CorpusOptions, state: ModelState, most: int) -> list[Example]:
    """Return at most `most` labelled texts, evenly spread over the last split that there is.

    Raises:
        UserError: The corpus cannot be read, or `most` is below 1.
    """
    if most < 1:
        raise UserError(f"--texts is {most}: a bundle is compared with its checkpoint on at least 1 text")
    try:
        loaded = load_corpus(corpus, columns, state["label_names"])
    except UserError as error:
        raise UserError(f"texts to compare on: {error}; --corpus names others") from error
    rows = list([loaded.splits[split] for split in SPLITS if split in loaded.splits][-1])
    count = min(most, len(rows))
    return [rows[place * len(rows) // count] for place in range(count)]


def export(
    output: Path,
    model: onnx.ModelProto,
    checkpoint: Predictor,
    state: ModelState,
    examples: Sequence[Example],
    int8: bool,
) -> None:
    """Write a bundle beside `output`, compare it with the checkpoint, and only then move it there.

    Raises:
        UserError: `output` is something else than a bundle, or the answers differ.
    """
    if output.exists() and not (output / FACTS).is_file():
        raise UserError(f"{output} exists and is no bundle: choose another folder with --output")
    texts = [example.text for example in examples]
    expected, rate = timed(checkpoint, texts)
    rows = [Row("checkpoint", accuracy(expected, examples, state), rate)]
    output.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".exporting-", dir=output.absolute().parent) as scratch:
        for weights in ("float32", "int8")[: 1 + int8]:
            folder = Path(scratch) / weights
            facts = write_bundle(folder, quantize(model) if weights == "int8" else model, state, weights)
            answers, rate = timed(open_bundle(folder), texts)
            parity = compare(expected, answers)
            if weights == "float32" and not parity.holds:
                raise UserError(
                    f"the bundle answers otherwise than the checkpoint: {parity.different_labels} of {parity.texts} "
                    f"labels, probabilities by up to {parity.largest_difference:.1e}; nothing was written"
                )
            write_json(folder / FACTS, facts | {"parity": parity._asdict()})
            size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
            rows.append(Row(f"bundle, {weights}", accuracy(answers, examples, state), rate, parity, size))
        replace_folder(folder, output)
    show(rows)
    print(f"bundle: {output} ({size:.1f} MB)")


def write_bundle(folder: Path, model: onnx.ModelProto, state: ModelState, weights: str) -> BundleFacts:
    """Write the three files of a bundle that was not yet compared into a new folder; return what its facts are."""
    tokenizer = json.dumps(state["tokenizer"], ensure_ascii=False).encode()
    files = {MODEL: model.SerializeToString(), TOKENIZER: tokenizer}
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    facts: BundleFacts = {
        "format": FORMAT,
        "label_names": state["label_names"],
        "threshold": state["threshold"],
        "temperature": state["temperature"],
        "weights": weights,
        "network": state["network"],
        "corpus": state["corpus"],
        "fingerprint": state["fingerprint"],
        "versions": state["versions"],
        "parity": {},
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    write_json(folder / FACTS, facts)
    return facts


def replace_folder(new: Path, old: Path) -> None:
    """Move `new` to the place of `old`, which goes."""
    if old.exists():
        gone = new.with_name("gone")
        old.rename(gone)
        new.rename(old)
        shutil.rmtree(gone)
    else:
        new.rename(old)


def accuracy(predictions: Sequence[Prediction], examples: Sequence[Example], state: ModelState) -> float:
    """Return the share of right labels."""
    names = state["label_names"]
    return sum(p.label == names[e.label] for p, e in zip(predictions, examples, strict=True)) / max(len(examples), 1)


def show(rows: Sequence[Row]) -> None:
    """Print a table of the checkpoint and the bundles made of it."""
    table = Table("", "other labels", "largest difference", "accuracy", "texts/s", "MB")
    for name, right, rate, parity, size in rows:
        figures = (f"{right:.1%}", f"{rate:,.0f}", "" if size is None else f"{size:.1f}")
        labels = "" if parity is None else f"{parity.different_labels} of {parity.texts}"
        table.add_row(name, labels, "" if parity is None else f"{parity.largest_difference:.1e}", *figures)
    Console().print(table)
