"""Text -> tokens -> token ids: the only implementation, in plain Python; a checkpoint carries its state."""

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypedDict, cast, get_args

from project.atomic import code_digest
from project.errors import UserError
from project.registry import find

PAD, UNK = "<pad>", "<unk>"
PAD_ID, UNK_ID = 0, 1
SPECIALS = (PAD, UNK)

Truncation = Literal["head", "tail", "head+tail"]

# basic_english sets these apart as tokens of their own and turns the colons into spaces.
_SPACING = str.maketrans({mark: f" {mark} " for mark in "'.,()!?"} | {";": " ", ":": " "})

# What a checkpoint remembers of its tokenizer's code: how it splits this.
SAMPLE = "It's \"fine\"; I'd give 9.5/10 (twice!)<br />Ça va?\nNot-so GREAT... 好 🙂"


def basic_english(text: str) -> list[str]:
    """Split `text` into lower-case tokens exactly as torchtext 0.6.0's ``basic_english`` does.

    Quotation marks vanish, ``<br />`` and colons become spaces, and each of ``' . , ( ) ! ?`` is a token.
    A property test holds it equal to torchtext over all of Unicode.
    """
    return text.lower().replace('"', "").replace("<br />", " ").translate(_SPACING).split()


def text_fault(text: object) -> str | None:
    """Return what is wrong with a text, or None; the words "null", "NA", "None" and "nan" are text."""
    if text is None:
        return "the text is missing"
    if not isinstance(text, str):
        return f"the text is not text but {text!r:.40}"
    if not text.strip():
        return "the text is empty"
    if "\0" in text:
        return "the text holds a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "the text is not valid UTF-8"
    return None


class TokenizerState(TypedDict):
    """Everything that a tokenizer is, as plain types: the form in which a checkpoint holds it."""

    scheme: str
    tokens: list[str]
    max_length: int
    truncation: Truncation
    json: str  # of the `tokenizers` library; empty for words
    code: str  # digest of this file
    sample: list[str]  # tokens of SAMPLE


class Tokenizer:
    """Turns text into the ids of its words, with a fixed vocabulary.

    Args:
        tokens: The vocabulary; a token's position is its id. It begins with ``<pad>`` and ``<unk>``.
        max_length: Maximum number of tokens in a text; longer texts are truncated.
        truncation: Which tokens of a longer text are kept: head, tail or head+tail.

    Raises:
        UserError: `max_length` is below 1, or `truncation` is unknown.
        ValueError: `tokens` does not begin with the special tokens, or has one twice.
    """

    scheme = "basic_english"
    json = ""

    def __init__(self, tokens: Sequence[str], max_length: int = 256, truncation: Truncation = "head") -> None:
        if max_length < 1:
            raise UserError(f"max_length is {max_length}: a text needs at least 1 token, set --data.max_length=1")
        if truncation not in get_args(Truncation):
            raise UserError(f"truncation is {truncation!r}: choose one of {', '.join(get_args(Truncation))}")
        if tuple(tokens[:2]) != SPECIALS:
            raise ValueError(f"a vocabulary begins with {SPECIALS}, this one with {tuple(tokens[:2])}")
        self.tokens = list(tokens)
        self.max_length = max_length
        self.truncation: Truncation = truncation
        self._ids = {token: token_id for token_id, token in enumerate(self.tokens)}
        if len(self._ids) != len(self.tokens):
            raise ValueError("the vocabulary has a token twice")
        for special in SPECIALS:  # a text that spells "<pad>" out is not padding
            del self._ids[special]

    def __len__(self) -> int:
        return len(self.tokens)

    def split(self, text: str) -> list[str]:
        """Return the tokens of `text`, at least one: a text without any is one ``<unk>``."""
        return basic_english(text) or [UNK]

    def token_id(self, token: str) -> int:
        """Return the id of a token, that of ``<unk>`` if it is unknown."""
        return self._ids.get(token, UNK_ID)

    def cut(self, ids: list[int]) -> list[int]:
        """Keep at most `max_length` of the ids: the first (head), the last (tail), or as many of each (head+tail)."""
        if len(ids) <= self.max_length:
            return ids
        head = {"head": self.max_length, "tail": 0, "head+tail": -(-self.max_length // 2)}[self.truncation]
        return ids[:head] + ids[len(ids) - (self.max_length - head) :]

    def encode(self, text: str) -> list[int]:
        """Return 1 to `max_length` token ids."""
        return self.cut([self._ids.get(token, UNK_ID) for token in self.split(text)])

    def state(self) -> TokenizerState:
        """Return the tokenizer as plain types."""
        length = {"max_length": self.max_length, "truncation": self.truncation}
        code = {"code": text_code(), "sample": self.split(SAMPLE)}
        state = {"scheme": self.scheme, "tokens": self.tokens, "json": self.json, **length, **code}
        return cast(TokenizerState, state)

    @staticmethod
    def from_state(state: TokenizerState) -> "Tokenizer":
        """Rebuild a tokenizer from `state`, saying so if this file has changed since.

        Raises:
            UserError: This tree has no such tokenizer, or now splits text differently.
        """
        kind = Tokenizer if state["scheme"] == Tokenizer.scheme else tokenizer_class(state["scheme"])
        tokenizer: Tokenizer = kind(state["json"] or state["tokens"], state["max_length"], state["truncation"])
        if tokenizer.split(SAMPLE) != state["sample"]:
            raise UserError(
                "the model was trained with another tokenizer: project/text.py splits a sample text "
                "differently now; restore the file, or train again"
            )
        if state["code"] != text_code():
            _note_changed_code()
        return tokenizer


def tokenizer_class(name: str) -> Any:
    """Return the class of another tokenizer: for a value of ``--data.tokenizer``, or for the scheme of a state.

    Raises:
        UserError: No add-on of this tree brings it.
    """
    return find("TOKENIZERS", "FILE.json" if name.endswith(".json") else name, f"tokenizer {name!r}", "words")


@cache
def text_code() -> str:
    """Return the digest of this file's code."""
    return code_digest([Path(__file__)])


@cache  # once a process
def _note_changed_code() -> None:
    print("project/text.py has changed since the model was trained; a sample text is split as before", file=sys.stderr)
