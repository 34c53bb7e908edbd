"""Texts of the command line, of standard input or of a file -> labels and probabilities, in memory that stays flat."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from project.decision import Prediction
from project.errors import UserError
from project.predict import Predictor, load
from project.text import text_fault

if TYPE_CHECKING:
    from project.ingest import ReadOptions


def classify(
    *texts: str,
    ckpt_path: Path,
    input: Path | None = None,
    output: Path | None = None,
    text_column: str = "text",
    bad_rows: Literal["error", "skip"] = "error",
    delimiter: str | None = None,
    overwrite: bool = False,
) -> None:
    """Print label and probability of texts, or write them next to the rows of a file.

    Without texts and --input, standard input is read, a text per line.

    Args:
        texts: Texts to classify.
        ckpt_path: A checkpoint (.ckpt), or the folder of a bundle.
        input: File of texts: .csv, .tsv, .jsonl (each also .gz) or .parquet.
        output: File to write: its rows, with the predictions.
        text_column: Name of the text column; if a CSV or TSV file has no header, its number, from 1.
        bad_rows: skip leaves bad rows without a prediction, error stops at the first.
        delimiter: What separates the columns of CSV and TSV; null detects comma, semicolon or tab from the first line.
        overwrite: Whether an existing file is replaced.

    Raises:
        UserError: The model or the texts cannot be used, or options contradict each other.
    """
    if (input is None) != (output is None):
        raise UserError("a file needs both: --input FILE --output FILE")
    if input is not None and texts:
        raise UserError(f"either --input or texts: {texts[0]!r} is one text too many")
    predictor, skip = load(ckpt_path), bad_rows == "skip"
    if input is not None and output is not None:
        from project.ingest import ReadOptions

        classify_file(predictor, input, output, ReadOptions(text_column, delimiter=delimiter), skip, overwrite)
    elif texts:
        print(*lines_of(texts, predictor(texts)), sep="\n")
    else:
        from project.addons.classify.lines import answered_lines

        stream: Any = sys.stdin.buffer  # it has read1
        empty = "\t\t" if skip else None
        for line in answered_lines(stream, lambda some: lines_of(some, predictor.answers(some)), text_fault, empty):
            print(line, flush=True)


def lines_of(texts: Sequence[str], predictions: Sequence[Prediction]) -> list[str]:
    """Return label, probability and text of each, separated by tabs."""
    return [f"{p.label}\t{p.probability:.4f}\t{text}" for text, p in zip(texts, predictions, strict=True)]


def classify_file(
    predictor: Predictor, path: Path, output: Path, options: "ReadOptions", skip: bool, overwrite: bool
) -> None:
    """Write every row of `path` to `output`, with `predicted` and a probability per class.

    Args:
        predictor: The model.
        path: .csv, .tsv or .jsonl (each also .gz), or .parquet.
        output: Likewise; it appears when it is complete.
        options: The column of texts, and what separates the columns.
        skip: Whether a bad row is written without a prediction instead of stopping.
        overwrite: Whether `output` may be there already.

    Raises:
        UserError: A file cannot be read or written, a column is missing, or a row is bad and `skip` is off.
    """
    from project.addons.classify.annotate import annotate_file  # tables, which lines of text do not need
    from project.ingest import added_columns

    names = predictor.decision.label_names

    def answer(texts: Sequence[str]) -> list[dict[str, Any]]:
        return [added_columns(names, p.label, list(p.probabilities.values())) for p in predictor.answers(texts)]

    empty = added_columns(names, None, []) if skip else None
    for note in annotate_file(path, output, options, answer, text_fault, empty, overwrite):
        print(note, file=sys.stderr)
