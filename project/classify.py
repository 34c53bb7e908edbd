"""Texts of the command line, of standard input or of a file -> labels and probabilities, in memory that stays flat."""

import sys
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any, Literal

from project.decision import Prediction
from project.errors import UserError
from project.predict import Predictor, load
from project.text import text_fault

CHUNK = 65_536  # bytes of standard input that are read at once, if so many wait


def classify(
    *texts: str,
    ckpt_path: Path,
    input: Path | None = None,
    output: Path | None = None,
    text_column: str = "text",
    bad_rows: Literal["error", "skip"] = "error",
) -> None:
    """Print label and probability of texts, or write them next to the rows of a file.

    Without texts and --input, standard input is read, a text per line.

    Args:
        texts: Texts to classify.
        ckpt_path: A checkpoint (.ckpt), or the folder of a bundle.
        input: File of texts: .csv, .tsv, .jsonl (each also .gz) or .parquet.
        output: File to write: its rows, with the predictions.
        text_column: Column of texts in the file.
        bad_rows: skip leaves bad rows without a prediction, error stops at the first.

    Raises:
        UserError: The model or the texts cannot be used, or options contradict each other.
    """
    if (input is None) != (output is None):
        raise UserError("a file needs both: --input FILE --output FILE")
    if input is not None and texts:
        raise UserError(f"either --input or texts: {texts[0]!r} is one text too many")
    predictor, skip = load(ckpt_path), bad_rows == "skip"
    if input is not None and output is not None:
        classify_file(predictor, input, output, text_column, skip)
    elif texts:
        for text, prediction in zip(texts, predictor(texts), strict=True):
            print(line_of(text, prediction))
    else:
        for line in classify_lines(predictor, sys.stdin.buffer, skip):  # type: ignore[arg-type] # it has read1
            print(line, flush=True)


def line_of(text: str, prediction: Prediction) -> str:
    """Return label, probability and text, separated by tabs."""
    return f"{prediction.label}\t{prediction.probability:.4f}\t{text}"


def classify_lines(predictor: Predictor, stream: BufferedReader, skip: bool) -> Iterator[str]:
    """Yield a line for each line of `stream` as soon as it can be read; those that wait are classified together.

    Args:
        predictor: The model.
        stream: UTF-8.
        skip: Whether a bad line gets an empty label and probability instead of ending it all.

    Raises:
        UserError: A line is no text, and `skip` is off.
    """
    number, rest = 0, b""
    while True:
        chunk = stream.read1(CHUNK)
        *lines, rest = (rest + chunk).split(b"\n")
        if not chunk and rest:  # the last line has no end
            lines, rest = [*lines, rest], b""
        texts = [line.removesuffix(b"\r").decode("utf-8", "surrogateescape") for line in lines]
        yield from answered_lines(predictor, texts, number, skip)
        number += len(lines)
        if not chunk:
            return


def answered_lines(predictor: Predictor, texts: list[str], number: int, skip: bool) -> Iterator[str]:
    """Yield a line for each of `texts`, which come after line `number`; see `classify_lines`."""
    faults = [text_fault(text) for text in texts]
    for line, fault in enumerate(faults, start=number + 1):
        if fault and not skip:
            raise UserError(f"standard input:{line}: {fault}; fix it, or add --bad_rows=skip")
    predictions = iter(predictor([text for text, fault in zip(texts, faults, strict=True) if not fault]))
    for text, fault in zip(texts, faults, strict=True):
        yield f"\t\t{text.encode('utf-8', 'replace').decode()}" if fault else line_of(text, next(predictions))


def classify_file(predictor: Predictor, path: Path, output: Path, text_column: str, skip: bool) -> None:
    """Write every row of `path` to `output`, with `predicted` and a probability per class.

    Args:
        predictor: The model.
        path: .csv, .tsv or .jsonl (each also .gz), or .parquet.
        output: Likewise; it appears when it is complete.
        text_column: Column of texts.
        skip: Whether a bad row is written without a prediction instead of ending it all.

    Raises:
        UserError: A file cannot be read or written, a column is missing, or a row is bad and `skip` is off.
    """
    from project.ingest import added_columns, annotate_file  # tables, which lines of text do not need

    names = predictor.decision.label_names

    def answer(texts: Sequence[str]) -> list[dict[str, Any]]:
        each = predictor(texts)
        return [added_columns(names, p.label, list(p.probabilities.values())) for p in each]

    empty = added_columns(names, None, []) if skip else None
    for note in annotate_file(path, output, text_column, answer, text_fault, empty):
        print(note, file=sys.stderr)
