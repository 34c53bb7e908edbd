import math
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader

from project import load
from project.batch import Batch, DataFacts, pack
from project.buckets import BucketSampler
from project.classifier import SentimentClassifier
from project.datamodule import SentimentDataModule
from project.decision import Decision
from project.encoder import BiLSTMEncoder, CNNEncoder
from project.errors import UserError
from project.head import Figures, balanced_weights
from project.text import Tokenizer
from tests.conftest import toy_rows, write_csv


def trainer(folder: Path, epochs: int, *callbacks: L.Callback, **options: Any) -> L.Trainer:
    return L.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        default_root_dir=folder,
        logger=False,
        callbacks=list(callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **options,
    )


def data(toy: Path, **options: Any) -> SentimentDataModule:
    return SentimentDataModule(str(toy), vectors=None, batch_size=8, **options)


def small(**options: Any) -> SentimentClassifier:
    L.seed_everything(1, verbose=False)
    encoder = partial(BiLSTMEncoder, hidden_size=8)
    return SentimentClassifier(**{"encoder": encoder, "embedding_dim": 8, "learning_rate": 0.02, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoder": partial(BiLSTMEncoder, hidden_size=0)}, "BiLSTMEncoder: hidden_size must be greater than zero"),
        ({"encoder": print}, "encoder is <built-in function print>: give a subclass of Encoder"),
        ({"dropout": 1.5}, "dropout is 1.5: --model.dropout should be at least 0 and less than 1"),
        ({"warmup": 2.0}, "warmup is 2.0: --model.warmup should be 0 to 1"),
        ({"learning_rate": math.nan}, "learning_rate is nan: --model.learning_rate should be above 0"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0: --model.weight_decay should be 0 or more"),
        ({"weight_decay": math.nan}, "weight_decay is nan: --model.weight_decay should be 0 or more"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0: --model.learning_rate should be above 0"),
        ({"encoder": partial(BiLSTMEncoder, pooling="median")}, "pooling is 'median': choose one of last, mean, max"),
        ({"network": "Forest"}, "this tree has no network 'Forest' of an add-on, only SentimentNetwork"),
        (
            {"encoder": partial(BiLSTMEncoder, proj_size=200)},
            "proj_size is 200: only an LSTM projects, to less than hidden_size=128",
        ),
    ],
    ids=range(11),
)
def test_option_that_makes_no_network_is_refused_before_any_data_is_read(options, message):
    with pytest.raises(UserError, match=message):
        SentimentClassifier(**options)


def test_overfits_and_survives_the_checkpoint(toy, tmp_path):
    model, module = small(dropout=0.0, embedding_dropout=0.0, label_smoothing=0.0), data(toy)
    keep = ModelCheckpoint(tmp_path / "kept", filename="model")
    fit = trainer(tmp_path, 12, keep)
    fit.fit(model, datamodule=module)
    assert fit.callback_metrics["train/loss"] < 0.02
    assert fit.callback_metrics["val/accuracy"] == 1.0
    examples = module.corpus.split("train")
    predictor = load(tmp_path / "kept" / "model.ckpt")
    together = predictor([text for text, _ in examples])
    assert [p.label for p in together] == [module.label_names[label] for _, label in examples]
    assert min(p.probability for p in together) > 0.9
    alone = [predictor([text])[0] for text, _ in examples]
    assert [p.probability for p in alone] == pytest.approx([p.probability for p in together], abs=1e-6)


def test_loss_is_the_mean_over_texts(toy, tmp_path):
    model, module = small(), data(toy)  # 10 val texts in batches of 8 and 2
    (figures,) = trainer(tmp_path, 1).validate(model, module, verbose=False)
    model.eval()
    with torch.no_grad():
        losses = [
            model.loss(model(batch.token_ids), batch.labels) * len(batch.labels) for batch in module.val_dataloader()
        ]
    assert figures["val/loss"] == pytest.approx(float(sum(losses)) / 10, abs=1e-6)


def test_metrics_are_of_the_split_not_means_of_batches(toy, tmp_path):
    model, module = small(), data(toy)
    (figures,) = trainer(tmp_path, 1).test(model, module, verbose=False)
    model.eval()
    with torch.no_grad():
        hits = [(model(b.token_ids).argmax(1) == b.labels).sum().item() for b in module.test_dataloader()]
    assert figures["test/accuracy"] == pytest.approx(sum(hits) / 10)


def figures_of(probabilities: list[list[float]], labels: list[int], **settings: Any) -> dict[str, float]:
    """Loss aside, the figures of a test split of these texts."""
    classes = len(probabilities[0])
    figures, decision = Figures(classes, "test/"), Decision(tuple("abc"[:classes]), **settings)
    batch = Batch(pack([torch.tensor([2])] * len(labels)), torch.tensor(labels), torch.arange(len(labels)))
    figures.add(torch.tensor(probabilities).log(), batch, None, decision)
    figures.count(None, decision)
    values = figures.of_labels.compute() | figures.of_probabilities.compute()
    return {name: round(float(value), 4) for name, value in values.items()}


def test_a_threshold_moves_labels_and_not_probabilities():
    probabilities, labels = [[0.6, 0.4], [0.9, 0.1], [0.3, 0.7]], [1, 0, 1]
    plain, moved = figures_of(probabilities, labels), figures_of(probabilities, labels, thresholds=(0.61, 0.39))
    assert (plain["test/accuracy"], moved["test/accuracy"]) == (0.6667, 1.0)
    assert moved["test/calibration_error"] == plain["test/calibration_error"]


def test_a_temperature_moves_probabilities_and_not_labels():
    probabilities, labels = [[0.9, 0.1], [0.2, 0.8]], [0, 1]
    figures = figures_of(probabilities, labels, temperature=0.5)  # 81 : 1 and 1 : 16
    assert figures["test/accuracy"] == 1.0
    assert figures["test/calibration_error"] == pytest.approx((1 / 82 + 1 / 17) / 2, abs=1e-4)


def test_a_class_without_texts_is_left_out_of_the_means():
    figures = figures_of([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.3, 0.6]], [0, 1, 1])
    assert (figures["test/auroc"], figures["test/f1"]) == (1.0, 0.8333)  # F1 of 1 and 2/3


def test_a_split_of_one_class_has_no_auroc():
    assert math.isnan(figures_of([[0.8, 0.2], [0.6, 0.4]], [0, 0])["test/auroc"])


def test_metric_values_by_hand():
    probabilities = [[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]]
    assert figures_of(probabilities, [0, 1, 1, 1]) == {
        "test/accuracy": 0.75,
        "test/f1": 0.7333,  # mean of 2/3 and 4/5
        "test/auroc": 1.0,
        "test/calibration_error": 0.3,  # (0.1 + 0.6 + 0.3 + 0.2) / 4, each text in a bin of its own
    }


class Watch(L.Callback):
    """Remembers the learning rate of every step and the batches of every epoch."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.epochs: list[list[list[int]]] = []

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.epochs.append([])

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])
        self.epochs[-1].append(batch.rows.tolist())


def test_learning_rate_rises_and_falls_by_optimizer_step(toy, tmp_path):
    watch = Watch()
    trainer(tmp_path, 2, watch, enable_checkpointing=False).fit(small(warmup=0.2, learning_rate=1.0), data(toy))
    expected = [0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]  # 2 epochs of 5 steps
    assert watch.rates == pytest.approx(expected)


def test_every_epoch_has_all_texts_in_other_batches(toy, tmp_path):
    watch = Watch()
    trainer(tmp_path, 2, watch, enable_checkpointing=False).fit(small(), data(toy))
    for epoch in watch.epochs:
        assert sorted(row for batch in epoch for row in batch) == list(range(40))
    assert watch.epochs[0] != watch.epochs[1]


def test_trainer_keeps_the_bucket_sampler(toy, tmp_path):
    fit = trainer(tmp_path, 1, enable_checkpointing=False)
    fit.fit(small(), datamodule=data(toy))
    assert isinstance(fit.train_dataloader.sampler, BucketSampler)  # type: ignore[union-attr]


def test_balanced_weights_are_the_inverse_of_frequencies():
    assert balanced_weights([80, 20]).tolist() == [0.625, 2.5]


def imbalanced(folder: Path) -> Path:
    """A corpus whose train has 12 positive and 4 negative texts."""
    folder.mkdir()
    positive = [row for row in toy_rows() if row[1] == "positive"]
    negative = [row for row in toy_rows() if row[1] == "negative"]
    write_csv(folder / "train.csv", positive[:12] + negative[:4])
    for split in ("val", "test"):
        write_csv(folder / f"{split}.csv", toy_rows()[50:])
    return folder


def test_class_weights_stay_in_the_checkpoint(tmp_path):
    keep = ModelCheckpoint(tmp_path / "kept", filename="model")
    trainer(tmp_path, 1, keep).fit(small(class_weights="balanced"), data(imbalanced(tmp_path / "corpus")))
    loaded = SentimentClassifier.load_from_checkpoint(tmp_path / "kept" / "model.ckpt")
    assert loaded.loss.weight is not None
    assert loaded.loss.weight.tolist() == pytest.approx([2.0, 2 / 3])


def losses(toy: Path, tmp_path: Path, **options: Any) -> tuple[float, float]:
    """The loss of a training step, and what is logged of it, with logits 2 and 0 for a text of label 0."""
    model = small(**options)
    trainer(tmp_path, 1).validate(model, data(toy), verbose=False)
    model.network.forward = lambda _: torch.tensor([[2.0, 0.0], [2.0, 0.0]])
    loss = float(model.training_step(batch_of(None)))
    model.train_figures.count(model.loss.weight, model.decision)
    return loss, float(model.train_figures.loss.compute())


def test_label_smoothing_changes_what_is_trained_and_not_what_is_logged(toy, tmp_path):
    likely = torch.tensor([2.0, 0.0]).softmax(0)
    smooth = -(0.9 * likely[0].log() + 0.1 * likely[1].log())
    assert losses(toy, tmp_path, label_smoothing=0.2) == pytest.approx((float(smooth), float(-likely[0].log())))


def test_checkpoint_and_other_vocabulary_do_not_mix(toy, tmp_path):
    keep = ModelCheckpoint(tmp_path / "kept", filename="model")
    trainer(tmp_path, 1, keep).fit(small(), data(toy))
    test = trainer(tmp_path, 1, ModelCheckpoint(tmp_path / "kept", filename="model"))
    with pytest.raises(UserError, match="differ in vocabulary or labels"):
        test.test(small(), data(toy, max_vocab_size=5), ckpt_path=tmp_path / "kept" / "model.ckpt")


def test_a_fresh_data_module_follows_a_loaded_models_words(toy, tmp_path):
    fit = trainer(tmp_path, 1)
    fit.fit(small(), data(toy, max_vocab_size=9))
    fit.save_checkpoint(tmp_path / "model.ckpt")
    model = SentimentClassifier.load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    trained, fresh = fit.lightning_module, data(toy)
    assert fit.test(model, fresh, verbose=False) == fit.test(trained, data(toy, max_vocab_size=9), verbose=False)
    assert fresh.tokenizer is not None
    assert len(fresh.tokenizer) == 2 + 9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 16}, "hidden_size is not an option of the model"),
        ({"embedding_dim": 3}, "embedding_dim is 3, but the checkpoint has 8: omit it"),
        ({"encoder": CNNEncoder}, r"encoder is .*CNNEncoder.*, but the checkpoint has .*BiLSTM"),
    ],
    ids=str,
)
def test_another_network_than_the_checkpoints_is_refused(fitted, options, message):
    with pytest.raises(UserError, match=message):
        SentimentClassifier.load_from_checkpoint(fitted / "checkpoints" / "best.ckpt", weights_only=True, **options)


def test_a_checkpoint_may_be_trained_on_with_another_learning_rate(fitted):
    path = fitted / "checkpoints" / "best.ckpt"
    model = SentimentClassifier.load_from_checkpoint(path, weights_only=True, learning_rate=1e-5)
    assert model.hparams["learning_rate"] == 1e-5


def loader(*batches: Batch) -> DataLoader[Any]:
    return DataLoader(batches, batch_size=None)  # type: ignore[arg-type] # a tuple will do


def test_any_loader_of_batches_trains_the_model(tmp_path):
    model = small()
    model.build_for(DataFacts(Tokenizer(["<pad>", "<unk>", "warm", "cold"]), ["bad", "good"]))
    batch = Batch(pack([torch.tensor([2]), torch.tensor([3])]), torch.tensor([1, 0]), torch.arange(2))
    fit = trainer(tmp_path, 30, enable_checkpointing=False)
    fit.fit(model, loader(batch), loader(batch))
    assert model.eval()(batch.token_ids).argmax(1).tolist() == [1, 0]


def test_without_words_a_model_says_what_it_needs(tmp_path):
    with pytest.raises(UserError, match=r"call model\.build_for\(DataFacts"):
        trainer(tmp_path, 1).fit(small(), loader(), loader())


def taught(folder: Path, rows: list[tuple[str, float]]) -> Path:
    """A corpus whose train is texts with the probability of positive, of val and test as the toy's."""
    folder.mkdir()
    lines = [f'"{text}",{p},{1 - p}' for text, p in rows]
    (folder / "train.csv").write_text("\n".join(["text,p_positive,p_negative", *lines]))
    write_csv(folder / "val.csv", toy_rows()[40:50])
    write_csv(folder / "test.csv", toy_rows()[50:])
    return folder


@pytest.mark.parametrize("options", [{}, {"class_weights": "balanced"}], ids=["plain", "weighted"])
def test_probabilities_of_0_and_1_train_as_labels_do(toy, tmp_path, options):
    certain = taught(tmp_path / "taught", [(text, float(label == "positive")) for text, label in toy_rows()[:40]])
    figures = []
    for module in (data(toy), data(certain, soft_targets=True)):
        fit = trainer(tmp_path, 2, enable_checkpointing=False)
        fit.fit(small(label_smoothing=0.0, **options), datamodule=module)
        figures.append({name: float(value) for name, value in fit.callback_metrics.items()})
    assert figures[1] == pytest.approx(figures[0], abs=1e-6)


def test_soft_targets_are_not_smoothed(tmp_path):
    certain = taught(tmp_path / "taught", [(text, float(label == "positive")) for text, label in toy_rows()[:40]])
    losses = []
    for smoothing in (0.0, 0.5):
        fit = trainer(tmp_path, 1, enable_checkpointing=False)
        fit.fit(small(label_smoothing=smoothing), datamodule=data(certain, soft_targets=True))
        losses.append(float(fit.callback_metrics["val/loss"]))
    assert losses[0] == losses[1]


def test_student_learns_what_the_teacher_says(tmp_path):
    unsure = taught(tmp_path / "taught", [(text, 0.7 if y == "positive" else 0.1) for text, y in toy_rows()[:40]])
    keep, model = ModelCheckpoint(tmp_path / "kept", filename="model"), small(dropout=0.0, embedding_dropout=0.0)
    trainer(tmp_path, 20, keep).fit(model, datamodule=data(unsure, soft_targets=True))
    predictor = load(tmp_path / "kept" / "model.ckpt")
    found = [p.probabilities["positive"] for p in predictor([text for text, _ in toy_rows()[50:]])]
    assert found == pytest.approx([0.7, 0.1] * 5, abs=0.1)


def batch_of(soft: torch.Tensor | None) -> Batch:
    texts = [torch.tensor([2, 3]), torch.tensor([4])]
    return Batch(pack(texts), torch.tensor([0, 0]), torch.tensor([0, 1]), soft)


@pytest.fixture
def step(toy, tmp_path, monkeypatch):
    """Loss and figures of one step: the logits of both texts are 2 and 0, and the labels 0."""
    model = small(label_smoothing=0.0)
    trainer(tmp_path, 1).validate(model, data(toy), verbose=False)
    monkeypatch.setattr(model.network, "forward", lambda _: torch.tensor([[2.0, 0.0], [2.0, 0.0]]))
    loss = model.training_step(batch_of(torch.tensor([[0.25, 0.75], [1.0, 0.0]])))
    figures = model.train_figures
    figures.count(model.loss.weight, model.decision)
    return float(loss), figures


def test_step_goes_by_what_the_teacher_says(step):
    assert step[0] == pytest.approx(0.126928 + 0.75)  # ln(1 + e^-2), and half of 0.75 * 2


def test_loss_of_train_is_measured_against_the_teacher(step):
    assert float(step[1].loss.compute()) == pytest.approx(0.126928 + 0.75)


def test_metrics_of_train_are_measured_on_labels(step):
    assert float(step[1].of_labels["accuracy"].compute()) == 1.0


@pytest.mark.parametrize("soft", [None, torch.tensor([[0.25, 0.75], [1.0, 0.0]])], ids=["labels", "soft"])
def test_batch_is_moved_whole(soft):
    batch = batch_of(soft)
    moved = small().transfer_batch_to_device(batch, torch.device("meta"), 0)
    assert isinstance(moved, Batch)
    assert moved.labels.device.type == "meta"
    assert getattr(moved.soft_targets, "device", None) == (None if soft is None else torch.device("meta"))
