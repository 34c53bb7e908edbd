"""A configuration's corpus -> what would spoil its training, in the terminal, as JSON and as HTML."""

import sys
from itertools import chain
from pathlib import Path
from typing import Any

from project.addons.doctor.columns import column_findings
from project.addons.doctor.copies import copy_findings, find_copies
from project.addons.doctor.damage import damage_findings
from project.addons.doctor.labels import bad_rows, label_findings
from project.addons.doctor.report import page, print_report
from project.addons.doctor.sets import set_findings, sizes_of_sets
from project.addons.doctor.texts import Finding, Texts, rows_of
from project.addons.doctor.words import UNCUT, measure, prepared, word_findings
from project.atomic import atomic_write, write_json
from project.corpora import find_source
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.ingest import Corpus, ReadOptions, check_new


def doctor(
    data: SentimentDataModule,
    against: str | None = None,
    json: Path | None = None,
    html: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Check a corpus before training, and report what would spoil the training.

    The exit code is 1 if something would, and 0 if nothing would, even if there is something to look at.

    Args:
        against: Another corpus, whose texts are looked for in this one.
        json: File for the findings, for programs.
        html: File for the findings, for a browser.
        overwrite: Whether existing files are replaced.

    Raises:
        UserError: The corpus cannot be read at all, or a file cannot be written.
        SystemExit: Something would spoil training.
    """
    for path in filter(None, (json, html)):
        check_new(path, "file, or add --overwrite=true", overwrite)
    settings = {**data.hparams}
    looked, found = prepared({**settings, "bad_rows": "skip", "max_length": UNCUT})
    facts = look(looked, found, settings, against)
    if json is not None:
        write_json(json, facts)
    if html is not None:
        with atomic_write(html) as scratch:
            scratch.write_text(page(facts), encoding="utf-8")
    print_report(facts)
    if any(finding["spoils"] for finding in facts["findings"]):
        sys.exit(1)


def look(
    data: SentimentDataModule, found: list[Finding], settings: dict[str, Any], against: str | None
) -> dict[str, Any]:
    """Return all facts and findings as plain types.

    Args:
        data: Reads all rows and no fewer tokens than they have.
        found: What was found before.
        settings: Those of the data module that is to be trained with.
        against: The name of another corpus.
    """
    corpus = data.corpus
    other = list(rows_of_other(against, data.options)) if against is not None else []
    texts = Texts(corpus, [(file, line) for _, file, line in other])
    copies = find_copies(chain(texts, (text for text, _, _ in other)))
    measured = measure(data, corpus, settings["max_length"])
    found += bad_rows(corpus, settings["bad_rows"] == "skip")
    found += label_findings(texts)
    found += set_findings(texts)
    found += copy_findings(texts, copies)
    found += damage_findings(texts, settings["tokenizer"] == "words")
    found += word_findings(measured, settings)
    found += column_findings(corpus, data.options)
    found.sort(key=lambda finding: not finding.spoils)
    return {
        "corpus": corpus.name,
        "fingerprint": corpus.fingerprint,
        "verdict": verdict(found),
        "splits": {split: counted(corpus, texts, split) | measured[split] for split in texts.names},
        "findings": [vars(each) | {"examples": [example._asdict() for example in each.examples]} for each in found],
        "notes": list(corpus.notes),
    }


def rows_of_other(name: str, options: ReadOptions) -> Any:
    """Return texts, files and lines of another corpus, its unlabelled texts included.

    Raises:
        UserError: There is no such corpus, or it has no text in the columns.
    """
    source = find_source(name, options)
    own = find_source(name, ReadOptions()).text_column
    parts = [part for each in (*source.parts.values(), source.unlabelled) for part in each]
    rows = list(rows_of(parts, [options.text_column, own]))
    if not rows:
        raise UserError(f"--against {name} has no text in column {options.text_column!r}: rename its column")
    return rows


def counted(corpus: Corpus, texts: Texts, split: Any) -> dict[str, Any]:
    """Return where the rows of a split come from, and how many it has of each class."""
    given = corpus.source.parts.get(split)
    origin = "carved out of train" if given is None else ", ".join(Path(part.name).name for part in given)
    place = texts.names.index(split)
    classes = dict(zip(corpus.label_names, texts.counts(place).tolist(), strict=True))
    return {"from": origin, "texts": len(corpus.splits[split]), "classes": classes} | sizes_of_sets(texts, place)


def verdict(found: list[Finding]) -> str:
    """Return what follows, in words."""
    spoils = sum(finding.spoils for finding in found)
    others = len(found) - spoils
    if spoils:
        return f"{spoils} of {len(found)} findings would spoil training or its figures: correct them first"
    return f"nothing that spoils training; {others} to look at" if others else "this corpus looks clean"
