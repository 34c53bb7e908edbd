"""The folder of a tested run -> its report, or its model card."""

from pathlib import Path
from typing import Literal

from project.addons.report.examples import SAMPLE
from project.addons.report.page import card, facts_of, page
from project.addons.report.run import corpus_of, read_run
from project.atomic import atomic_write
from project.ingest import Corpus, check_new
from project.predict import predictor_of


def report(
    run: Path, /, output: Path | None = None, format: Literal["html", "md"] = "html", overwrite: bool = False
) -> None:
    """Write a run's report as one HTML file, or its model card in Markdown.

    Args:
        run: The folder of a run that was tested, such as runs/version_0.
        output: The file to write; report.html or report.md in the run's folder, which is replaced.
        format: html for the report, md for a model card to paste.
        overwrite: Whether any other existing file is replaced.

    Raises:
        UserError: The run was not tested, its checkpoint is gone, or the file cannot be written.
    """
    if output is not None:
        check_new(output, "file, or add --overwrite", overwrite)
    path = output or run / f"report.{format}"
    write(run, path, most_doubts=None)
    print(f"written: {path}")


def write(folder: Path, path: Path, corpus: Corpus | None = None, most_doubts: int | None = SAMPLE) -> None:
    """Write the report of a run, or its model card if `path` ends in .md.

    Args:
        folder: Of the run.
        path: The file.
        corpus: What was tested, if it is loaded already.
        most_doubts: How many rows of train to look at; None for all.

    Raises:
        UserError: The files of the run cannot be read.
    """
    run = read_run(folder)
    tested = corpus or corpus_of(run)
    if path.suffix == ".md":
        text = card(facts_of(run, tested))
    else:
        text = page(run, tested, predictor_of(*run.model[:3]), most_doubts)
    with atomic_write(path) as scratch:
        scratch.write_text(text, encoding="utf-8", errors="replace")
