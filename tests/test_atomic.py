import json

import pytest

from project.atomic import write_json, written_whole


def test_json_is_written(tmp_path):
    write_json(tmp_path / "results.json", {"test/accuracy": 0.5})
    assert json.loads((tmp_path / "results.json").read_text()) == {"test/accuracy": 0.5}


def test_failed_write_keeps_the_old_file_and_leaves_no_scratch(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("old")
    with pytest.raises(TypeError), written_whole(path) as scratch:
        scratch.write_text(None)  # type: ignore[arg-type] # opens the scratch file, then fails
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("results.json", "old")]
