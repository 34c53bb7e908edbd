"""A corpus -> its tokens on disk, memory-mapped: tokenized once, whatever the vocabulary becomes.

What is kept is the position of each token in a table of all different tokens of the corpus. A vocabulary, also that of
a checkpoint, is then a look-up table from those positions to its own ids, made in milliseconds.
"""

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from project.atomic import cached_folder
from project.ingest.corpus import Corpus
from project.ingest.source import Split

SplitText = Callable[[str], Sequence[str]]
Cut = Callable[[list[int]], list[int]]


class SplitTokens(NamedTuple):
    """A split as positions in `EncodedCorpus.table`.

    Attributes:
        starts: The first token of each text and the end of the last, (texts + 1,).
        labels: Index of each text's class, or NO_LABEL, (texts,).
        tokens: The tokens of all texts, one after the other, memory-mapped.
        soft_targets: Probability of each class, (texts, C); in train alone, if the corpus has them.
    """

    starts: NDArray[np.int64]
    labels: NDArray[np.int64]
    tokens: NDArray[np.uint32]
    soft_targets: NDArray[np.float32] | None


class EncodedCorpus:
    """All splits of a corpus as positions in a table of its tokens.

    Args:
        corpus: What was encoded.
        folder: Where its tokens are.

    Attributes:
        table: Every different token.
        counts: How often train holds each token of the table, before texts are cut.
    """

    def __init__(self, corpus: Corpus, folder: Path) -> None:
        self.folder, self._corpus = folder, corpus
        self.table: list[str] = json.loads((folder / "table.json").read_text(encoding="utf-8"))
        self.counts: NDArray[np.int64] = np.load(folder / "counts.npy")

    def train_counter(self) -> Counter[str]:
        """Return how often train holds each of its tokens."""
        return Counter({token: int(n) for token, n in zip(self.table, self.counts, strict=True) if n})

    def split(self, name: Split) -> SplitTokens:
        """Return the tokens of one split.

        Raises:
            UserError: The corpus has no such split, or it is empty.
        """
        self._corpus.split(name)
        starts, labels = (np.load(self.folder / f"{name}.{each}.npy") for each in ("starts", "labels"))
        tokens = np.memmap(self.folder / f"{name}.tokens", dtype=np.uint32, mode="r")
        return SplitTokens(starts, labels, tokens, self._corpus.soft_targets if name == "train" else None)


def encode_corpus(corpus: Corpus, split_text: SplitText, cut: Cut, key: str) -> EncodedCorpus:
    """Return `corpus` as tokens, tokenizing it if the cache does not hold it.

    Args:
        corpus: The texts.
        split_text: Returns at least one token for any text.
        cut: Returns which tokens of a text are kept, at least one.
        key: Identifies `split_text` and `cut`, and the code of both.

    Raises:
        UserError: The cache cannot be written.
    """
    folder = corpus.folder / f"tokens-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    cached_folder(folder, lambda scratch: _build(corpus, scratch, split_text, cut))
    return EncodedCorpus(corpus, folder)


def _build(corpus: Corpus, folder: Path, split_text: SplitText, cut: Cut) -> None:
    table: dict[str, int] = {}
    counter: Counter[str] = Counter()
    for split, examples in corpus.splits.items():
        starts, labels = array("q", [0]), array("q")
        with (folder / f"{split}.tokens").open("wb") as file:
            for text, label in tqdm(examples, f"tokenizing {split}", unit=" texts", unit_scale=True, disable=None):
                tokens = split_text(text)
                counter.update(tokens if split == "train" else ())
                kept = array("I", cut([table.setdefault(token, len(table)) for token in tokens]))
                kept.tofile(file)
                starts.append(starts[-1] + len(kept))
                labels.append(label)
        np.save(folder / f"{split}.starts.npy", np.array(starts, dtype=np.int64))
        np.save(folder / f"{split}.labels.npy", np.array(labels, dtype=np.int64))
    (folder / "table.json").write_text(json.dumps(list(table)), encoding="utf-8")
    np.save(folder / "counts.npy", np.array([counter[token] for token in table], dtype=np.int64))
