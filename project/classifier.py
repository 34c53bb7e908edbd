"""Packed batches -> loss, metrics and optimizer steps: the LightningModule around the network."""

from pathlib import Path
from typing import Any, Literal

import lightning as L
import torch
from lightning.pytorch.utilities import rank_zero_only
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassConfusionMatrix

from project.addons.ensemble.members import NOT_TRAINED, Ensemble, build_network, is_ensemble
from project.batch import Batch
from project.checkpoint import FORMAT, KEY, ModelState, package_versions
from project.encoder import InitialState, Merge, Pooling
from project.errors import UserError
from project.head import weighted_cross_entropy
from project.metrics import build_metrics
from project.model.adversarial import perturbed
from project.network import SentimentNetwork
from project.packed_rnn.recurrence import Cell, RecurrencePath
from project.pretrained import check_unread, load_pretrained, read_pretrained
from project.schedule import linear_schedule


class SentimentClassifier(L.LightningModule):
    """A BiLSTM text classifier.

    Its network is built in `setup`, when the data module knows the vocabulary and the classes, or from a checkpoint,
    which holds both. Plain hyperparameters are all that it takes.

    Args:
        embedding_dim: E; with pretrained vectors, theirs.
        hidden_size: H, per direction.
        num_layers: L.
        dropout: Between layers, and on the features.
        embedding_dropout: On the numbers of the embeddings.
        word_dropout: Share of tokens that training reads as ``<unk>`` (Iyyer et al. 2015).
        wide_buckets: Buckets of a bag of words and pairs beside the encoder, see `NGramBag`; 0 for none.
        wide_learning_rate: Peak of its schedule.
        wide_weight_decay: AdamW's, on its weights.
        learning_rate: Peak of the schedule.
        embedding_learning_rate: Likewise of the word vectors; the same where none is given.
        weight_decay: AdamW's, on weight matrices other than the embedding.
        warmup: Share of the optimizer steps in which the learning rate rises linearly; it then falls linearly to 0.
        label_smoothing: Share of each label that is spread over all classes in training (Szegedy et al. 2016).
        adversarial: Length of the adversarial perturbation of the embeddings, see `project.model.adversarial`; 0 for
            none. A step then has two passes forward and three backward.
        class_weights: Weight of each class in the loss, or "balanced" for the inverse of its frequency in train.
        cell: lstm, gru, rnn_tanh or rnn_relu.
        bidirectional: Whether a second direction reads each text from its end.
        bias: Whether the gates have biases.
        proj_size: Size to which an LSTM projects its h (less than hidden_size); 0 for none.
        merge: How the two directions become one vector: concat, sum, mean or product.
        pooling: What a text's feature is: its last states, or mean, max or attention over its tokens.
        initial_state: zeros, or learned.
        recurrence: How the network is computed, with the same result: packed is torch's way, padded and parallel are
            faster on a CPU, lean is parallel in less memory, auto chooses for each batch.
        pretrained: File of `sentiment pretrain`, whose word vectors and recurrent network training starts from.
    """

    def __init__(
        self,
        embedding_dim: int = 50,
        hidden_size: int = 128,
        num_layers: int = 1,
        dropout: float = 0.5,
        embedding_dropout: float = 0.5,
        word_dropout: float = 0.0,
        wide_buckets: int = 0,
        wide_learning_rate: float = 0.02,
        wide_weight_decay: float = 0.1,
        learning_rate: float = 2e-3,
        embedding_learning_rate: float | None = None,
        weight_decay: float = 0.01,
        warmup: float = 0.1,
        label_smoothing: float = 0.0,
        adversarial: float = 0.0,
        class_weights: Literal["balanced"] | list[float] | None = None,
        cell: Cell = "lstm",
        bidirectional: bool = True,
        bias: bool = True,
        proj_size: int = 0,
        merge: Merge = "concat",
        pooling: Pooling = "last",
        initial_state: InitialState = "zeros",
        recurrence: RecurrencePath = "auto",
        pretrained: str | None = None,
    ) -> None:
        super().__init__()
        for name, size in (("embedding_dim", embedding_dim), ("hidden_size", hidden_size), ("num_layers", num_layers)):
            if size < 1:
                raise UserError(f"{name} is {size}: set --model.{name}=1 or more")
        shares = {"dropout": dropout, "embedding_dropout": embedding_dropout, "word_dropout": word_dropout}
        shares["label_smoothing"] = label_smoothing
        for name, share in shares.items():
            if not 0 <= share < 1:
                raise UserError(f"{name} is {share}: set --model.{name} to at least 0 and less than 1")
        if not 0 <= warmup <= 1:
            raise UserError(f"warmup is {warmup}: set --model.warmup to a share of the steps, from 0 to 1")
        if proj_size and (cell != "lstm" or not 0 < proj_size < hidden_size):
            raise UserError(
                f"proj_size is {proj_size}: only an LSTM projects, to less than its hidden_size; "
                f"set --model.proj_size below {hidden_size}, or 0"
            )
        if learning_rate <= 0:
            raise UserError(f"learning_rate is {learning_rate}: set --model.learning_rate above 0")
        at_least_0 = {
            "embedding_learning_rate": embedding_learning_rate or 0,
            "adversarial": adversarial,
            "wide_buckets": wide_buckets,
            "wide_learning_rate": wide_learning_rate,
            "wide_weight_decay": wide_weight_decay,
        }
        for name, value in at_least_0.items():
            if value < 0:
                raise UserError(f"{name} is {value}: set --model.{name} to 0 or more")
        self.save_hyperparameters()
        self.network: SentimentNetwork | Ensemble
        self.state: ModelState | None = None

    def setup(self, stage: str) -> None:
        """Build the network for the data module's vocabulary and classes, unless it stands already.

        Raises:
            UserError: Vectors, class weights or the pretrained file do not fit.
        """
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined] # the Trainer sets it before this hook
        if self.state is not None:
            return
        network = self.build_for(data)
        if stage == "fit":
            if self.hparams["pretrained"] is not None and not data.adopted:  # a resumed run goes on from its checkpoint
                pretrained = read_pretrained(Path(self.hparams["pretrained"]))
                check_unread(pretrained, data.corpus)
                load_pretrained(pretrained, network, data.tokenizer.state())
            self._report_size()
            self.loss.weight = self._class_weights(data.class_counts())

    def build_for(self, data: Any) -> SentimentNetwork:
        """Make loss, metrics and a fresh network for the vocabulary and classes of a `SentimentDataModule`; return it.

        Raises:
            UserError: Its vectors do not fit.
        """
        self.build(
            ModelState(
                format=FORMAT,
                network={
                    "vocab_size": len(data.tokenizer),
                    "num_classes": len(data.label_names),
                    "num_frozen": data.num_frozen,
                    **{name: self.hparams[name] for name in NETWORK_ARGUMENTS},
                },
                tokenizer=data.tokenizer.state(),
                label_names=list(data.label_names),
                threshold=0.5,
                temperature=1.0,
                corpus=data.corpus_name,
                fingerprint=data.corpus.fingerprint,
                versions=package_versions(),
            )
        )
        assert isinstance(self.network, SentimentNetwork)
        if data.pretrained is not None:
            self.network.embedding.load_pretrained(*data.pretrained)
        return self.network

    def build(self, state: ModelState) -> None:
        """Make network, loss and metrics for the vocabulary and classes that `state` names."""
        self.state = state
        classes = len(state["label_names"])
        self.network = build_network(state["network"])
        self.loss = nn.CrossEntropyLoss(weight=torch.ones(classes))
        self.train_metrics = build_metrics(classes, "train/")
        self.val_metrics = build_metrics(classes, "val/")
        self.test_metrics = build_metrics(classes, "test/")
        self.confusion_matrix = MulticlassConfusionMatrix(classes)

    @rank_zero_only
    def _report_size(self) -> None:
        parts = ["embedding", "encoder", "classifier"] + ["wide"] * bool(self.hparams["wide_buckets"])
        sizes = [sum(p.numel() for p in getattr(self.network, part).parameters()) for part in parts]
        each = ", ".join(f"{size:,} {part}" for size, part in zip(sizes, parts, strict=True))
        print(f"network: {sum(sizes):,} trained parameters ({each})")

    def _class_weights(self, counts: list[int]) -> Tensor:
        """Return the weights (C,) for classes with `counts` training texts."""
        chosen = self.hparams["class_weights"]
        if chosen is None:
            return torch.ones(len(counts))
        if chosen == "balanced":
            return sum(counts) / (len(counts) * torch.tensor(counts, dtype=torch.float).clamp(min=1))
        if len(chosen) != len(counts) or min(chosen) < 0:
            raise UserError(f"class_weights are {chosen}: give {len(counts)} numbers of at least 0, one per class")
        return torch.tensor(chosen, dtype=torch.float)

    def forward(self, token_ids: PackedSequence) -> Tensor:
        """Return logits (B, C) for packed `token_ids`, whose data is (N,)."""
        logits: Tensor = self.network(token_ids)
        return logits

    def _count(self, batch: Batch, logits: Tensor, metrics: MetricCollection) -> Tensor:
        """Return the class probabilities (B, C) of `logits` (B, C), having counted them and their loss.

        The loss is that against a teacher's probabilities where there are some; the metrics compare with labels.
        """
        loss = weighted_cross_entropy(logits.detach(), batch.targets, self.loss.weight)  # ()
        probabilities = logits.detach().float().softmax(1)  # (B, C)
        metrics.update(probabilities, batch.labels)
        self.log(f"{metrics.prefix}loss", loss, on_step=False, on_epoch=True, batch_size=batch.size)
        return probabilities

    def training_step(self, batch: Batch) -> Tensor:
        """Return the loss of one batch, () with the gradient's graph."""
        assert isinstance(self.network, SentimentNetwork)  # `configure_optimizers` refuses an ensemble
        embedded = self.network.embed(batch.token_ids)  # data (N, E)
        wide = self.network.wide_logits(batch.token_ids)  # (B, C)
        logits = self.network.classify(embedded) + wide  # (B, C)
        self._count(batch, logits, self.train_metrics)
        loss = self._smoothed(logits, batch.targets)
        if self.hparams["adversarial"]:
            worst = perturbed(embedded, loss, self.hparams["adversarial"])
            loss = loss + self._smoothed(self.network.classify(worst) + wide, batch.targets)
        return loss

    def _smoothed(self, logits: Tensor, targets: Tensor) -> Tensor:
        return weighted_cross_entropy(logits, targets, self.loss.weight, self.hparams["label_smoothing"])

    def on_train_epoch_end(self) -> None:
        """Log what the epoch's batches, dropout included, add up to."""
        self.log_dict(self.train_metrics)  # Lightning computes and resets the collection

    def validation_step(self, batch: Batch) -> None:
        """Count one batch of val."""
        self._count(batch, self(batch.token_ids), self.val_metrics)

    def on_validation_epoch_end(self) -> None:
        """Log the figures of the val split."""
        self.log_dict(self.val_metrics, prog_bar=True)

    def test_step(self, batch: Batch) -> dict[str, Tensor]:
        """Count one batch of test; return the rows (B,) of its texts, and whether each was right (B,)."""
        probabilities = self._count(batch, self(batch.token_ids), self.test_metrics)
        self.confusion_matrix.update(probabilities, batch.labels)
        return {"rows": batch.rows, "right": probabilities.argmax(1) == batch.labels}

    def on_test_epoch_end(self) -> None:
        """Log the figures of the test split; the confusion matrix is for `TestReport` to read."""
        self.log_dict(self.test_metrics)

    def predict_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the rows (B,) of the batch's texts in their split, and their class probabilities (B, C)."""
        assert self.state is not None
        return batch.rows, (self(batch.token_ids).float() / self.state["temperature"]).softmax(1)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW (Loshchilov and Hutter 2019) with a learning rate that changes at every optimizer step.

        Raises:
            UserError: The network is an ensemble.
        """
        if isinstance(self.network, Ensemble):
            raise UserError(f"the checkpoint is {NOT_TRAINED}")
        embedding = list(self.network.embedding.parameters())
        wide = [] if self.network.wide is None else list(self.network.wide.parameters())
        others = [p for name, p in self.network.named_parameters() if not name.startswith(("embedding.", "wide."))]
        rate, own = self.hparams["learning_rate"], self.hparams["embedding_learning_rate"]
        bag = {"lr": self.hparams["wide_learning_rate"], "weight_decay": self.hparams["wide_weight_decay"]}
        optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in others if p.ndim > 1], "weight_decay": self.hparams["weight_decay"]},
                {"params": [p for p in others if p.ndim <= 1], "weight_decay": 0.0},
                {"params": embedding, "weight_decay": 0.0, "lr": rate if own is None else own},
                *([{"params": wide, **bag}] if wide else []),
            ],
            lr=rate,
        )
        return linear_schedule(optimizer, self.trainer.estimated_stepping_batches, self.hparams["warmup"])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Make the checkpoint the whole model."""
        checkpoint[KEY] = self.state

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the network that the checkpoint's weights fit.

        Raises:
            UserError: The data module has another vocabulary or other labels than the checkpoint.
        """
        state: ModelState = checkpoint[KEY]
        if self.state is None:
            self.build(state)
            return
        if any(self.state[key] != state[key] for key in ("tokenizer", "label_names")):
            raise UserError(
                "the checkpoint has another vocabulary or other labels than the data module: "
                "call datamodule.adopt(...) with the checkpoint's before the Trainer"
            )
        if is_ensemble(state["network"]):  # `setup` could build none
            self.build(state)
        self.state["threshold"], self.state["temperature"] = state["threshold"], state["temperature"]


NETWORK_ARGUMENTS = (
    *("embedding_dim", "hidden_size", "num_layers", "dropout", "embedding_dropout", "word_dropout", "wide_buckets"),
    *("cell", "bidirectional", "bias", "proj_size", "merge", "pooling", "initial_state", "recurrence"),
)
