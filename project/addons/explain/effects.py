"""Texts -> predictions, and the effect of each word: what the probability loses without it (occlusion)."""

from collections.abc import Sequence
from typing import NamedTuple

from project.decision import Prediction
from project.predict import Predictor, WordEffect, without_each_word, word_effects

MOST_WORDS = 500  # of a text, from its beginning: each costs another prediction
LEAST = 0.001  # effect of a word that counts at all


class Explanation(NamedTuple):
    """A text's prediction, and the effects of its words in their order; of the first `MOST_WORDS` of a longer text."""

    prediction: Prediction
    words: list[WordEffect]

    @property
    def least(self) -> float:
        """The effect from which on a word counts: a tenth of the strongest, since a sure answer hardly moves."""
        return max(LEAST, *(abs(word.effect) / 10 for word in self.words))

    def strongest(self, most: int) -> tuple[list[WordEffect], list[WordEffect]]:
        """Return the words that speak most for the label, and those that speak most against it, the strongest first."""
        ordered = sorted((word for word in self.words if abs(word.effect) >= self.least), key=lambda word: -word.effect)
        speaks_for = [word for word in ordered if word.effect > 0]
        against = [word for word in reversed(ordered) if word.effect < 0]
        return speaks_for[:most], against[:most]


def explain_texts(predictor: Predictor, texts: Sequence[str]) -> list[Explanation]:
    """Return what speaks for and against the predictions of texts that have been checked."""
    parts = [without_each_word(text, MOST_WORDS, predictor.tokenizer) for text in texts]
    answers = iter(predictor.answers([each for text, rest in zip(texts, parts, strict=True) for each in (text, *rest)]))
    found = []
    for text, rest in zip(texts, parts, strict=True):
        whole = next(answers)
        found.append(Explanation(whole, word_effects(text, whole, [next(answers) for _ in rest])))
    return found
