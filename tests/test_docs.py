"""The pages in docs/: every Python block runs, in order, and prints what the page says."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from tests.markdown import ROOT, blocks, prose
from tests.test_pages import PAGES as TYPED

PAGES = sorted((ROOT / "docs").glob("*.md"))
WITH_CODE = [page for page in PAGES if blocks(page, "python") and page not in TYPED]

SLOW = {"python.md": pytest.mark.slow}  # it trains several models


@pytest.mark.parametrize("page", [pytest.param(p, marks=SLOW.get(p.name, ()), id=p.name) for p in WITH_CODE])
def test_blocks_print_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for _, code, expected in blocks(page, "python"):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, page.name, "exec"), names)
        assert printed.getvalue() == expected


def named(pattern: str) -> list[tuple[Path, str]]:
    return [(page, name) for page in PAGES for name in re.findall(pattern, prose(page))]


def test_tests_that_a_page_names_exist():
    found = [name.split("::") for _, name in named(r"`(tests/[\w/]+\.py::\w+)`")]
    assert found
    assert [name for file, name in found if f"def {name}(" not in (ROOT / file).read_text()] == []


def test_files_that_a_page_names_exist():
    names = named(r"`((?:project|configs|tests|docs|benchmarks)/[\w./-]+)`")
    assert [name for page, name in names if page.name != "log.md" and not (ROOT / name).exists()] == []


def test_pictures_that_a_page_shows_exist():
    shown = named(r"!\[[^\]]*\]\(([\w./]+)\)")
    assert [name for page, name in shown if not (page.parent / name).is_file()] == []
