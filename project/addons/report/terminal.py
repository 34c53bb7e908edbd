"""What a test has found -> tables in the terminal."""

import re
from itertools import chain

import numpy as np
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from project.addons.report.answers import Answers, named
from project.addons.report.figures import confusions

MOST_IN_TABLE = 8  # classes; of more the largest confusions are printed
CONFUSIONS = 15  # of these
MOST_LABELS = 20  # of a text that has any number
WRONG, RIGHT = 5, 3  # texts
LONGEST_NAME = 30  # cells of a label
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")  # could move the cursor, or begin an escape sequence


def plain(text: str, most: int, style: str = "") -> Text:
    """Return a text on one line and in at most so many cells of the terminal; it is no markup."""
    made = Text(CONTROL.sub(" ", " ".join(text.split())), style, no_wrap=True)
    made.truncate(most, overflow="ellipsis")
    return made


def print_classes(tested: Answers) -> None:
    """Print the figures of each class; of many labels of which a text has any number those of the most frequent."""
    columns = [Column(each, justify="right") for each in ("precision", "recall", "F1", "texts")]
    heads = ("label", "Labels") if tested.several else ("class", "Classes")
    shown = tested.most_frequent(MOST_LABELS)
    table = Table(heads[0], *columns, title=f"{heads[1]} of the test split")
    for each in (tested.classes[number] for number in shown):
        shares = ("" if value != value else f"{value:.3f}" for value in (each.precision, each.recall, each.f1))  # nan
        table.add_row(plain(each.name, LONGEST_NAME), *shares, f"{each.support:,}")
    Console().print(table)
    if more := len(tested.names) - len(shown):
        print(f"and {more} less frequent labels, which are in the report")


def print_confusions(tested: Answers) -> None:
    """Print how many texts of each class got each answer; of many classes, or any number, the largest confusions."""
    names = [plain(name, LONGEST_NAME) for name in tested.names]
    if len(names) <= MOST_IN_TABLE and not tested.several:
        columns = [Column(name, justify="right") for name in names]
        table = Table("true \\ predicted", *columns, title="Confusion matrix of the test split")
        for name, row in zip(names, tested.matrix(len(names)).counts.tolist(), strict=True):
            table.add_row(name, *(f"{count:,}" for count in row))
    else:
        heads = ("missing", "there instead") if tested.several else ("true", "predicted")
        table = Table(*heads, Column("texts", justify="right"), title="Largest confusions in the test split")
        for count, true, other in confusions(tested.has, tested.got, CONFUSIONS):
            table.add_row(names[true], names[other], f"{count:,}")
    if table.row_count or not tested.several:
        Console().print(table)


def sets(tested: Answers, row: int) -> list[str]:
    """Return the names of a text's classes, and of its answer's, those that differ first: the end may be cut."""
    order = np.argsort(tested.has[row] == tested.got[row], kind="stable")
    names = [tested.names[each] for each in order]
    return [named(names, flags[row, order]) for flags in (tested.has, tested.got)]


def print_examples(tested: Answers) -> None:
    """Print the most confident errors and a few right answers, a line each."""
    wrong, right = tested.most_confident(False, WRONG), tested.most_confident(True, RIGHT)
    answers = {row: sets(tested, row) for row in (*wrong, *right)}
    console = Console()
    widest = max(plain(name, LONGEST_NAME).cell_len for name in (*tested.names, *chain(*answers.values())))
    longest = min(widest, max(console.width // 6, 8))
    room = max(console.width - 18 - 2 * max(longest, len("predicted")), 10)  # cells for a text
    table = Table("text", "true", "predicted", "p", title="The most confident errors, and right answers")
    for row, sure in (wrong | right).items():
        names = zip(answers[row], ("", "red" * (row in wrong)), strict=True)
        shown = [plain(name, longest, style) for name, style in names]
        table.add_row(plain(tested.texts[row], room), *shown, f"{sure:.1%}")
    if table.row_count:
        console.print(table)
