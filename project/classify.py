"""``sentiment classify``: texts of the command line, of standard input or of a file -> labels and probabilities."""

import argparse
import sys
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from project.errors import UserError
from project.predict import Prediction, Predictor, load
from project.text import text_fault

CHUNK = 65_536  # bytes of standard input that are read at once, if so many wait


def run() -> None:
    """Classify what the command line names.

    Raises:
        UserError: The model or the texts cannot be used.
    """
    parser = argparse.ArgumentParser(
        "sentiment classify",
        description=__doc__,
        epilog="Without texts and --input, standard input is read, a text per line.",
    )
    parser.add_argument(
        "--model", "--ckpt_path", type=Path, required=True, metavar="PATH", help="a checkpoint (.ckpt) or a bundle"
    )
    parser.add_argument("--input", type=Path, metavar="FILE", help=".csv, .tsv, .jsonl (each also .gz) or .parquet")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to write its rows with the predictions")
    parser.add_argument("--text_column", default="text", help="column of texts in the file (default: text)")
    parser.add_argument("--quoting", choices=["true", "false"], default="true", help="false reads quotes as text")
    parser.add_argument(
        "--bad_rows", choices=["error", "skip"], default="error", help="skip leaves them without a prediction"
    )
    parser.add_argument("texts", nargs="*", metavar="text")
    arguments = parser.parse_args(sys.argv[2:])
    check(arguments)
    if not arguments.model.is_dir():
        from project.runtime import prepare_process  # torch, which a bundle does not need

        prepare_process()
    classify, skip = load(arguments.model), arguments.bad_rows == "skip"
    if arguments.input is not None:
        from project.classify_file import classify_file  # tables, which lines of text do not need

        quoting = arguments.quoting == "true"
        classify_file(classify, arguments.input, arguments.output, arguments.text_column, skip, quoting)
    elif arguments.texts:
        for text, prediction in zip(arguments.texts, classify(arguments.texts), strict=True):
            print(line_of(text, prediction))
    else:
        for line in classify_lines(classify, sys.stdin.buffer, skip):  # type: ignore[arg-type] # it has read1
            print(line, flush=True)


def check(arguments: argparse.Namespace) -> None:
    """Check what can be checked before a model is loaded.

    Raises:
        UserError: Options contradict each other.
    """
    if (arguments.input is None) != (arguments.output is None):
        raise UserError("a file needs both: --input FILE --output FILE")
    if arguments.input is not None and arguments.texts:
        raise UserError(f"either --input or texts: {arguments.texts[0]!r} is one text too many")


def line_of(text: str, prediction: Prediction) -> str:
    """Return label, probability and text, separated by tabs."""
    return f"{prediction.label}\t{prediction.probability:.4f}\t{text}"


def classify_lines(classify: Predictor, stream: BufferedReader, skip: bool) -> Iterator[str]:
    """Yield a line for each line of `stream` as soon as it can be read; those that wait are classified together.

    Args:
        classify: The model.
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
        faults = [text_fault(text) for text in texts]
        for line, fault in enumerate(faults, start=number + 1):
            if fault and not skip:
                raise UserError(f"standard input:{line}: {fault}; mend it, or add --bad_rows=skip")
        predictions = iter(classify([text for text, fault in zip(texts, faults, strict=True) if not fault]))
        for text, fault in zip(texts, faults, strict=True):
            yield f"\t\t{text.encode('utf-8', 'replace').decode()}" if fault else line_of(text, next(predictions))
        number += len(lines)
        if not chunk:
            return
