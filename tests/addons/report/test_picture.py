import matplotlib.image
import numpy as np
import pytest
from matplotlib.font_manager import fontManager

from project.addons.report import picture
from project.addons.report.answers import Matrix
from project.addons.report.picture import draw_confusion_matrix, fonts_for

ODD = ["[red]good[/red]", "$$", "$x_1$ {0} %s", "[/]", "[link=x]"]


def drawn(path, counts, names, most=0) -> bool:
    """Whether there is a picture of these counts, each row shaded alike."""
    matrix = Matrix(names, np.array(counts), np.full((len(names), len(names)), 0.5))
    return draw_confusion_matrix(path, matrix, most or len(names))


def test_a_picture_grows_with_the_classes(tmp_path):
    sizes = []
    for classes in (2, 6):
        labels = [f"class {n}" for n in range(classes)]
        assert drawn(tmp_path / "matrix.png", [[n] * classes for n in range(classes)], labels)
        sizes.append(matplotlib.image.imread(tmp_path / "matrix.png").shape[0])
    assert sizes[1] > 1.5 * sizes[0]


def test_labels_are_no_mathematics(tmp_path):
    drawn(tmp_path / "matrix.png", [[1] * 5 for _ in ODD], ODD)
    assert (tmp_path / "matrix.png").stat().st_size > 0


def test_of_too_many_classes_there_is_no_picture(tmp_path):
    assert not drawn(tmp_path / "matrix.png", [[0] * 61 for _ in range(61)], ["x"] * 61)
    assert list(tmp_path.iterdir()) == []


def test_latin_letters_need_no_other_font():
    assert fonts_for("négatif") == (["sans-serif"], [])


@pytest.fixture
def fonts(monkeypatch):
    """Two more fonts than the default one, which has Latin letters alone."""

    class Font:
        style, weight = "normal", 400

        def __init__(self, name: str) -> None:
            self.name = self.fname = name

    has = {"Thai": {ord("ก")}, "Other": {ord("好")}}
    monkeypatch.setattr(fontManager, "ttflist", [Font(name) for name in has])
    monkeypatch.setattr(picture, "letters", lambda font: has.get(font, set(map(ord, "abc"))))


def test_a_font_is_added_for_the_letters_that_the_others_lack(fonts):
    assert fonts_for("aก") == (["sans-serif", "Thai"], [])
    assert fonts_for("好กb") == (["sans-serif", "Thai", "Other"], [])


def test_a_script_without_a_font_is_named_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(picture, "letters", lambda font: set(map(ord, "abc")))
    drawn(tmp_path / "matrix.png", [[1, 0], [0, 1]], ["हिन्दी", "abc"])
    assert capsys.readouterr().out == "matrix.png: no installed font has DEVANAGARI: such letters are drawn as boxes\n"
