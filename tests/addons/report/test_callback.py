import re
import sys
from pathlib import Path

import matplotlib.image
import pytest

from project.addons.report.callback import draw_confusion_matrix, print_confusion_matrix
from tests.conftest import SMALL, write_csv

QUIET = ("--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu")


@pytest.fixture
def best(fitted) -> str:
    return f"--ckpt_path={fitted / 'checkpoints' / 'best.ckpt'}"


def examples(printed: str) -> int:
    """How many texts are shown with a confidence."""
    return len(re.findall(r"\d\d\.\d%\s+│$", printed, re.MULTILINE))


def test_a_fit_shows_the_confusions_and_five_texts(fitted_once):
    out = (fitted_once / "printed.txt").read_text()
    assert "Confusion matrix of the test split" in out
    assert examples(out) == 5


def test_a_test_shows_the_confusions_alone(sentiment, best, toy, capsys):
    assert sentiment("test", best, f"--data.corpus={toy}", *QUIET) == 0
    out = capsys.readouterr().out
    assert "Confusion matrix of the test split" in out
    assert examples(out) == 0


def test_it_can_be_left_out(sentiment, best, toy, capsys):
    assert sentiment("test", best, f"--data.corpus={toy}", "--without=report", *QUIET) == 0
    assert "Confusion matrix" not in capsys.readouterr().out
    assert not Path("runs/version_1/confusion_matrix.png").exists()


def test_without_its_package_the_extra_is_named_in_one_line(sentiment, toy, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.delitem(sys.modules, "project.addons.report.callback")
    assert sentiment("fit", f"--data.corpus={toy}", *SMALL) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == "error: sentiment fit needs matplotlib.pyplot: pip install -e '.[report]'"


def test_the_picture_is_in_the_folder_of_the_run(fitted):
    assert matplotlib.image.imread(fitted / "confusion_matrix.png").ndim == 3


def test_a_picture_grows_with_the_classes(tmp_path):
    sizes = []
    for classes in (2, 6):
        labels = [f"class {n}" for n in range(classes)]
        draw_confusion_matrix(tmp_path / "matrix.png", [[n] * classes for n in range(classes)], labels)
        sizes.append(matplotlib.image.imread(tmp_path / "matrix.png").shape[0])
    assert sizes[1] > 1.5 * sizes[0]


def test_the_table_has_true_classes_as_rows(capsys):
    print_confusion_matrix([[9, 1234], [2, 8]], ["bad", "good"])
    rows = [line.strip("│ ").split("│") for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows] == [["bad", "9", "1,234"], ["good", "2", "8"]]


ODD = ["[red]good[/red]", "$$", "$x_1$ {0} %s", "[/]", "[link=x]"]


def test_labels_are_no_markup(capsys):
    print_confusion_matrix([[1] * 5 for _ in ODD], ODD)
    out = capsys.readouterr().out
    assert all(name in out for name in ODD)


def test_labels_are_no_mathematics(tmp_path):
    draw_confusion_matrix(tmp_path / "matrix.png", [[1] * 5 for _ in ODD], ODD)
    assert (tmp_path / "matrix.png").stat().st_size > 0


def test_of_many_classes_the_largest_confusions_are_printed(capsys):
    names = [f"class {n}" for n in range(150)]
    counts = [[0] * 150 for _ in names]
    counts[3][7], counts[8][2] = 1234, 5
    print_confusion_matrix(counts, names)
    rows = [line.strip("│ ").split("│") for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["class 3", "class 7", "1,234"],
        ["class 8", "class 2", "5"],
    ]


@pytest.mark.slow
def test_texts_and_labels_are_shown_as_they_are(sentiment, capsys):
    rows = [(f"[b]The {n} film[/b] [/url] $$ {{0}} is " + "very " * 30 + "long.", "[/good]") for n in range(12)]
    write_csv(Path("rows.csv"), [*rows, *((f"A dull plot {n} :smile:", "$$") for n in range(12))])
    assert sentiment("fit", "--data.corpus=rows.csv", "--trainer.max_epochs=1", *SMALL) == 0
    out = capsys.readouterr().out
    assert "[/good]" in out
    assert "$$" in out
    table = out[out.index("texts of the test split") : out.index("best checkpoint")]
    assert len(re.findall(r"^│.*│$", table, re.MULTILINE)) == 2  # a line for each of the test split's texts
    assert Path("runs/version_0/confusion_matrix.png").exists()
