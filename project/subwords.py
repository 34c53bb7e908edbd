"""Train texts -> byte-pair encoding, or a tokenizer.json as it is, through the `tokenizers` library."""

import sys
from pathlib import Path

from project.atomic import atomic_folder
from project.errors import UserError
from project.ingest.store import Corpus
from project.text import NEEDS_SUBWORDS


def train_bpe(corpus: Corpus, size: int) -> str:
    """Return the tokenizer.json of a lower-case byte-level BPE of `size` sub-words, learned from train (cached).

    Sennrich et al. (2016), Neural Machine Translation of Rare Words with Subword Units. Bytes leave nothing unknown.

    Raises:
        UserError: `size` is below the 256 bytes, the corpus has no train split, or the library is missing.
    """
    if size < 256:
        raise UserError(f"bpe_size is {size}: set --data.bpe_size to 256 (the bytes) or more")
    train = corpus.split("train")
    folder = corpus.folder / f"bpe-{size}"

    def learn(scratch: Path) -> None:
        try:
            from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
        except ImportError as error:
            raise UserError(NEEDS_SUBWORDS) from error
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
