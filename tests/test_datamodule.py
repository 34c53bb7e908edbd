from types import SimpleNamespace
from typing import Any

import lightning as L
import pytest
import torch

from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.text import UNK_ID, Tokenizer
from tests.conftest import write_csv
from tests.pretrained_file import write_pretrained


def ready(folder, **options) -> SentimentDataModule:
    module = SentimentDataModule(str(folder), **{"vectors": None, "batch_size": 4, "min_freq": 1, **options})
    module.prepare_data()
    module.setup("fit")
    module.setup("test")
    return module


def tokens(module: SentimentDataModule) -> list[str]:
    assert module.tokenizer is not None
    return module.tokenizer.tokens


def three_texts(tmp_path):
    write_csv(tmp_path / "train.csv", [("warm film", "good"), ("cold film", "bad")])
    write_csv(tmp_path / "val.csv", [("validword film", "good")])
    write_csv(tmp_path / "test.csv", [("testword film", "bad")])
    return tmp_path


def test_vocabulary_is_of_train_alone(tmp_path):
    module = ready(three_texts(tmp_path))
    assert tokens(module) == ["<pad>", "<unk>", "film", "cold", "warm"]
    assert next(iter(module.test_dataloader())).token_ids.data.tolist() == [UNK_ID, 2]


def test_pretrained_words_join_frozen(tmp_path):
    rows = torch.arange(1.0, 5).unsqueeze(1).repeat(1, 2)
    vectors = write_pretrained(tmp_path / "vectors.pt", ["film", "testword", "other", "last"], rows)
    module = ready(three_texts(tmp_path), vectors=str(vectors), pretrained_words=2)
    assert tokens(module)[5:] == ["testword", "other"]
    facts = module.facts()
    assert facts.num_frozen == 2
    assert facts.pretrained is not None
    assert facts.pretrained[0].tolist() == [[0, 0], [0, 0], [1, 1], [0, 0], [0, 0], [2, 2], [3, 3]]


@pytest.mark.parametrize(
    ("option", "least"),
    [("batch_size", 1), ("min_freq", 1), ("max_vocab_size", 1), ("pretrained_words", 0), ("num_workers", 0)],
)
def test_numbers_that_make_no_sense_are_refused(option, least):
    with pytest.raises(UserError, match=f"{option} is {least - 1}: set --data.{option}={least} or more"):
        SentimentDataModule(**{option: least - 1})


@pytest.mark.parametrize(("limit", "mixed"), [(1, True), (3, True), (0.5, True), (1.0, False), (None, False)])
def test_a_limited_split_is_in_random_order(tmp_path, limit, mixed):
    module = ready(three_texts(tmp_path))
    module.trainer = L.Trainer(limit_test_batches=limit, accelerator="cpu", logger=False, enable_checkpointing=False)
    assert module.test_dataloader().sampler.mixed == mixed  # type: ignore[attr-defined]


@pytest.mark.parametrize(("device", "limit", "texts"), [("cuda", 1.0, 32_768), ("cuda", 2, 4), ("cpu", 1.0, 4)])
def test_a_gpu_measures_as_many_texts_at_once_as_make_65536_tokens(tmp_path, device, limit, texts):
    module, strategy = ready(three_texts(tmp_path)), SimpleNamespace(root_device=torch.device(device))
    trainer: Any = SimpleNamespace(strategy=strategy, limit_test_batches=limit, world_size=1, global_rank=0)
    module.trainer = trainer
    assert module.test_dataloader().batch_size == texts


def test_balanced_sampling_draws_equally_many_of_each_class(tmp_path):
    write_csv(tmp_path / "train.csv", [(f"film {n}", "rare" if n < 4 else "common") for n in range(40)])
    write_csv(tmp_path / "val.csv", [("film", "rare")])
    write_csv(tmp_path / "test.csv", [("film", "rare")])
    labels = [label for batch in ready(tmp_path, balanced_sampling=True).train_dataloader() for label in batch.labels]
    assert [int(sum(label == wanted for label in labels)) for wanted in (0, 1)] == [20, 20]


def test_adopted_tokenizer_and_labels_win(tmp_path):
    module = SentimentDataModule(str(three_texts(tmp_path)), vectors=None)
    module.adopt(Tokenizer(["<pad>", "<unk>", "testword"]), ["good", "bad"])
    module.setup("test")
    batch = next(iter(module.test_dataloader()))
    assert batch.token_ids.data.tolist() == [2, UNK_ID]
    assert batch.labels.tolist() == [1]


def test_adopted_limits_win(tmp_path):
    module = SentimentDataModule(str(three_texts(tmp_path)), vectors=None, max_length=9)
    module.adopt(Tokenizer(["<pad>", "<unk>"], max_length=1), ["good", "bad"])
    module.setup("test")
    assert next(iter(module.test_dataloader())).token_ids.data.tolist() == [UNK_ID]


def test_evaluation_covers_every_row(toy):
    rows = [row for batch in ready(toy).val_dataloader() for row in batch.rows.tolist()]
    assert sorted(rows) == list(range(10))


def test_worker_processes_give_the_same_batches(toy):
    alone = [batch.rows.tolist() for batch in ready(toy).train_dataloader()]
    assert [batch.rows.tolist() for batch in ready(toy, num_workers=1).train_dataloader()] == alone


def test_counts_by_class(toy):
    assert ready(toy).facts().class_counts == [20, 20]


def test_one_class_is_refused(tmp_path):
    write_csv(tmp_path / "train.csv", [("warm film", "good")])
    with pytest.raises(UserError, match=r"only the labels \['good'\]"):
        SentimentDataModule(str(tmp_path), vectors=None).setup("fit")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0: set --data.batch_size=1 or more"),
        ({"max_length": 0}, "max_length is 0: a text needs at least 1 token"),
        ({"truncation": "middle"}, "truncation is 'middle': choose one of head, tail"),
    ],
    ids=str,
)
def test_option_out_of_range_is_refused(options, message):
    with pytest.raises(UserError, match=message):
        SentimentDataModule(**options)


def test_unknown_tokenizer_is_refused_before_the_corpus_is_read():
    with pytest.raises(UserError, match="this tree has no tokenizer 'syllables', only words"):
        SentimentDataModule("nowhere", vectors=None, tokenizer="syllables").prepare_data()


def test_missing_val_split_is_refused(tmp_path):
    write_csv(tmp_path / "train.csv", [("warm film", "good"), ("cold film", "bad")])
    module = SentimentDataModule(str(tmp_path), vectors=None, val_share=0, test_share=0)
    module.setup("fit")
    with pytest.raises(UserError, match="has no val split, only train"):
        module.val_dataloader()


def test_empty_split_is_refused(tmp_path):
    write_csv(three_texts(tmp_path) / "val.csv", [])
    with pytest.raises(UserError, match="no text in its val split"):
        ready(tmp_path).val_dataloader()
