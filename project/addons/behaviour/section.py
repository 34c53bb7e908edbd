"""A model -> a section of the report: pass rates of its behaviours, and failing texts, as HTML without a script."""

from html import escape
from pathlib import Path

from project.addons.behaviour.outcomes import WORDS, Outcome, outcomes_of
from project.addons.behaviour.suite import read_suite
from project.predict import Predictor

EXAMPLES = 5  # failing texts or pairs of each behaviour


def section(predictor: Predictor, folder: Path) -> tuple[str, str]:
    """Return the title and the HTML of the section.

    Args:
        predictor: The model.
        folder: Of the run; not needed, since the sentences are this add-on's own.
    """
    outcomes, notes = outcomes_of(predictor, read_suite())
    head = row("th", "behaviour", "expected", "passed", "of", "")
    body = "".join(
        row("td", each.behaviour, WORDS[each.expect], f"{each.passed:,}", f"{each.cases:,}", rate(each))
        for each in outcomes
    )
    table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
    about = "<p>Sentences made for the purpose, whatever the model was trained on.</p>"
    lines = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return "Behaviour", about + table + lines + "".join(failing(each) for each in outcomes if each.failures)


def rate(outcome: Outcome) -> str:
    """Format the share of cases that were as expected."""
    return f"{outcome.passed / outcome.cases:.0%}"


def row(tag: str, *cells: str) -> str:
    """Return a row of a table, with its cells escaped."""
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def failing(outcome: Outcome) -> str:
    """Return the first texts or pairs that were not as expected, folded away."""
    items = []
    for failure in outcome.failures[:EXAMPLES]:
        both = zip(failure.texts, failure.shown(outcome.expect), strict=True)
        items.append("<li>" + ", then ".join(escape(f"{text} ({answer})") for text, answer in both) + "</li>")
    summary = escape(f"{outcome.behaviour}: {len(outcome.failures):,} not as expected")
    return f"<details><summary>{summary}</summary><ul>{''.join(items)}</ul></details>"
