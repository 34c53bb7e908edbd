"""What a test has found -> tables in the terminal."""

import re
from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from project.addons.report.figures import class_figures, confusions
from project.addons.report.run import Answers

MOST_IN_TABLE = 8  # classes; of more the largest confusions are printed
CONFUSIONS = 15  # of these
WRONG, RIGHT = 5, 3  # texts
LONGEST_NAME = 30  # cells of a label
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")  # could move the cursor, or begin an escape sequence


def plain(text: str, most: int, style: str = "") -> Text:
    """Return a text on one line and in at most so many cells of the terminal; it is no markup."""
    made = Text(CONTROL.sub(" ", " ".join(text.split())), style, no_wrap=True)
    made.truncate(most, overflow="ellipsis")
    return made


def print_classes(counts: Sequence[Sequence[int]], names: Sequence[str]) -> None:
    """Print the figures of each class, for `counts` (C rows of true classes, C columns of predicted ones)."""
    columns = [Column(each, justify="right") for each in ("precision", "recall", "F1", "texts")]
    table = Table("class", *columns, title="Classes of the test split")
    for each in class_figures(counts, names):
        shares = ("" if value != value else f"{value:.3f}" for value in (each.precision, each.recall, each.f1))  # nan
        table.add_row(plain(each.name, LONGEST_NAME), *shares, f"{each.support:,}")
    Console().print(table)


def print_confusions(counts: Sequence[Sequence[int]], label_names: Sequence[str]) -> None:
    """Print `counts` (C rows of true classes, C columns of predicted ones); of many classes the largest confusions."""
    names = [plain(name, LONGEST_NAME) for name in label_names]
    if len(names) <= MOST_IN_TABLE:
        columns = [Column(name, justify="right") for name in names]
        table = Table("true \\ predicted", *columns, title="Confusion matrix of the test split")
        for name, row in zip(names, counts, strict=True):
            table.add_row(name, *(f"{count:,}" for count in row))
    else:
        columns = [Column("true"), Column("predicted"), Column("texts", justify="right")]
        table = Table(*columns, title="Largest confusions in the test split")
        for count, true, other in confusions(counts, CONFUSIONS):
            table.add_row(names[true], names[other], f"{count:,}")
    Console().print(table)


def print_examples(tested: Answers) -> None:
    """Print the most confident errors and a few right answers, a line each."""
    wrong, right = tested.most_confident(False, WRONG), tested.most_confident(True, RIGHT)
    console = Console()
    longest = min(max(plain(name, LONGEST_NAME).cell_len for name in tested.names), max(console.width // 6, 8))
    room = max(console.width - 18 - 2 * max(longest, len("predicted")), 10)  # cells for a text
    table = Table("text", "true", "predicted", "p", title="The most confident errors, and right answers")
    for row in (*wrong, *right):
        names = [tested.names[each] for each in (tested.labels[row], tested.chosen[row])]
        shown = [plain(name, longest, style) for name, style in zip(names, ("", "red" * (row in wrong)), strict=True)]
        table.add_row(plain(tested.texts[row], room), *shown, f"{tested.confidence[row]:.1%}")
    if table.row_count:
        console.print(table)
