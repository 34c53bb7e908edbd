"""Columns p_LABEL of probabilities: `predict` and `classify` write them, and train reads them as soft targets.

A soft target is a distribution over the classes for a text (Hinton et al. 2015), whoever the teacher was.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from project.ingest.output import Row
from project.ingest.records import label_name

PREFIX = "p_"
TOLERANCE = 0.01  # how far the sum may be from 1, since probabilities are often rounded


def probability_columns(columns: Collection[str], renamed: Mapping[str, str]) -> dict[str, str]:
    """Return which of `columns` holds the probability of which label, by label.

    Args:
        columns: Names of a row's columns.
        renamed: Names for labels, by what they are called in the source.
    """
    named = {column: label_name(column.removeprefix(PREFIX)) for column in columns if column.startswith(PREFIX)}
    return {renamed.get(name, name): column for column, name in named.items() if name is not None}


def target_fault(row: Mapping[str, Any], columns: Mapping[str, str], labels: Collection[str]) -> str | None:
    """Return why the probabilities of a row cannot be used; None if they can.

    Args:
        row: Its values by column.
        columns: See `probability_columns`.
        labels: Those that need a probability each.
    """
    if set(columns) != set(labels):
        there = ", ".join(columns.values()) or "none"
        return f"the columns of probabilities are {there}, not one for each of the labels {', '.join(labels)}"
    for column in columns.values():
        if fault := probability_fault(column, row[column]):
            return fault
    total = sum(float(row[column]) for column in columns.values())
    if abs(total - 1) > TOLERANCE:
        return f"the probabilities {', '.join(columns.values())} add up to {total:.6g}, not to 1"
    return None


def probability_fault(column: str, value: object) -> str | None:
    """Return why the value of a column is no probability; None if it is one."""
    if value in (None, ""):
        return f"{column} is missing"
    try:
        probability = float(value)  # type: ignore[arg-type] # what it cannot convert is a fault
    except (TypeError, ValueError):
        return f"{column} is not a number but {value!r:.40}"
    if not 0 <= probability <= 1 + TOLERANCE:
        return f"{column} is {probability:g}: a probability is from 0 to 1"
    return None


def soft_target(row: Mapping[str, Any], columns: Mapping[str, str], labels: Collection[str]) -> list[float]:
    """Return the probability of each of `labels`, in their order, adding up to 1, of a row without `target_fault`."""
    probabilities = [float(row[columns[label]]) for label in labels]
    total = sum(probabilities)
    return [probability / total for probability in probabilities]


def added_columns(label_names: Sequence[str], label: str | None, probabilities: Sequence[float | None]) -> Row:
    """Return the columns that a prediction adds to its row: ``predicted``, and ``p_LABEL`` for each class.

    Args:
        label_names: The classes.
        label: The answer; None for a bad row.
        probabilities: Of each class; nothing for a bad row.
    """
    return {"predicted": label, **shares_of(label_names, probabilities or [None] * len(label_names))}


def shares_of(label_names: Sequence[str], probabilities: Sequence[float | None]) -> Row:
    """Return the column ``p_LABEL`` for each class: its probability, or None."""
    shares = [None if p is None else round(p, 6) for p in probabilities]
    return {PREFIX + name: share for name, share in zip(label_names, shares, strict=True)}
