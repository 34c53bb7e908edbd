"""JSON of a bundle -> checked values: a digest finds what has changed by accident, not what makes no sense."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from project.decision import Labels
from project.errors import UserError
from project.text import Truncation, text_fault

Rule = Callable[[Any], bool]  # whether a value makes sense

LARGEST = 1e9  # no number of a bundle is larger


def text(value: Any) -> bool:
    """Return whether a value is a string."""
    return isinstance(value, str)


def texts(value: Any) -> bool:
    """Return whether a value is a list of strings."""
    return isinstance(value, list) and set(map(type, value)) <= {str}


def names(value: Any) -> bool:
    """Return whether a value is a list of different strings, none of them empty."""
    return texts(value) and len(set(value)) == len(value) and not any(map(text_fault, value))


def number(low: float, high: float = LARGEST, kinds: tuple[type, ...] = (int, float)) -> Rule:
    """Return the rule for a number of one of some types between two bounds, never NaN."""
    return lambda value: type(value) in kinds and low <= value <= high


def numbers(low: float, high: float) -> Rule:
    """Return the rule for a list of such numbers."""
    return lambda value: isinstance(value, list) and all(map(number(low, high), value))


def mapping(rule: Rule) -> Rule:
    """Return the rule for an object, all of whose values follow `rule`."""
    return lambda value: isinstance(value, dict) and all(map(rule, value.values()))


FACTS_RULES = {
    **dict.fromkeys(("weights", "corpus", "fingerprint"), text),
    **dict.fromkeys(("versions", "sha256"), mapping(text)),
    **{"format": number(0), "label_names": names, "parity": mapping(number(0))},
    **dict.fromkeys(("decision", "network"), mapping(lambda _: True)),
}
# beyond these temperatures the logits hardly matter, or nothing else does
DECISION_RULES = {"temperature": number(1e-3, 1e3), "thresholds": numbers(1e-9, 1), "abstain_below": number(0, 1)}
DECISION_RULES |= {"labels": lambda value: value in get_args(Labels), "least": number(0, 1, (int,))}
TOKENIZER_RULES = {
    **dict.fromkeys(("scheme", "json", "code"), text),
    **dict.fromkeys(("tokens", "sample"), texts),
    **{"max_length": number(1, kinds=(int,)), "truncation": get_args(Truncation).__contains__},
}


def check(path: Path, value: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Check an object of a file: that it has a key for each rule and no other, and that its values follow them.

    Raises:
        UserError: Something makes no sense.
    """
    for key in sorted(rules.keys() ^ value.keys()):
        raise UserError(f"{path}: the key {key!r:.40} is {'missing' if key in rules else 'unknown'}; export it again")
    for key, rule in rules.items():
        if not rule(value[key]):
            raise UserError(f"{path}: {key} is {value[key]!r:.80}, which makes no sense; export the bundle again")
