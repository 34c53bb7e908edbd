"""Counts of confusions -> a PNG file whose labels can be read in any script that an installed font has."""

import unicodedata
import warnings
from pathlib import Path

import numpy as np
from matplotlib import font_manager, rc_context
from matplotlib.figure import Figure

from project.addons.report.answers import Matrix
from project.atomic import atomic_write

MOST_NUMBERS = 40  # classes whose counts are written into the picture
MOST_DRAWN = 60  # classes in a picture
LONGEST_NAME = 30  # characters of a label


def draw_confusion_matrix(path: Path, matrix: Matrix, most: int) -> bool:
    """Draw the counts of a matrix into a PNG file, shaded by its shares; `most` is how many classes there are.

    Returns:
        Whether there is a picture: of too many classes there is none.
    """
    classes, counts, shares = len(matrix.names), matrix.counts, matrix.shares
    if classes > MOST_DRAWN:
        return False
    names = [name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…" for name in matrix.names]
    families, missing = fonts_for("".join(names))
    if missing:
        print(f"{path.name}: no installed font has {', '.join(missing)}: such letters are drawn as boxes")
    with rc_context({"font.family": families}), atomic_write(path) as scratch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # it has been said
        size = 2.5 + min(0.9 * classes, 6 + 0.3 * classes)  # inches
        figure = Figure(figsize=(size, size), layout="constrained")
        axes = figure.add_subplot()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for set_ticks, angle in (axes.set_xticks, 0 if classes <= 4 else 90), (axes.set_yticks, 0):
            set_ticks(range(classes), names, rotation=angle, parse_math=False)  # a label is no mathematics
        few = "" if classes == most else f" (the {classes} most frequent of {most})"
        axes.set(xlabel=f"predicted{few}", ylabel=f"true{few}")
        for row, column in np.argwhere(counts) if classes <= MOST_NUMBERS else ():
            color = "white" if shares[row, column] > 0.5 else "black"
            fit = 10 if classes <= 15 else 7
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=color, fontsize=fit)
        figure.savefig(scratch, dpi=150, format="png")
    return True


def fonts_for(text: str) -> tuple[list[str], list[str]]:
    """Return families that together have the letters of `text`, and the scripts that none has."""
    default = font_manager.FontProperties().get_family()
    families = [font_manager.fontManager.findfont(font_manager.FontProperties(family=default))]
    lacking = {ord(letter) for letter in text if letter.isprintable()} - letters(families[0])
    names = list(default)
    for font in font_manager.fontManager.ttflist if lacking else ():
        if not lacking:
            break
        regular = font.style == "normal" and font.weight in (400, "normal", "regular")
        if regular and "Last Resort" not in font.name and (found := lacking & letters(font.fname)):
            names.append(font.name)
            lacking -= found
    scripts = {unicodedata.name(chr(each), "OTHER").split()[0] for each in lacking}
    return names, sorted(scripts)


def letters(font: str) -> set[int]:
    """Return the code points that a font file has."""
    return set(font_manager.get_font(font).get_charmap())
