"""Train, or a tokenizer.json -> sub-words and their ids, through the `tokenizers` library."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from project.atomic import cached_folder
from project.errors import UserError
from project.ingest import Corpus
from project.text import SPECIALS, UNK, Tokenizer, TokenizerState, Truncation

MOST = 1_000_000  # sub-words: the library reserves their memory before it learns the first


class SubwordTokenizer(Tokenizer):
    """Turns text into the ids of its sub-words, following a tokenizer.json of the `tokenizers` library.

    Its pieces come after ``<pad>`` and ``<unk>`` in the vocabulary; special tokens that the file would add are left
    out.

    Args:
        json: Content of the file.
        max_length: Maximum number of tokens in a text; longer texts are truncated.
        truncation: Which tokens of a longer text are kept: head, tail or head+tail.

    Raises:
        UserError: The content is no tokenizer.
    """

    scheme = "subwords"

    def __init__(self, json: str, max_length: int = 256, truncation: Truncation = "head") -> None:
        from tokenizers import Tokenizer as Subwords  # imported on use: words do not need it

        try:
            self._subwords = Subwords.from_str(json)
        except Exception as error:  # the library raises Exception itself
            raise UserError(f"not a tokenizer.json of the tokenizers library: {str(error).splitlines()[0]}") from error
        self._subwords.no_padding()
        self._subwords.no_truncation()
        self.json = json
        pieces = [self._subwords.id_to_token(i) or f"<gap {i}>" for i in range(self._subwords.get_vocab_size())]
        super().__init__([*SPECIALS, *(f"<{p}>" if p in SPECIALS else p for p in pieces)], max_length, truncation)

    @classmethod
    def for_corpus(cls, corpus: Callable[[], Corpus], options: Mapping[str, Any]) -> "SubwordTokenizer":
        """Return the tokenizer that ``bpe`` learns from train, or that of a tokenizer.json.

        Args:
            corpus: Loads it.
            options: Of the data module.

        Raises:
            UserError: It cannot be learned, or the file cannot be read.
        """
        name = options["tokenizer"]
        content = learn_subwords(corpus(), options["bpe_size"]) if name == "bpe" else read_subwords(Path(name))
        return cls(content, options["max_length"], options["truncation"])

    def split(self, text: str) -> list[str]:
        """Return the sub-words of `text`, at least one: a text without any is one ``<unk>``."""
        pieces = self._subwords.encode(text, add_special_tokens=False).ids
        return [self.tokens[len(SPECIALS) + piece] for piece in pieces] or [UNK]

    def state(self) -> TokenizerState:
        """Return the tokenizer as plain types."""
        return super().state() | {"tokens": []}


def learn_subwords(corpus: Corpus, size: int) -> str:
    """Return the tokenizer.json of a lower-case byte-level BPE of `size` sub-words, learned from train (cached).

    Sennrich et al. (2016), Neural Machine Translation of Rare Words with Subword Units. Bytes leave nothing unknown.

    Raises:
        UserError: `size` is below the 256 bytes, or out of reason, or the corpus has no train split.
    """
    if not 256 <= size <= MOST:
        raise UserError(f"bpe_size is {size}: set --data.bpe_size to 256 (the bytes) or more, {MOST:,} at most")
    train = corpus.split("train")
    folder = corpus.folder / f"bpe-{size}"

    def learn(scratch: Path) -> None:
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE())
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=sys.stderr.isatty())
        tokenizer.train_from_iterator((text for text, _ in train), trainer, length=len(train))
        tokenizer.save(str(scratch / "tokenizer.json"))

    cached_folder(folder, learn)
    return (folder / "tokenizer.json").read_text(encoding="utf-8")


def read_subwords(path: Path) -> str:
    """Return the content of a tokenizer.json.

    Raises:
        UserError: There is no such file.
    """
    if not path.is_file():
        raise UserError(f"tokenizer {str(path)!r} does not exist: give words, bpe, or a tokenizer.json file")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the tokenizer {path}: {error}") from error
