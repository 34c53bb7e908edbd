import json
from pathlib import Path

import pytest

from project.atomic import atomic_write, code_digest, write_json


def test_json_is_written(tmp_path):
    write_json(tmp_path / "results.json", {"test/accuracy": 0.5})
    assert json.loads((tmp_path / "results.json").read_text()) == {"test/accuracy": 0.5}


def test_failed_write_keeps_the_old_file_and_leaves_no_scratch(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("old")
    with pytest.raises(TypeError), atomic_write(path) as scratch:
        scratch.write_text(None)  # type: ignore[arg-type] # opens the scratch file, then fails
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("results.json", "old")]


def digest_of(folder: Path, code: str) -> str:
    (folder / "module.py").write_text(code)
    return code_digest([folder / "module.py"])


CODE = 'def f(x):\n    """Double."""\n    return 2 * x\n'


@pytest.mark.parametrize("same", [CODE.replace("Double", "Twice"), CODE.replace('    """Double."""\n', "# none\n\n")])
def test_digest_ignores_docstrings_comments_and_layout(tmp_path, same):
    assert digest_of(tmp_path, same) == digest_of(tmp_path, CODE)


@pytest.mark.parametrize("other", [CODE.replace("2", "3"), CODE.replace("*", "+"), CODE.replace("x", "y")])
def test_digest_follows_what_the_code_does(tmp_path, other):
    assert digest_of(tmp_path, other) != digest_of(tmp_path, CODE)
