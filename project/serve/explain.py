"""Which words carried a prediction: its probability with all of them, less that without the word (occlusion)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from project.predict import Prediction
from project.serve.limits import MAX_WORDS

WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class WordEffect:
    """A word and its part in the prediction.

    Attributes:
        word: As it stands in the text, with its punctuation.
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
        words: In their order, `MAX_WORDS` at most.
        more_words: How many words follow that are not explained.
    """

    prediction: Prediction
    words: list[WordEffect]
    more_words: int


def without_each_word(text: str) -> list[str]:
    """Return the text without its first word, without its second, and so on, up to `MAX_WORDS` of them."""
    spans = [match.span() for match in WORD.finditer(text)][:MAX_WORDS]
    return [f"{text[:start].rstrip()} {text[end:].lstrip()}".strip() for start, end in spans]


def explanation(text: str, whole: Prediction, parts: Sequence[Prediction]) -> Explanation:
    """Put together what was predicted for `text` and for its `without_each_word`."""
    words = WORD.findall(text)
    effects = [
        WordEffect(word, whole.probability - part.probabilities[whole.label])
        for word, part in zip(words, parts, strict=False)
    ]
    return Explanation(whole, effects, len(words) - len(effects))
