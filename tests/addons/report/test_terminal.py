import numpy as np

from project.addons.report.answers import Answers
from project.addons.report.terminal import plain, print_classes, print_confusions, print_examples

ODD = ["[red]good[/red]", "$$", "$x_1$ {0} %s", "[/]", "[link=x]"]


def cells(printed: str) -> list[list[str]]:
    """The cells of the tables' rows."""
    rows = [line.strip("│ ").split("│") for line in printed.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row] for row in rows]


def counted(counts: list[list[int]], names: list[str]) -> Answers:
    """Texts, of which so many of each class (rows) got each (columns)."""
    labels = np.array([(true, got) for true, row in enumerate(counts) for got, n in enumerate(row) for _ in range(n)])
    has, got = np.eye(len(names), dtype=bool)[labels].swapaxes(0, 1)
    return Answers(names, [], [], has, got, np.where(got, 0.9, 0.1))


def several(names: list[str], has: list[list[int]], got: list[list[int]]) -> Answers:
    """Texts with any number of labels, answered with a probability of 0.9 for and 0.2 against."""
    flags = np.array(has, dtype=bool), np.array(got, dtype=bool)
    texts = [f"text {n}" for n, _ in enumerate(has)]
    return Answers(names, [""] * len(texts), texts, *flags, np.where(flags[1], 0.9, 0.2), several=True)


def test_the_table_has_true_classes_as_rows(capsys):
    print_confusions(counted([[9, 1234], [2, 8]], ["bad", "good"]))
    assert cells(capsys.readouterr().out) == [["bad", "9", "1,234"], ["good", "2", "8"]]


def test_each_class_has_its_figures(capsys):
    print_classes(counted([[8, 2], [1, 3]], ["good", "bad"]))
    assert cells(capsys.readouterr().out) == [
        ["good", "0.889", "0.800", "0.842", "10"],
        ["bad", "0.600", "0.750", "0.667", "4"],
    ]


def test_labels_are_no_markup(capsys):
    print_classes(counted([[1] * 5 for _ in ODD], ODD))
    assert [row[0] for row in cells(capsys.readouterr().out)] == ODD


def test_of_many_classes_the_largest_confusions_are_printed(capsys):
    names = [f"class {n}" for n in range(150)]
    counts = [[0] * 150 for _ in names]
    counts[3][7], counts[8][2] = 1234, 5
    print_confusions(counted(counts, names))
    assert cells(capsys.readouterr().out) == [["class 3", "class 7", "1,234"], ["class 8", "class 2", "5"]]


def answered(texts: list[str], names: list[str]) -> Answers:
    """Texts of class 0, answered with growing confidence, wrong but for the last four."""
    count = len(texts)
    answers = np.array([1] * (count - 4) + [0] * 4)
    sure = np.linspace(0.6, 0.9, count)
    probabilities = np.where(answers[:, None] == [0, 1], sure[:, None], 1 - sure[:, None])
    flags = np.eye(2, dtype=bool)
    return Answers(names, ["rows.csv:2"] * count, texts, flags[[0] * count], flags[answers], probabilities)


def test_errors_and_right_answers_come_by_confidence(capsys):
    print_examples(answered([f"text {n}" for n in range(10)], ["bad", "good"]))
    rows = cells(capsys.readouterr().out)
    assert [row[0] for row in rows] == [f"text {n}" for n in (5, 4, 3, 2, 1, 9, 8, 7)]
    assert rows[0][1:] == ["bad", "good", "76.7%"]


def test_each_text_takes_one_line_of_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    texts = ["word\n" * 60, "長い文章です。" * 30, "\x1b[2J\x1b[31m[b]odd[/b]", *["short"] * 7]
    print_examples(answered(texts[::-1][:10], ["a very long name of a class that goes on", "$$"]))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert len(lines) == 8
    assert max(map(len, lines)) <= 72


def test_control_characters_do_not_reach_the_terminal():
    assert plain("\x1b[2Jgone\x07", 30).plain == " [2Jgone "


def test_of_many_labels_the_most_frequent_have_their_figures(capsys):
    names = [f"label {n}" for n in range(25)]
    has = [[int(n >= 5) for n in range(25)], [1] * 25]
    print_classes(several(names, has, has))
    out = capsys.readouterr().out
    assert [row[0] for row in cells(out)] == names[5:]
    assert out.endswith("and 5 less frequent labels, which are in the report\n")


def test_of_any_number_of_labels_confusions_are_what_is_there_instead(capsys):
    print_confusions(several(["joy", "fear", "hope"], [[1, 1, 0], [1, 0, 0]], [[1, 0, 1], [0, 0, 0]]))
    assert cells(capsys.readouterr().out) == [["fear", "hope", "1"]]


def test_sets_of_labels_are_shown_with_commas(capsys):
    print_examples(several(["joy", "fear"], [[1, 1], [0, 0], [0, 1]], [[1, 1], [0, 1], [0, 0]]))
    assert cells(capsys.readouterr().out) == [
        ["text 1", "(none)", "fear", "90.0%"],
        ["text 2", "fear", "(none)", "80.0%"],
        ["text 0", "joy, fear", "joy, fear", "90.0%"],
    ]


def test_labels_that_differ_come_first_since_the_end_may_be_cut(capsys):
    print_examples(several(["joy", "fear", "hope"], [[1, 1, 1]], [[1, 0, 1]]))
    assert cells(capsys.readouterr().out)[0][1:3] == ["fear, joy, h…", "joy, hope"]


def test_of_any_number_of_labels_without_a_confusion_there_is_no_table(capsys):
    print_confusions(several(["joy", "fear"], [[1, 1]], [[1, 0]]))
    assert capsys.readouterr().out == ""
