"""Token ids -> padded -> packed `Batch`; it and `DataFacts` are all that data and model share.

Shape letters, here and everywhere: B texts in a batch, T time steps of the longest, N tokens in a packed batch,
E embedding, H hidden, L layers, D directions, C classes, V vocabulary.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_sequence
from torch.utils.data import Dataset

from project.decision import Labels
from project.ingest import Corpus, SplitTokens
from project.text import PAD_ID, Tokenizer


class Batch(NamedTuple):
    """A batch of B texts.

    `token_ids` is packed: its `data` (N,) holds the real tokens alone, so padding is never embedded, and its
    `batch_sizes` (T,) stays on the CPU wherever the batch goes, as PyTorch's recurrent layers demand.
    """

    token_ids: PackedSequence
    labels: Tensor  # (B,) int64
    rows: Tensor  # (B,) int64
    soft_targets: Tensor | None = None  # (B, C) float32; in train, if the corpus has them; always if labels=any

    def to(self, device: torch.device) -> "Batch":
        """Copy to a device, without waiting if memory is pinned; Lightning would wait for a PackedSequence."""
        on_cuda = device.type == "cuda"  # on MPS such copies are wrong (pytorch#83015)
        return Batch(*(part if part is None else part.to(device, non_blocking=on_cuda) for part in self))  # type: ignore[arg-type]

    @property
    def targets(self) -> Tensor:
        """What the loss compares with: soft targets (B, C) if there are any, else the labels (B,)."""
        return self.labels if self.soft_targets is None else self.soft_targets


class DataFacts(NamedTuple):
    """What a model must know of its data before it can be built.

    Attributes:
        tokenizer: Its vocabulary has V entries.
        label_names: The C classes.
        class_counts: How many texts of train each class has.
        num_frozen: How many words at the end of the vocabulary keep their pretrained vectors.
        pretrained: Vectors of the vocabulary, (V, E), and which words have one, (V,) bool; None for random ones.
        corpus: Where the texts come from.
        labels: Whether a text has one of the classes, or any number of them.
        least: The fewest labels that a text of train has, 0 or 1.
    """

    tokenizer: Tokenizer
    label_names: Sequence[str]
    class_counts: Sequence[int] = ()
    num_frozen: int = 0
    pretrained: tuple[Tensor, Tensor] | None = None
    corpus: Corpus | None = None
    labels: Labels = "one"
    least: int = 0


def pack(token_ids: Sequence[Tensor]) -> PackedSequence:
    """Pad, then pack B tensors of token ids, each (length,); `data` of the result is (N,).

    Raises:
        ValueError: A text has no token: there is no last state to classify.
    """
    lengths = [len(ids) for ids in token_ids]
    if min(lengths) < 1:
        raise ValueError("a text without tokens cannot be packed; the tokenizer gives it one <unk>")
    padded = pad_sequence(list(token_ids), batch_first=True, padding_value=PAD_ID)  # (B, T)
    return pack_padded_sequence(padded, torch.tensor(lengths), batch_first=True, enforce_sorted=False)


class EncodedTexts(Dataset[Batch]):
    """A split as token ids, from which a loader takes a whole batch at once.

    Args:
        split: Its tokens, as positions in a table of all tokens of the corpus.
        ids: The token id of each position in that table.
        members: Which classes are in which answer, see `Corpus`.
    """

    def __init__(self, split: SplitTokens, ids: NDArray[np.int64], members: NDArray[np.float32] | None = None) -> None:
        self._split, self._ids, self._members = split, ids, members
        self.labels = split.labels  # (texts,)
        self.lengths: NDArray[np.int64] = np.diff(split.starts)  # (texts,)

    def __len__(self) -> int:
        return len(self.labels)

    def class_counts(self, num_classes: int) -> list[int]:
        """Return how many of the texts have each class."""
        members = np.eye(num_classes) if self._members is None else self._members
        return (np.bincount(self.labels, minlength=len(members)) @ members).astype(int).tolist()  # type: ignore[no-any-return]

    @property
    def least(self) -> int:
        """1 if texts may have any number of classes and each has at least one, else 0."""
        return 0 if self._members is None else int(self._members[self.labels].any(1).all())

    def share_of(self, token_id: int) -> float:
        """Return the share of all tokens that have this id."""
        return float((self._ids[self._split.tokens] == token_id).mean())

    def __getitems__(self, rows: list[int]) -> Batch:
        split, labels, lengths = self._split, self.labels[rows].astype(np.int64), self.lengths[rows]  # (B,)
        steps = np.arange(lengths.max())  # (T,)
        cells = np.minimum(split.starts[rows][:, None] + steps, len(split.tokens) - 1)  # (B, T)
        padded = np.where(steps < lengths[:, None], self._ids[split.tokens[cells]], PAD_ID)  # (B, T)
        both = torch.from_numpy(padded), torch.from_numpy(lengths)
        packed = pack_padded_sequence(*both, batch_first=True, enforce_sorted=False)
        table, places = (self._members, labels) if split.soft_targets is None else (split.soft_targets, rows)
        targets = None if table is None else torch.from_numpy(np.array(table[places]))
        return Batch(packed, torch.from_numpy(labels), torch.tensor(rows), targets)


def neighbours(batch_sizes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the positions of adjacent tokens of a packed batch, the left and the right of each pair, (N - B,) each.

    Args:
        batch_sizes: How many texts reach each time step, (T,), as in a PackedSequence; on the CPU, as is the result.
    """
    right = torch.arange(int(batch_sizes[0]), int(batch_sizes.sum()))  # every token but the first of each text
    return right - batch_sizes[:-1].repeat_interleave(batch_sizes[1:]), right
