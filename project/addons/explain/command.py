"""A model and texts -> the effect of each word on its label, in the terminal or next to the rows of a file."""

import codecs
import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from project.addons.explain.effects import Explanation, explain_texts
from project.errors import UserError
from project.predict import Predictor, load
from project.text import text_fault

if TYPE_CHECKING:
    from project.ingest import ReadOptions

LONGEST = 10_000_000  # bytes of a line of standard input


def explain(
    *texts: str,
    ckpt_path: Path,
    input: Path | None = None,
    output: Path | None = None,
    words: int = 5,
    text_column: str = "text",
    bad_rows: Literal["error", "skip"] = "error",
    delimiter: str | None = None,
    overwrite: bool = False,
) -> None:
    """Show which words of a text speak for its label, and which against it.

    The effect of a word is what the label's probability loses without it. Without texts and --input, standard input is
    read, a text per line.

    Args:
        texts: Texts to explain.
        ckpt_path: A checkpoint (.ckpt), or the folder of a bundle.
        input: File of texts: .csv, .tsv, .jsonl (each also .gz) or .parquet.
        output: File to write: its rows, with the predictions and their words.
        words: How many of the strongest words for the label, and of those against it, to list.
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
    if words < 1:
        raise UserError(f"words is {words}: set --words=1 or more")
    predictor, skip = load(ckpt_path), bad_rows == "skip"
    if input is not None and output is not None:
        from project.ingest import ReadOptions

        explain_file(predictor, input, output, ReadOptions(text_column, delimiter=delimiter), words, skip, overwrite)
        return
    from project.addons.explain.terminal import print_explanation

    for text in given_texts(texts, skip):
        print_explanation(text, explain_texts(predictor, [text])[0], words)


def given_texts(texts: Sequence[str], skip: bool) -> Iterator[str]:
    """Yield texts, or the lines of standard input as they come if there are none.

    Raises:
        UserError: One is no text, and `skip` is off.
    """
    place, lines = ("text ", texts) if texts else ("standard input:", stdin_lines())
    for number, text in enumerate(lines, start=1):
        fault = text_fault(text)
        if fault and not skip:
            raise UserError(f"{place}{number}: {fault}; fix it, or add --bad_rows=skip")
        if fault:
            print(f"{place}{number}: {fault}", file=sys.stderr)
        else:
            yield text


def stdin_lines() -> Iterator[str]:
    """Yield the lines of standard input; a byte order mark is no part of a text.

    Raises:
        UserError: A line has more than `LONGEST` bytes.
    """
    for line in iter(partial(sys.stdin.buffer.readline, LONGEST + 1), b""):
        if len(line) > LONGEST:
            raise UserError(f"standard input: a line has more than {LONGEST:,} bytes; split the text")
        yield line.removeprefix(codecs.BOM_UTF8).rstrip(b"\r\n").decode("utf-8", "surrogateescape")


def explain_file(
    predictor: Predictor, path: Path, output: Path, options: "ReadOptions", most: int, skip: bool, overwrite: bool
) -> None:
    """Write every row of `path` to `output` with `predicted`, a probability per class, and `words`.

    Raises:
        UserError: A file cannot be read or written, a column is missing, or a row is bad and `skip` is off.
    """
    from project.addons.explain.file import annotate_file  # tables, which texts of the command line do not need
    from project.ingest import added_columns

    names, nested = predictor.decision.label_names, ".jsonl" in output.name.lower()

    def added(explanation: Explanation) -> dict[str, Any]:
        prediction, chosen = explanation.prediction, chain(*explanation.strongest(most))
        words = [{"word": each.word, "effect": round(each.effect, 6)} for each in chosen]
        columns = added_columns(names, prediction.label, list(prediction.probabilities.values()))
        return columns | {"words": words if nested else json.dumps(words, ensure_ascii=False)}

    def answer(texts: Sequence[str]) -> list[dict[str, Any]]:
        return [added(each) for each in explain_texts(predictor, texts)]

    empty = added_columns(names, None, []) | {"words": None} if skip else None
    annotate_file(path, output, options, answer, empty, overwrite)
