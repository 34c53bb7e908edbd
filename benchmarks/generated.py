"""Lines -> their part of a page, between two marks; the rest of the page stays."""

from collections.abc import Sequence
from pathlib import Path

from project.atomic import atomic_write


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
