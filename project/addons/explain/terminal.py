"""Explained texts -> lines for the terminal: coloured words, and a list that can be read without colours."""

from collections.abc import Sequence
from itertools import zip_longest

from rich.console import Console
from rich.text import Text

from project.addons.explain.effects import LEAST, MOST_WORDS, Explanation
from project.predict import WORD, WordEffect

FOR, AGAINST = "bold green", "underline red"  # which differ without colours too
MOST_SHARES = 8  # classes whose probability is told; of more the most probable


def plain(text: str) -> str:
    """Return a text in which control characters have become spaces."""
    return "".join(c if c.isprintable() else " " for c in text)


def points(words: Sequence[WordEffect]) -> str:
    """Format words and their effects, in points of a hundred."""
    return ", ".join(f"{plain(each.word)} {100 * each.effect:+.1f}" for each in words)


def coloured(text: str, explanation: Explanation) -> Text:
    """Return the words of a text on one line; weak words, and those beyond the explained ones, have no colour."""
    shown = []
    for word, found in zip_longest(WORD.findall(text), explanation.words):
        effect = found.effect if found else 0.0
        shown.append(Text(plain(word), "" if abs(effect) < explanation.least else FOR if effect > 0 else AGAINST))
    return Text(" ").join(shown)


def print_explanation(text: str, explanation: Explanation, most: int) -> None:
    """Print a text, its prediction, and at most so many of the strongest words of each kind."""
    prediction = explanation.prediction
    label, shares = prediction.explained, prediction.probabilities
    shown = sorted(shares, key=shares.__getitem__, reverse=True)[:MOST_SHARES] if len(shares) > MOST_SHARES else shares
    probabilities = ", ".join(f"{name} {100 * shares[name]:.1f} %" for name in shown)
    answer = prediction.label or f"no label, most probably {label}"
    lines = [coloured(text, explanation), Text(f"  {plain(answer)}: {plain(probabilities)}")]
    speaks_for, against = explanation.strongest(most)
    if speaks_for:
        lines.append(Text(f"  for {plain(label)}: ").append(points(speaks_for), style="green"))
    if against:
        lines.append(Text(f"  against {plain(label)}: ").append(points(against), style="red"))
    if not (speaks_for or against):
        lines.append(Text(f"  no word changes the probability by {100 * LEAST:.1f} points or more"))
    if len(explanation.words) == MOST_WORDS < len(WORD.findall(text)):
        lines.append(Text(f"  only the first {MOST_WORDS} words are explained"))
    Console().print(*lines, sep="\n", end="\n\n")
