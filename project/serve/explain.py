"""A prediction -> what each word of its text contributes to it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from project.decision import Prediction

WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class WordEffect:
    """A word and its part in the prediction.

    Attributes:
        word: As it is in the text, with its punctuation.
        effect: Probability of the predicted label, less its probability without the word: above 0 the word speaks for
            the label, below 0 against it.
    """

    word: str
    effect: float


@dataclass(frozen=True)
class Explanation:
    """A prediction and its words.

    Attributes:
        prediction: Of the whole text.
        words: In their order.
        more_words: How many words follow that are not explained.
    """

    prediction: Prediction
    words: list[WordEffect]
    more_words: int


def without_each_word(text: str, most: int) -> list[str]:
    """Return the text without its first word, without its second, and so on, for at most `most` words (occlusion)."""
    spans = [match.span() for match in WORD.finditer(text)][:most]
    return [f"{text[:start].rstrip()} {text[end:].lstrip()}".strip() for start, end in spans]


def explanation(text: str, whole: Prediction, parts: Sequence[Prediction]) -> Explanation:
    """Combine the predictions for `text` and for its `without_each_word`."""
    words = WORD.findall(text)
    effects = [
        WordEffect(word, whole.probability - part.probabilities[whole.label])
        for word, part in zip(words, parts, strict=False)
    ]
    return Explanation(whole, effects, len(words) - len(effects))
