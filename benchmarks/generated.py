"""What ran, and a table -> their part of a page, between two marks; the rest of the page stays."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import machine
from project.atomic import atomic_write
from project.process import CORES


def write_table(
    page: Path,
    name: str,
    minutes: float,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    after_minutes: str = ".",
    after: Sequence[str] = (),
) -> None:
    """Write the part of `make NAME`: day, machine and duration, then the table.

    Args:
        page: The page.
        name: The target of the Makefile.
        minutes: How long it took.
        head: The names of the columns.
        rows: The cells, in Markdown.
        after_minutes: How the sentence about the machine goes on.
        after: Lines below the table.

    Raises:
        ValueError: The page has no such part.
    """
    facts = machine()
    made_on = ", ".join(f"{package} {facts[package]}" for package in ("python", "torch", "lightning"))
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {CORES} cores of {facts['processor']}, {made_on}, {minutes:.0f} minutes"
        f"{after_minutes}\n",
        *("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)),
        *after,
    ]
    write_part(page, name, lines)


def write_part(page: Path, name: str, lines: Sequence[str]) -> None:
    """Replace what lies between the marks of `make NAME` in a page by `lines`.

    Raises:
        ValueError: The page has no such marks.
    """
    first, last = f"<!-- written by make {name} -->\n", f"<!-- end of make {name} -->\n"
    before, found, rest = page.read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(last)
    if not found or not end:
        raise ValueError(f"{page} has no part of make {name}")
    with atomic_write(page) as scratch:
        scratch.write_text(before + first + "\n".join(lines) + "\n" + last + after, encoding="utf-8")
