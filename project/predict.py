"""Raw text -> label and probabilities: what a checkpoint and a bundle share. No torch until a checkpoint is opened."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from project import registry
from project.decision import Decision, Prediction
from project.errors import UserError
from project.text import Tokenizer, text_fault

TokenIds = list[int]
Logits = list[list[float]]  # (B, C)
WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Predictor:
    """A trained classifier as a function of raw text; several threads may call it at once.

    Attributes:
        logits: The network: logits (B, C) of B lists of token ids, longest first.
        tokenizer: What it was trained with.
        decision: What its logits mean.
        each: Calls a function with one batch after the other, or several at once, as `map` does.
    """

    logits: Callable[[Sequence[TokenIds]], Logits]
    tokenizer: Tokenizer
    decision: Decision
    each: Callable[..., Iterable[list[Prediction]]] = map

    @overload
    def __call__(self, texts: str) -> Prediction: ...  # type: ignore[overload-overlap] # a str is an Iterable[str]

    @overload
    def __call__(self, texts: Iterable[str], batch_size: int = ...) -> list[Prediction]: ...

    def __call__(self, texts: str | Iterable[str], batch_size: int = 32) -> Prediction | list[Prediction]:
        """Classify one text, or several; the answers come in their order and do not depend on the batch.

        Raises:
            UserError: One of them is no text.
        """
        several = list(texts) if isinstance(texts, Iterable) and not isinstance(texts, str) else [texts]
        for number, text in enumerate(several, start=1):
            if fault := text_fault(text):
                raise UserError(f"text {number} of {len(several)}: {fault}")
        answers = self.answers(several, batch_size)
        return answers[0] if isinstance(texts, str) else answers

    def answers(self, texts: Sequence[str], batch_size: int = 32) -> list[Prediction]:
        """Classify texts that have been checked; an empty one counts as an unknown word."""
        token_ids = [self.tokenizer.encode(text) for text in texts]
        by_length = sorted(range(len(texts)), key=lambda row: -len(token_ids[row]))
        rows = [by_length[start : start + batch_size] for start in range(0, len(texts), batch_size)]
        predictions: dict[int, Prediction] = {}
        answered = self.each(lambda batch: self.decision.each(self.logits([token_ids[row] for row in batch])), rows)
        for batch, predicted in zip(rows, answered, strict=True):
            predictions.update(zip(batch, predicted, strict=True))
        return [predictions[row] for row in range(len(texts))]


def load(path: str | Path) -> Predictor:
    """Load a trained classifier: a checkpoint that fit wrote (.ckpt), or the folder of a bundle that export wrote.

    A bundle is read without torch.

    Raises:
        UserError: There is no such file or folder, or it is damaged or of another kind.
    """
    if not Path(path).is_dir():
        return open_checkpoint(Path(path))
    try:
        return registry.load("project.export.bundle:open_bundle")(Path(path))  # type: ignore[no-any-return]
    except ModuleNotFoundError as error:
        raise UserError(f"{path} is a folder: project/export opens bundles, and {error.name} is missing") from error


def open_checkpoint(path: Path) -> Predictor:
    """Load a checkpoint; nothing else is needed.

    Raises:
        UserError: It is missing, damaged or of another kind.
    """
    from project.checkpoint import read_checkpoint, restore  # with torch

    return predictor_of(*restore(read_checkpoint(path))[:3])


def predictor_of(network: Callable[..., object], tokenizer: Tokenizer, decision: Decision) -> Predictor:
    """Return the predictor of a network in eval mode."""
    import torch

    from project.batch import pack

    def logits(token_ids: Sequence[TokenIds]) -> Logits:
        with torch.inference_mode():
            computed: Logits = network(pack([torch.tensor(ids) for ids in token_ids])).tolist()  # type: ignore[attr-defined]
        return computed  # (B, C)

    return Predictor(logits, tokenizer, decision)


@dataclass(frozen=True)
class WordEffect:
    """A word and its part in the prediction.

    Attributes:
        word: As it is in the text, with its punctuation.
        effect: Probability of the predicted label (of the most probable one if there is none), less its probability
            without the word: above 0 the word speaks for the label, below 0 against it.
        supports: The label whose probability the word raises most.
    """

    word: str
    effect: float
    supports: str


def without_each_word(text: str, most: int, tokenizer: Tokenizer) -> list[str]:
    """Return the text without its first word, without its second, and so on, for at most `most` words (occlusion).

    Words that `tokenizer` cuts from a long text are left out of all of them: none is to move into another's place.
    Without one of those it is the text as it was.
    """
    spans = [match.span() for match in WORD.finditer(text)]
    kept = set(tokenizer.cut([a for a, b in spans for _ in tokenizer.split(text[a:b])]))
    read = WORD.sub(lambda word: word[0] if word.start() in kept else " " * len(word[0]), text)
    return [f"{read[:a].rstrip()} {read[b:].lstrip()}".strip() if a in kept else text for a, b in spans[:most]]


def word_effects(text: str, whole: Prediction, parts: Sequence[Prediction]) -> list[WordEffect]:
    """Return the effects of the words of `text`, of which there are predictions for it and its `without_each_word`."""
    label = whole.label or max(whole.probabilities, key=whole.probabilities.__getitem__)
    effects = []
    for word, part in zip(WORD.findall(text), parts, strict=False):
        gains = {name: share - part.probabilities[name] for name, share in whole.probabilities.items()}
        effects.append(WordEffect(word, gains[label], max(gains, key=gains.__getitem__)))
    return effects
