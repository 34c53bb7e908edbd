"""Packed batches -> loss, metrics and optimizer steps: the LightningModule around the network."""

import math
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from project.batch import Batch, DataFacts
from project.checkpoint import FORMAT, KEY, PACKAGES, ModelState
from project.decision import Decision
from project.encoder import BiLSTMEncoder, Encoder, encoder_state
from project.errors import UserError
from project.head import Figures, balanced_weights
from project.network import NetworkState, build_network, network_shapes, network_state
from project.registry import find, load
from project.text import TokenizerState
from project.trainer import linear_schedule

# hyperparameters that do not shape the network
TRAINING = ["learning_rate", "weight_decay", "warmup", "label_smoothing", "class_weights", "init_from"]

SHARES = ("dropout", "embedding_dropout", "label_smoothing")
LIMITS = dict.fromkeys(SHARES, "at least 0 and less than 1")
LIMITS |= {"embedding_dim": "1 or more", "learning_rate": "above 0", "warmup": "0 to 1", "weight_decay": "0 or more"}


class SentimentClassifier(L.LightningModule):
    """A BiLSTM text classifier.

    Its network is built in `setup`, when the data module knows the vocabulary and the classes, or from a checkpoint,
    which has both. It takes only plain hyperparameters.

    Args:
        encoder: Turns a text's word vectors into its features: BiLSTMEncoder, CNNEncoder, or your subclass of Encoder.
        embedding_dim: Size of a word vector (E); has to match the pretrained vectors, if there are any.
        dropout: Dropout probability on the features.
        embedding_dropout: Dropout probability on the elements of the word vectors.
        learning_rate: Peak learning rate of the schedule.
        weight_decay: AdamW's weight decay, on weight matrices other than the embedding.
        warmup: Share of the optimizer steps in which the learning rate rises linearly; it then falls linearly to 0.
        label_smoothing: Share of each label that is spread over all classes in training (Szegedy et al. 2016); soft
            targets stay as they are.
        class_weights: balanced weights each class in the loss by the inverse of its frequency in train; null: all 1.
        network: Name of the network: SentimentNetwork, or one that an add-on brings.
        network_options: Options of that network, by name.
        init_from: A .pt file to start training from: weights, by name and shape, and word vectors.
    """

    network: nn.Module
    state: ModelState | None = None
    optimizer: dict[str, Any] = {}  # noqa: RUF012 # never changed in place; what replaces AdamW and its schedule, by name

    def __init__(
        self,
        encoder: Callable[[int], Encoder] = BiLSTMEncoder,
        embedding_dim: int = 50,
        dropout: float = 0.5,
        embedding_dropout: float = 0.5,
        learning_rate: float = 4e-3,
        weight_decay: float = 0.01,
        warmup: float = 0.1,
        label_smoothing: float = 0.1,
        class_weights: Literal["balanced"] | None = None,
        network: str = "SentimentNetwork",
        network_options: dict[str, Any] | None = None,
        init_from: str | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore="encoder")
        limits = {"embedding_dim": embedding_dim >= 1, "learning_rate": 0 < learning_rate < math.inf}
        limits |= {"warmup": 0 <= warmup <= 1, "weight_decay": 0 <= weight_decay < math.inf}
        shares = {name: 0 <= self.hparams[name] < 1 for name in SHARES}
        for name, fits in (limits | shares).items():
            if not fits:
                raise UserError(f"{name} is {self.hparams[name]}: --model.{name} should be {LIMITS[name]}")
        self.hparams.pop("_instantiator", None)  # the command line's: what is left are plain values
        self.hparams["encoder"] = encoder_state(encoder)
        network_shapes(self._network_state(vocab_size=3, num_classes=2))  # refuses options before any data is read

    def setup(self, stage: str) -> None:
        """Build the network for the data module's vocabulary and classes, unless there is one.

        Raises:
            UserError: The data has another vocabulary or other classes than the model, or vectors that do not fit.
        """
        # buffers are equal in all processes: syncing them would wait for those with fewer batches to measure
        self._ddp_params_and_buffers_to_ignore = [name for name, _ in self.named_buffers()]
        if self.trainer.strategy.root_device.type == "cuda":
            torch.set_float32_matmul_precision("high")  # TF32, as cuDNN's recurrent layers have it anyway
        data: Any = getattr(self.trainer, "datamodule", None)
        if self.state is not None:
            if data is not None:
                self._check_words(data.tokenizer.state(), data.label_names, data.options.labels)
        elif data is not None:
            self.build_for(data.facts())
        else:
            raise UserError("without a data module the model knows no vocabulary: call model.build_for(DataFacts(...))")

    def _check_words(self, tokenizer: TokenizerState, label_names: Sequence[str], labels: str) -> None:
        assert self.state is not None
        own, other = ({**each, "code": ""} for each in (self.state["tokenizer"], tokenizer))
        if own != other or (self.state["label_names"], self.decision.labels) != (list(label_names), labels):
            raise UserError("data and checkpoint differ in vocabulary or labels: use load_from_checkpoint first")

    def build_for(self, facts: DataFacts) -> None:
        """Make loss, metrics and a fresh network for the data that `facts` describes.

        Raises:
            UserError: Its vectors or the file to start from do not fit.
        """
        tokenizer, names, corpus = facts.tokenizer, list(facts.label_names), facts.corpus
        state = ModelState(
            format=FORMAT,
            network=self._network_state(vocab_size=len(tokenizer), num_classes=len(names), num_frozen=facts.num_frozen),
            tokenizer=tokenizer.state(),
            label_names=names,
            decision=Decision(tuple(names), labels=facts.labels, least=facts.least).state(),
            corpus=corpus.name if corpus else "",
            fingerprint=corpus.fingerprint if corpus else "",
            versions={name: version(name) for name in PACKAGES},
        )
        self.build(state)
        if facts.pretrained is not None:
            self.network.get_submodule("embedding").load_pretrained(*facts.pretrained)  # type: ignore[operator]
        if self.hparams["class_weights"] == "balanced":
            self.loss.weight = balanced_weights(facts.class_counts)
        if (path := self.hparams["init_from"]) is not None:
            find("START", "FILE", "--model.init_from", "random weights")(Path(path), self.network, facts)

    def _network_state(self, **sizes: int) -> NetworkState:
        arguments = {name: value for name, value in self.hparams.items() if name not in TRAINING}
        name, options = arguments.pop("network"), arguments.pop("network_options") or {}
        return network_state(name, arguments | options | sizes)

    @property
    def decision(self) -> Decision:
        """What the logits mean."""
        assert self.state is not None, "there is no network yet"
        return Decision(tuple(self.state["label_names"]), **self.state["decision"])

    def build(self, state: ModelState) -> None:
        """Make network, loss and metrics for the vocabulary and classes that `state` names."""
        self.state = state
        classes = len(state["label_names"])
        self.network = build_network(state["network"])
        self.loss = nn.CrossEntropyLoss(weight=torch.ones(classes))
        labels, splits = self.decision.labels, ("train/", "val/", "test/")
        figures = Figures if labels == "one" else load(find("LABELS", labels, f"labels={labels}", "one").figures)
        self.train_figures, self.val_figures, self.test_figures = (figures(classes, prefix) for prefix in splits)

    def forward(self, token_ids: PackedSequence) -> Tensor:
        """Return logits (B, C) for packed `token_ids`, whose data is (N,)."""
        logits: Tensor = self.network(token_ids)
        return logits

    def _log(self, figures: Figures, shown: bool = False) -> None:
        """Log what a split's batches add up to; Lightning computes and resets the metrics."""
        figures.count(self.loss.weight, self.decision)
        for metrics in (figures.of_labels, figures.of_probabilities):
            self.log_dict(metrics, prog_bar=shown)
        self.log(f"{figures.of_labels.prefix}loss", figures.loss, prog_bar=shown)
        if self.decision.abstain_below:
            self.log(f"{figures.of_labels.prefix}answered", figures.answered, prog_bar=shown)

    def training_step(self, batch: Batch) -> Tensor:
        """Return the loss of one batch, () with the gradient's graph."""
        logits = self(batch.token_ids)  # (B, C)
        self.train_figures.add(logits, batch, self.loss.weight, self.decision)
        smoothing = self.hparams["label_smoothing"] if batch.soft_targets is None else 0.0
        return self.train_figures.loss_of(logits, batch.targets, self.loss.weight, smoothing)

    def on_train_epoch_end(self) -> None:
        """Log the figures of train, measured with dropout."""
        self._log(self.train_figures)

    def validation_step(self, batch: Batch) -> dict[str, Tensor]:
        """Keep one batch of val; see `_measure`."""
        return self._measure(batch, self.val_figures)

    def on_validation_epoch_end(self) -> None:
        """Log the figures of the val split."""
        self._log(self.val_figures, shown=True)

    def test_step(self, batch: Batch) -> dict[str, Tensor]:
        """Keep one batch of test; see `_measure`."""
        return self._measure(batch, self.test_figures)

    def _measure(self, batch: Batch, figures: Figures) -> dict[str, Tensor]:
        """Keep a batch; return, for callbacks, its rows (B,), its labels (B,) and the network's logits (B, C)."""
        logits = self(batch.token_ids)  # (B, C)
        figures.add(logits, batch, self.loss.weight, self.decision)
        return {"rows": batch.rows, "labels": batch.labels, "logits": logits.float()}

    def on_test_epoch_end(self) -> None:
        """Log the figures of the test split."""
        self._log(self.test_figures)

    def predict_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the rows (B,) of the batch's texts in their split, and their logits (B, C)."""
        return batch.rows, self(batch.token_ids).float()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW (Loshchilov and Hutter 2019) with a learning rate that changes at every optimizer step.

        Raises:
            UserError: The network cannot be trained.
        """
        groups = self.network.parameter_groups(self.hparams["weight_decay"])  # type: ignore[operator]
        fused = not self.trainer.precision.endswith("mixed")  # Lightning clips no gradients for such an optimizer then
        optimizer = torch.optim.AdamW(groups, lr=self.hparams["learning_rate"], fused=fused)
        return linear_schedule(optimizer, self.trainer.estimated_stepping_batches, self.hparams["warmup"])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Make the checkpoint the whole model."""
        checkpoint |= {KEY: self.state, "optimizer": self.optimizer}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the network that the checkpoint's weights fit.

        Raises:
            UserError: This model has another vocabulary, other labels or another network.
        """
        state: ModelState = checkpoint[KEY]
        self._check_options(checkpoint[self.CHECKPOINT_HYPER_PARAMS_KEY], state["network"])
        if self.state is not None:
            self._check_words(state["tokenizer"], state["label_names"], state["decision"].get("labels", "one"))
        if self.state is None or state["network"] != self.state["network"]:  # one that our options do not describe
            self.build(state)
        self.state["decision"] = state["decision"]  # type: ignore[index] # build has set it
        old, new = (each["learning_rate"] for each in (checkpoint[self.CHECKPOINT_HYPER_PARAMS_KEY], self.hparams))
        for schedule in checkpoint.get("lr_schedulers", []):
            schedule["base_lrs"] = [new if rate == old else rate for rate in schedule["base_lrs"]]

    def _check_options(self, saved: dict[str, Any], network: NetworkState) -> None:
        """Refuse options, of `load_from_checkpoint` or of this model, that describe another network."""
        own = self._network_state()
        if unknown := saved.keys() - self.hparams.keys() - {"_instantiator"}:
            raise UserError(f"{unknown.pop()} is not an option of the model; the checkpoint sets the encoder's options")
        for name, value in own["arguments"].items():
            if own["name"] == network["name"] and network["arguments"].get(name, value) != value:
                raise UserError(f"{name} is {value}, but the checkpoint has {network['arguments'][name]}: omit it")
