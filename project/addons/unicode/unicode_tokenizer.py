"""Train -> a vocabulary of Unicode's words; text -> their ids."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from project.addons.unicode.segments import segments
from project.atomic import cached_folder, code_digest
from project.errors import UserError
from project.ingest import Corpus
from project.text import UNK, Tokenizer, TokenizerState, Truncation, text_code

# What a checkpoint remembers of the rules, besides `project.text.SAMPLE`: how they split this.
SAMPLE = "Don't! :-) 3.14 好看 カタカナ ดีมาก ຂອບໃຈ ល្អ ကောင်း अच्छा كتاب 한국어 İyi 👍🏽🇩🇪"


class UnicodeTokenizer(Tokenizer):
    """Turns text into the ids of its words by the rules of UAX 29; see `segments`.

    Args:
        vocabulary: Its tokens, or what `state` has made of them.
        max_length: Maximum number of tokens in a text; longer texts are truncated.
        truncation: Which tokens of a longer text are kept: head, tail or head+tail.

    Raises:
        UserError: The rules now split a sample differently than they did for `state`.
    """

    scheme = "unicode"

    def __init__(self, vocabulary: str | Sequence[str], max_length: int = 256, truncation: Truncation = "head") -> None:
        known: dict[str, Any] = json.loads(vocabulary) if isinstance(vocabulary, str) else {"tokens": vocabulary}
        if known.get("sample", segments(SAMPLE)) != segments(SAMPLE):
            raise UserError(
                f"the model was trained with regex {known['regex']}, and this version splits a sample text "
                f"differently: pip install regex=={known['regex']}, restore project/addons/unicode, "
                "or train again"
            )
        super().__init__(known["tokens"], max_length, truncation)

    @classmethod
    def for_corpus(cls, corpus: Callable[[], Corpus], options: Mapping[str, Any]) -> "UnicodeTokenizer":
        """Return the tokenizer that knows the tokens of train.

        Args:
            corpus: Loads it.
            options: Of the data module.

        Raises:
            UserError: The corpus has no train split, or the cache cannot be written.
        """
        from project.vocabulary import build_vocabulary  # imported on use: it loads torch, which a bundle lacks

        tokens = build_vocabulary(train_counter(corpus()), options["min_freq"], options["max_vocab_size"])
        return cls(tokens, options["max_length"], options["truncation"])

    def split(self, text: str) -> list[str]:
        """Return the tokens of `text`, at least one: a text without any is one ``<unk>``."""
        return segments(text) or [UNK]

    def state(self) -> TokenizerState:
        """Return the tokenizer as plain types; its rules are stored next to the vocabulary."""
        known = {**rules(), "sample": segments(SAMPLE), "tokens": self.tokens}
        return super().state() | {"tokens": [], "json": json.dumps(known, ensure_ascii=False)}


@cache
def rules() -> dict[str, str]:
    """Return what decides how a text is split: the package's version, which holds Unicode's tables, and the code."""
    from regex import __version__

    return {"regex": __version__, "code": code_digest(Path(__file__).parent.glob("*.py"))}


def train_counter(corpus: Corpus) -> Counter[str]:
    """Return how often train has each token (cached).

    Raises:
        UserError: The corpus has no train split, or the cache cannot be written.
    """
    train = corpus.split("train")
    folder = corpus.folder / "-".join(["unicode", *rules().values(), text_code()])

    def count(scratch: Path) -> None:
        counter = Counter(token for text, _ in train for token in segments(text))
        (scratch / "counts.json").write_text(json.dumps(counter), encoding="utf-8")

    cached_folder(folder, count)
    return Counter(json.loads((folder / "counts.json").read_text(encoding="utf-8")))
