"""Tokens of train, pretrained words, sub-words -> the vocabulary: the one file that knows torchtext."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from torchtext.vocab import Vocab

from project.atomic import atomic_folder
from project.errors import UserError
from project.ingest import Corpus
from project.text import SPECIALS


def build_vocabulary(counter: Counter[str], min_freq: int = 1, max_size: int | None = None) -> list[str]:
    """Return the tokens of `counter`, ``<pad>`` and ``<unk>`` first, then by falling frequency, ties alphabetically.

    Args:
        counter: How often the training texts have each token; val and test never shape a vocabulary.
        min_freq: Occurrences that a token needs.
        max_size: Most tokens to keep, not counting the two special ones; None keeps all.
    """
    vocabulary: list[str] = Vocab(counter, max_size=max_size, min_freq=min_freq, specials=list(SPECIALS)).itos
    return vocabulary


def extend_vocabulary(tokens: Sequence[str], pretrained: Iterable[str], limit: int) -> list[str]:
    """Return `tokens` followed by the first `limit` pretrained words that are not among them.

    Pretrained vectors come by falling frequency, so these are the commonest words that train lacks.
    """
    known = set(tokens)
    missing = (word for word in dict.fromkeys(pretrained) if word not in known)
    return [*tokens, *islice(missing, limit)]


def learn_subwords(corpus: Corpus, size: int) -> str:
    """Return the tokenizer.json of a lower-case byte-level BPE of `size` sub-words, learned from train (cached).

    Sennrich et al. (2016), Neural Machine Translation of Rare Words with Subword Units. Bytes leave nothing unknown.

    Raises:
        UserError: `size` is below the 256 bytes, or the corpus has no train split.
    """
    if size < 256:
        raise UserError(f"bpe_size is {size}: set --data.bpe_size to 256 (the bytes) or more")
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

    if not folder.is_dir():
        atomic_folder(folder, learn)
    return (folder / "tokenizer.json").read_text(encoding="utf-8")


def read_subwords(path: Path) -> str:
    """Return the content of a tokenizer.json.

    Raises:
        UserError: There is no such file.
    """
    if not path.is_file():
        raise UserError(f"tokenizer {str(path)!r} is neither words nor bpe nor a tokenizer.json file")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the tokenizer {path}: {error}") from error
