"""Raw text -> label and probabilities: what a checkpoint and a bundle share. No torch until a checkpoint is opened."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from project import registry
from project.decision import Decision, Prediction
from project.errors import UserError
from project.text import Tokenizer, text_fault

Logits = list[list[float]]  # (B, C)
WORD = re.compile(r"[\u3040-\u9fff]|[^\s\u3040-\u9fff]+")  # kana and Chinese characters each alone, else up to a space


@dataclass(frozen=True)
class Predictor:
    """A trained classifier as a function of raw text; several threads may call it at once.

    Attributes:
        logits: The network: logits (B, C) of B lists of token ids, longest first.
        tokenizer: What it was trained with.
        decision: What its logits mean.
        each: Calls a function on every batch, one after the other or several at once, as `map` does.
    """

    logits: Callable[[Sequence[list[int]]], Logits]
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
            UserError: One of them is not a text.
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
        from project.checkpoint import read_checkpoint, restore  # with torch

        return predictor_of(*restore(read_checkpoint(path), path)[:3])
    try:
        return registry.load("project.export.bundle:open_bundle")(Path(path))  # type: ignore[no-any-return]
    except ModuleNotFoundError as error:
        raise UserError(f"{path} is a folder: project/export opens bundles, and {error.name} is missing") from error


def predictor_of(network: Callable[..., object], tokenizer: Tokenizer, decision: Decision) -> Predictor:
    """Return the predictor of a network in eval mode."""
    import torch

    from project.batch import pack

    def logits(token_ids: Sequence[list[int]]) -> Logits:
        with torch.inference_mode():
            return network(pack([torch.tensor(ids) for ids in token_ids])).tolist()  # type: ignore[attr-defined, no-any-return]

    return Predictor(logits, tokenizer, decision)


@dataclass(frozen=True)
class WordEffect:
    """A word and its part in the prediction.

    Attributes:
        word: As it is in the text, with its punctuation.
        effect: Probability of the label that is explained (see `Prediction`), less its probability without the word:
            above 0 the word speaks for the label, below 0 against it.
        supports: The label whose probability the word raises most.
    """

    word: str
    effect: float
    supports: str


def without_each_word(text: str, most: int, tokenizer: Tokenizer) -> list[str]:
    """Return what is read of a text, then the same without its first word, its second, and so on (occlusion).

    Only words that `tokenizer` does not cut off count: otherwise another word would take the place of one left out.

    Args:
        text: Any text.
        most: How many of its words are left out, at most.
        tokenizer: The model's.
    """
    words = list(WORD.finditer(text))
    sizes = {word.start(): len(tokenizer.split(word[0])) for word in words}
    kept = Counter(tokenizer.cut([start for start, size in sizes.items() for _ in range(size)]))
    read = WORD.sub(lambda word: word[0] if kept[word.start()] == sizes[word.start()] else " " * len(word[0]), text)
    return [read, *(f"{read[: word.start()].rstrip()} {read[word.end() :].lstrip()}".strip() for word in words[:most])]


def word_effects(text: str, whole: Prediction, parts: Sequence[Prediction]) -> list[WordEffect]:
    """Return the effects of the words of `text`, given the predictions for it and for its `without_each_word`."""
    effects = []
    for word, part in zip(WORD.findall(text), parts[1:], strict=False):
        gains = {name: share - part.probabilities[name] for name, share in parts[0].probabilities.items()}
        effects.append(WordEffect(word, gains[whole.explained], max(gains, key=gains.__getitem__)))
    return effects
