"""The tables in docs/ say what this tree has, and the Makefile what the workflow runs."""

import re
from pathlib import Path

import pytest
import yaml

from docs import tables
from tests.markdown import ROOT, prose

COUNTS = re.compile(r"(?<=\| )[\d,]+(?= \|)")  # lines and tests of a room, which any change may move


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return tables.pages()


@pytest.mark.parametrize("name", ["options.md", "commands.md", "rooms.md"])
def test_a_page_is_what_make_docs_would_write(pages, name, tmp_path):
    (tmp_path / name).write_text(pages[name], encoding="utf-8")
    written, here = prose(ROOT / "docs" / name), prose(tmp_path / name)
    if name == "rooms.md":
        written, here = COUNTS.sub("", written), COUNTS.sub("", here)
    assert written == here, "run make docs"


def test_every_room_says_what_it_is_for(pages):
    assert "| `project/ingest` | " in pages["rooms.md"]
    assert "` |  |" not in pages["rooms.md"]


def test_code_is_counted_without_blanks_comments_and_docstrings(tmp_path):
    source = tmp_path / "some.py"
    source.write_text('"""Some."""\n\n# why\ndef one() -> str:\n    """One."""\n    return """a\n    b"""\n')
    assert tables.code_lines(source) == 3


def test_targets_that_the_workflow_runs_exist():
    workflow = Path(ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    runs = [step.get("run", "") for job in yaml.safe_load(workflow)["jobs"].values() for step in job["steps"]]
    ran = set(re.findall(r"\bmake ([\w-]+)", " ".join(runs)))
    listed = {row[0].strip("`").removeprefix("make ") for _, rows in tables.target_rows() for row in rows}
    assert "test" in ran
    assert ran - listed == set()


def test_the_workflow_tests_every_python_that_the_package_allows():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    pythons = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert pythons == ["3.11", "3.12", "3.13"]
    assert 'requires-python = ">=3.11,<3.14"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
