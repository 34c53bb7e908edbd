"""Commands of the pages in docs/ and of notebooks run, one after the other, in a copy of this tree."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.copies import reader_environment, tree_without
from tests.markdown import ROOT, blocks, is_here

ELSEWHERE = {"teaching.md": "tests/addons/teach/test_page.py", "serving.md": "tests/serve/test_documented.py"}
PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if blocks(page, "sh") and page.name not in ELSEWHERE]
NOTEBOOKS = [book for book in sorted((ROOT / "docs").glob("*.ipynb")) if is_here(book.read_text(encoding="utf-8"))]

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    tree = tmp_path / "copy"
    tree.mkdir()
    return tree_without(tree, [])


def typed(tree: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=tree, env=reader_environment(tree), capture_output=True, text=True)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_commands_of_a_page_run(copy, page, request):
    if "<!-- after make train -->" in page.read_text(encoding="utf-8"):
        shutil.copytree(request.getfixturevalue("movies_run"), copy / "runs" / "version_0")
    for language, block, expected in blocks(page, "sh", "python"):
        shell = ["bash", "-e", "-c"] if language == "sh" else [sys.executable, "-c"]
        printed = typed(copy, *shell, block)
        assert language == "sh" or printed == expected, block


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[notebook.stem for notebook in NOTEBOOKS])
def test_cells_of_a_notebook_run(copy, notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code
    typed(copy, sys.executable, "-c", "\n".join(code))
