"""The pages in docs/: every Python block runs, in order, and prints what the page says."""

import contextlib
import io
import re
import subprocess
from collections import Counter
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


FENCES = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings as GitHub makes them: the second `Use it` is `use-it-1`."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ (.*)$", FENCES.sub("", page.read_text(encoding="utf-8")), re.MULTILINE):
        text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)  # a link is its text
        anchor = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


def dead_links(page: Path) -> list[str]:
    found = []
    for name, anchor in LINK.findall(FENCES.sub("", prose(page))):
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(f"{page.name}: {name}#{anchor}")
    return found


def test_links_within_the_pages_lead_somewhere():
    assert [link for page in (ROOT / "README.md", *PAGES) for link in dead_links(page)] == []


def test_an_anchor_is_what_github_makes_of_a_heading(tmp_path):
    (tmp_path / "page.md").write_text("# A `b_c`, *d*: e?\n## Use it\n## Use it\n```sh\n# not a heading\n```\n")
    assert anchors(tmp_path / "page.md") == {"a-b_c-d-e", "use-it", "use-it-1"}


def test_patches_of_a_page_fit_the_code():
    patch = re.compile(r"^git apply <<'END'\n(.*?)^END$", re.MULTILINE | re.DOTALL)
    found = [each for page in PAGES for _, block, _ in blocks(page, "sh") for each in patch.findall(block)]
    assert found
    for each in found:
        done = subprocess.run(["git", "apply", "--check"], input=each, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, each + done.stderr
