"""Text -> tokens -> token ids, in plain Python: what training and prediction share, and what a checkpoint carries."""

from collections.abc import Sequence
from typing import Literal, TypedDict, get_args

from project.errors import UserError

PAD, UNK = "<pad>", "<unk>"
PAD_ID, UNK_ID = 0, 1
SPECIALS = (PAD, UNK)

NEEDS_SUBWORDS = "sub-words need the tokenizers library: pip install -e '.[subwords]'"

Truncation = Literal["head", "tail", "head+tail"]

# basic_english sets these apart as tokens of their own and turns the colons into spaces.
_SPACING = str.maketrans({mark: f" {mark} " for mark in "'.,()!?"} | {";": " ", ":": " "})


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
    """Everything that a tokenizer is, as plain types: the form in which it stands in a checkpoint."""

    scheme: str
    tokens: list[str]
    max_length: int
    truncation: str
    json: str  # of the `tokenizers` library; empty for words


def check_length(max_length: int, truncation: str) -> None:
    """Check what `cut` is to do.

    Raises:
        UserError: `max_length` is below 1, or `truncation` is none of the three.
    """
    if max_length < 1:
        raise UserError(f"max_length is {max_length}: a text needs at least 1 token, set --data.max_length=1 or more")
    if truncation not in get_args(Truncation):
        raise UserError(f"truncation is {truncation!r}: choose one of {', '.join(get_args(Truncation))}")


def cut(ids: list[int], max_length: int, truncation: Truncation) -> list[int]:
    """Keep at most `max_length` of the ids: the first (head), the last (tail), or as many of either (head+tail)."""
    if len(ids) <= max_length:
        return ids
    head = {"head": max_length, "tail": 0, "head+tail": -(-max_length // 2)}[truncation]
    return ids[:head] + ids[len(ids) - (max_length - head) :]


class Tokenizer:
    """Turns text into the ids of its words, with a fixed vocabulary.

    Args:
        tokens: The vocabulary; a token's position is its id. It begins with ``<pad>`` and ``<unk>``.
        max_length: Longest text that is kept whole, in tokens.
        truncation: Which tokens of a longer text stay; see `cut`.

    Raises:
        UserError: `max_length` is below 1, or `truncation` is unknown.
        ValueError: `tokens` does not begin with the special tokens, or holds one twice.
    """

    scheme = "basic_english"

    def __init__(self, tokens: Sequence[str], max_length: int = 256, truncation: Truncation = "head") -> None:
        check_length(max_length, truncation)
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

    def token_id(self, token: str) -> int:
        """Return the id of a token, that of ``<unk>`` where it is unknown."""
        return self._ids.get(token, UNK_ID)

    def encode(self, text: str) -> list[int]:
        """Return the token ids of `text`: 1 to `max_length` of them; a text without tokens is one ``<unk>``."""
        ids = [self._ids.get(token, UNK_ID) for token in basic_english(text)] or [UNK_ID]
        return cut(ids, self.max_length, self.truncation)

    def state(self) -> TokenizerState:
        """Return the tokenizer as plain types."""
        return {
            "scheme": self.scheme,
            "tokens": self.tokens,
            "max_length": self.max_length,
            "truncation": self.truncation,
            "json": "",
        }

    @staticmethod
    def from_state(state: TokenizerState) -> "Tokenizer":
        """Rebuild a tokenizer from `state`.

        Raises:
            UserError: The state was written by a scheme that this version does not know.
        """
        length: tuple[int, Truncation] = (state["max_length"], state["truncation"])  # type: ignore[assignment]
        if state["scheme"] == SubwordTokenizer.scheme:
            return SubwordTokenizer(state["json"], *length)
        if state["scheme"] == Tokenizer.scheme:
            return Tokenizer(state["tokens"], *length)
        raise UserError(f"the checkpoint's tokenizer is {state['scheme']!r}, which this version does not know")


class SubwordTokenizer(Tokenizer):
    """Turns text into the ids of its sub-words, as a tokenizer.json of the `tokenizers` library says.

    Its pieces follow ``<pad>`` and ``<unk>`` in the vocabulary; special tokens that the file would add are left out.

    Args:
        json: Content of the file.
        max_length: Longest text that is kept whole, in tokens.
        truncation: Which tokens of a longer text stay; see `cut`.

    Raises:
        UserError: The content is no tokenizer, or the library is missing.
    """

    scheme = "subwords"

    def __init__(self, json: str, max_length: int = 256, truncation: Truncation = "head") -> None:
        try:
            from tokenizers import Tokenizer as Subwords  # imported where it is used: words do not need it
        except ImportError as error:
            raise UserError(NEEDS_SUBWORDS) from error
        try:
            self._subwords = Subwords.from_str(json)
        except Exception as error:  # the library raises Exception itself
            raise UserError(f"not a tokenizer.json of the tokenizers library: {str(error).splitlines()[0]}") from error
        self._subwords.no_padding()
        self._subwords.no_truncation()
        self.json = json
        pieces = [self._subwords.id_to_token(i) or f"<gap {i}>" for i in range(self._subwords.get_vocab_size())]
        super().__init__([*SPECIALS, *(f"<{p}>" if p in SPECIALS else p for p in pieces)], max_length, truncation)

    def encode(self, text: str) -> list[int]:
        """Return the token ids of `text`: 1 to `max_length` of them; a text without tokens is one ``<unk>``."""
        pieces = self._subwords.encode(text, add_special_tokens=False).ids
        return cut([len(SPECIALS) + piece for piece in pieces] or [UNK_ID], self.max_length, self.truncation)

    def state(self) -> TokenizerState:
        """Return the tokenizer as plain types."""
        return super().state() | {"tokens": [], "json": self.json}
