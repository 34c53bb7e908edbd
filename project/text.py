"""Text -> tokens -> token ids, in plain Python: what training and prediction share, and what a checkpoint carries."""

from collections.abc import Sequence
from typing import Literal, TypedDict, get_args

from project.errors import UserError

PAD, UNK = "<pad>", "<unk>"
PAD_ID, UNK_ID = 0, 1
SPECIALS = (PAD, UNK)

Truncation = Literal["head", "tail", "head+tail"]

# basic_english sets these apart as tokens of their own and turns the colons into spaces.
_SPACING = str.maketrans({mark: f" {mark} " for mark in "'.,()!?"} | {";": " ", ":": " "})


def basic_english(text: str) -> list[str]:
    """Split `text` into lower-case tokens exactly as torchtext 0.6.0's ``basic_english`` does.

    Quotation marks vanish, ``<br />`` and colons become spaces, and each of ``' . , ( ) ! ?`` is a token.
    A property test holds it equal to torchtext over all of Unicode.
    """
    return text.lower().replace('"', "").replace("<br />", " ").translate(_SPACING).split()


class TokenizerState(TypedDict):
    """Everything that a `Tokenizer` is, as plain types: the form in which it stands in a checkpoint."""

    scheme: str
    tokens: list[str]
    max_length: int
    truncation: str


class Tokenizer:
    """Turns text into token ids with a fixed vocabulary.

    Args:
        tokens: The vocabulary; a token's position is its id. It begins with ``<pad>`` and ``<unk>``.
        max_length: Longest text that is kept whole, in tokens.
        truncation: Which tokens of a longer text stay: its first ones (head), its last ones (tail), or as many of
            either (head+tail; an odd one more at the head).

    Raises:
        UserError: `max_length` is below 1, or `truncation` is none of the three.
        ValueError: `tokens` does not begin with the special tokens, or holds one twice.
    """

    scheme = "basic_english"

    def __init__(self, tokens: Sequence[str], max_length: int = 256, truncation: Truncation = "head") -> None:
        if max_length < 1:
            raise UserError(
                f"max_length is {max_length}: a text needs at least 1 token, set --data.max_length=1 or more"
            )
        if truncation not in get_args(Truncation):
            raise UserError(f"truncation is {truncation!r}: choose one of {', '.join(get_args(Truncation))}")
        if tuple(tokens[:2]) != SPECIALS:
            raise ValueError(f"a vocabulary begins with {SPECIALS}, this one with {tuple(tokens[:2])}")
        self.tokens = list(tokens)
        self.max_length = max_length
        self.truncation: Truncation = truncation
        self._ids = {token: token_id for token_id, token in enumerate(self.tokens)}
        if len(self._ids) != len(self.tokens):
            raise ValueError("a token stands twice in the vocabulary")
        for special in SPECIALS:  # a text that spells "<pad>" out is not padding
            del self._ids[special]

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, text: str) -> list[int]:
        """Return the token ids of `text`: 1 to `max_length` of them; a text without tokens is one ``<unk>``."""
        ids = [self._ids.get(token, UNK_ID) for token in basic_english(text)] or [UNK_ID]
        if len(ids) <= self.max_length:
            return ids
        head = {"head": self.max_length, "tail": 0, "head+tail": -(-self.max_length // 2)}[self.truncation]
        return ids[:head] + ids[len(ids) - (self.max_length - head) :]

    def state(self) -> TokenizerState:
        """Return the tokenizer as plain types."""
        return {
            "scheme": self.scheme,
            "tokens": self.tokens,
            "max_length": self.max_length,
            "truncation": self.truncation,
        }

    @classmethod
    def from_state(cls, state: TokenizerState) -> "Tokenizer":
        """Rebuild a tokenizer from `state`.

        Raises:
            UserError: The state was written by a scheme that this version does not know.
        """
        if state["scheme"] != cls.scheme:
            raise UserError(
                f"the checkpoint's tokenizer is {state['scheme']!r}, this version knows {cls.scheme!r} only"
            )
        return cls(state["tokens"], state["max_length"], state["truncation"])  # type: ignore[arg-type]
