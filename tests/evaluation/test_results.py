import json

import matplotlib.image
import pytest

from project.evaluation.results import draw_confusion_matrix, write_json, written_whole


def test_json_is_written(tmp_path):
    write_json(tmp_path / "results.json", {"test/accuracy": 0.5})
    assert json.loads((tmp_path / "results.json").read_text()) == {"test/accuracy": 0.5}


def test_failed_write_keeps_the_old_file_and_leaves_no_scratch(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("old")
    with pytest.raises(TypeError), written_whole(path) as scratch:
        scratch.write_text(None)  # type: ignore[arg-type] # opens the scratch file, then fails
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("results.json", "old")]


def test_confusion_matrix_is_drawn_darkest_on_the_largest_share(tmp_path):
    draw_confusion_matrix(tmp_path / "matrix.png", [[9, 1], [2, 8]], ["bad", "good"])
    picture = matplotlib.image.imread(tmp_path / "matrix.png")
    height, width = picture.shape[:2]
    blue = [picture[int(height * y), int(width * x), 0] for x, y in ((0.25, 0.2), (0.9, 0.2))]
    assert blue[0] < 0.3 < 0.8 < blue[1]  # little red where 90 % stand, much where 10 % do
