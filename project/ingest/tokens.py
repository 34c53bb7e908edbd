"""A corpus -> token ids on disk, memory-mapped: tokenized once, whatever the vocabulary becomes.

What is kept for words is the position of each token in a table of all different tokens of the corpus. A vocabulary,
also a checkpoint's, is then a look-up table from those positions to its own ids, made in milliseconds.
"""

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset
from tqdm import tqdm

from project.atomic import atomic_folder
from project.batch import EncodedText
from project.ingest.store import Corpus, Split
from project.text import UNK, SubwordTokenizer, Tokenizer, Truncation, basic_english, cut

FORMAT = 1  # of the folder; part of its key
FLUSH_TOKENS = 1_000_000


class EncodedTexts(Dataset[EncodedText]):
    """A split as token ids.

    Args:
        path: Folder and name of the split's files, without their suffixes.
        ids: The final id of each id on disk.
        soft: A teacher's probabilities, (texts, C).
    """

    def __init__(self, path: Path, ids: NDArray[np.int64], soft: NDArray[np.float32] | None = None) -> None:
        self.starts = np.load(path.with_suffix(".starts.npy"))  # (texts + 1,)
        self.labels = np.load(path.with_suffix(".labels.npy"))  # (texts,)
        self._tokens = np.memmap(path.with_suffix(".tokens"), dtype=np.uint32, mode="r")
        self._ids = ids
        self._soft = soft

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens in each text, (texts,)."""
        lengths: NDArray[np.int64] = np.diff(self.starts)
        return lengths

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> EncodedText:
        tokens = self._tokens[self.starts[row] : self.starts[row + 1]]
        soft = None if self._soft is None else torch.from_numpy(np.array(self._soft[row]))
        return EncodedText(row, torch.from_numpy(self._ids[tokens]), int(self.labels[row]), soft)


class EncodedCorpus:
    """All splits of a corpus as positions in a table of its tokens.

    Args:
        folder: Where they are.
        soft: A teacher's probabilities for train, (texts, C).

    Attributes:
        table: Every different token; with a sub-word tokenizer, its vocabulary.
        counts: How often train holds each token of the table.
    """

    def __init__(self, folder: Path, soft: NDArray[np.float32] | None = None) -> None:
        self.folder = folder
        self._soft = soft
        self.table: list[str] = json.loads((folder / "table.json").read_text(encoding="utf-8"))
        self.counts: NDArray[np.int64] = np.load(folder / "counts.npy")

    def train_counter(self) -> Counter[str]:
        """Return how often train holds each of its tokens."""
        return Counter({token: int(n) for token, n in zip(self.table, self.counts, strict=True) if n})

    def texts(self, split: Split, tokenizer: Tokenizer) -> EncodedTexts:
        """Return a split in the ids of `tokenizer`."""
        if isinstance(tokenizer, SubwordTokenizer):
            ids = np.arange(len(self.table))
        else:
            ids = np.array([tokenizer.token_id(token) for token in self.table])
        return EncodedTexts(self.folder / split, ids, self._soft if split == "train" else None)


def encode_corpus(
    corpus: Corpus, max_length: int, truncation: Truncation, subwords: SubwordTokenizer | None = None
) -> EncodedCorpus:
    """Return `corpus` as token ids, tokenizing it where the cache has not got it so.

    Raises:
        UserError: The cache cannot be written.
    """
    settings = [FORMAT, max_length, truncation, subwords.json if subwords is not None else Tokenizer.scheme]
    key = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    folder = corpus.folder / f"tokens-{key}"
    if not folder.is_dir():
        atomic_folder(folder, lambda scratch: _build(corpus, scratch, max_length, truncation, subwords))
    return EncodedCorpus(folder, corpus.soft)


def _build(
    corpus: Corpus, folder: Path, max_length: int, truncation: Truncation, subwords: SubwordTokenizer | None
) -> None:
    if subwords is not None:
        for split in corpus.splits:
            _write(corpus, split, folder, subwords.encode)
        table, counts = subwords.tokens, np.zeros(len(subwords), dtype=np.int64)
    else:
        words = _WordTable(max_length, truncation)
        for split in corpus.splits:
            words.counting = split == "train"
            _write(corpus, split, folder, words.encode)
        table, counts = list(words.positions), np.array(words.counts, dtype=np.int64)
    (folder / "table.json").write_text(json.dumps(table), encoding="utf-8")
    np.save(folder / "counts.npy", counts)


class _WordTable:
    """Gives every new word the next position, and counts those of train."""

    def __init__(self, max_length: int, truncation: Truncation) -> None:
        self.positions: dict[str, int] = {}
        self.counts = array("q")
        self.counting = False
        self._max_length = max_length
        self._truncation: Truncation = truncation

    def encode(self, text: str) -> list[int]:
        words = basic_english(text) or [UNK]  # a text without words is one <unk>
        ids = [self.positions.setdefault(word, len(self.positions)) for word in words]
        self.counts.extend([0] * (len(self.positions) - len(self.counts)))
        if self.counting:
            for word_id in ids:
                self.counts[word_id] += 1
        return cut(ids, self._max_length, self._truncation)


def _write(corpus: Corpus, split: Split, folder: Path, encode: Callable[[str], list[int]]) -> None:
    """Write tokens, starts and labels of one split."""
    path = folder / split
    pending, lengths, labels = array("I"), array("q", [0]), array("q")
    examples = tqdm(corpus.splits[split], desc=f"tokenizing {split}", unit=" texts", unit_scale=True, disable=None)
    with path.with_suffix(".tokens").open("wb") as file:
        for text, label in examples:
            ids = encode(text)
            pending.extend(ids)
            lengths.append(len(ids))
            labels.append(label)
            if len(pending) >= FLUSH_TOKENS:
                pending.tofile(file)
                del pending[:]
        pending.tofile(file)
    np.save(path.with_suffix(".starts.npy"), np.cumsum(lengths))
    np.save(path.with_suffix(".labels.npy"), np.array(labels, dtype=np.int64))
