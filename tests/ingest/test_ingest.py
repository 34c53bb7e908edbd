"""The library as a whole: what it loads, and its README."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from project import ingest

FOLDER = Path(ingest.__file__).parent
HEAVY = ("torch", "pyarrow", "lightning", "datasets", "requests")
# the package above it, `project`, is replaced by an empty one: what that one imports is not the library's doing
CODE = """
import sys, types
sys.modules["project"] = types.ModuleType("project")
sys.modules["project"].__path__ = [sys.argv[1]]
import project.ingest
print(*sys.modules)
"""


def modules_loaded() -> set[str]:
    command = [sys.executable, "-c", CODE, str(FOLDER.parent)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_importing_it_loads_nothing_heavy():
    assert modules_loaded() & set(HEAVY) == set()


def test_it_imports_nothing_of_the_project_but_errors_and_atomic():
    own = {name for name in modules_loaded() if name.startswith("project.") and not name.startswith("project.ingest")}
    assert own == {"project.errors", "project.atomic"}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_no_module_names_another_part_of_the_project(path):
    imported = re.findall(r"(?:from|import) (project[.\w]*)", path.read_text())
    assert {name for name in imported if not name.startswith("project.ingest")} <= {"project.errors", "project.atomic"}


def test_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    example, printed = re.findall(r"```(?:python|text)\n(.*?)```", text, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out == printed
