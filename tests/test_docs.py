"""The pages in docs/: every Python block runs, in order, and prints what the page says."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "results.md"]  # written by a command
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_print_what_the_page_says(page):
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert blocks
    names: dict[str, Any] = {}
    for code, expected in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, page.name, "exec"), names)
        assert printed.getvalue() == expected


def named_tests() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        found += re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8"))
    return found


def test_tests_that_a_page_names_exist():
    assert named_tests()
    assert [name for file, name in named_tests() if f"def {name}(" not in (ROOT / file).read_text()] == []


def test_pictures_that_a_page_shows_exist():
    shown = [(page, name) for page in PAGES for name in re.findall(r"!\[[^\]]*\]\(([\w./]+)\)", page.read_text())]
    assert [name for page, name in shown if not (page.parent / name).is_file()] == []
