"""A model -> how it handles negation, emphasis, typos and the like: a table, the failing texts, a JSON file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from project.addons.behaviour.outcomes import WORDS, Outcome, outcomes_of
from project.addons.behaviour.suite import read_suite
from project.atomic import write_json
from project.errors import UserError
from project.predict import load


def behaviour(
    ckpt_path: Path, tests: Path | None = None, examples: int = 2, json: Path | None = None, overwrite: bool = False
) -> None:
    """Test how a model handles negation, emphasis, typos and the like.

    The sentences are in sentences.yml of this add-on, which describes its format.

    Args:
        ckpt_path: A checkpoint (.ckpt), or the folder of a bundle.
        tests: A file of your own tests in the same format, in addition to those.
        examples: How many failing texts or pairs to show of each behaviour.
        json: File for all figures and all failing texts.
        overwrite: Whether an existing file is replaced.

    Raises:
        UserError: The model or the file of tests cannot be used.
    """
    if json is not None and json.exists() and not overwrite:
        raise UserError(f"--json {json} exists already: choose another file, or add --overwrite")
    suite = read_suite(tests)
    outcomes, notes = outcomes_of(load(ckpt_path), suite)
    print_rates(outcomes)
    print_failures(outcomes, max(examples, 0))
    for note in notes:
        print(note)
    if json is not None:
        write_json(json, {"model": str(ckpt_path), "notes": notes, "behaviours": list(map(figures, outcomes))})
        print(f"written: {json}")


def shown(text: str) -> Text:
    """Return a text as one line of the terminal that is neither markup nor control."""
    return Text("".join(c if c.isprintable() else " " for c in text))


def print_rates(outcomes: Sequence[Outcome]) -> None:
    """Print how often each behaviour was as expected."""
    table = Table("behaviour", "expected", *(Column(name, justify="right") for name in ("passed", "of", "")))
    for each in outcomes:
        counts = (f"{each.passed:,}", f"{each.cases:,}", f"{each.passed / each.cases:.0%}")
        table.add_row(shown(each.behaviour), WORDS[each.expect], *counts)
    total, passed = sum(each.cases for each in outcomes), sum(each.passed for each in outcomes)
    table.add_section()
    table.add_row("all", "", f"{passed:,}", f"{total:,}", f"{passed / total:.0%}")
    Console().print(table)


def print_failures(outcomes: Sequence[Outcome], most: int) -> None:
    """Print at most so many texts or pairs of each behaviour that were not as expected, a line for each text."""
    texts = Column("not as expected", no_wrap=True, overflow="ellipsis", ratio=1)  # takes the width that is left
    table = Table("behaviour", Column("answer", no_wrap=True, overflow="ellipsis", max_width=24), texts, expand=True)
    for each in outcomes:
        for number, failure in enumerate(each.failures[:most]):
            for place, (answer, text) in enumerate(zip(failure.shown(each.expect), failure.texts, strict=True)):
                table.add_row(shown(each.behaviour) if number == place == 0 else "", shown(answer), shown(text))
        table.add_section()
    if table.row_count:
        Console().print(table)


def figures(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as plain types."""
    failures = [
        {"texts": failure.texts, "label": failure.label or None}
        | {"answers": [{"label": a.label, "probabilities": a.probabilities} for a in failure.answers]}
        for failure in outcome.failures
    ]
    counts = {"cases": outcome.cases, "passed": outcome.passed, "rate": outcome.passed / outcome.cases}
    return {"behaviour": outcome.behaviour, "expect": outcome.expect, **counts, "failures": failures}
