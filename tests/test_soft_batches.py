from typing import Any

import numpy as np
import pytest
import torch

from project.datamodule import SentimentDataModule
from tests.conftest import toy_rows, write_csv

HEADER = "text,label,p_good,p_bad\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIMENT_CACHE", str(tmp_path / "cache"))


def module(tmp_path, **options: Any) -> SentimentDataModule:
    """40 texts of train, of which the n-th is good with probability n/100; a quarter is labelled so."""
    path = tmp_path / "toy"
    path.mkdir()
    lines = [
        f'"{text}",{"bad" if n % 4 else "good"},{n / 100},{1 - n / 100}\n' for n, (text, _) in enumerate(toy_rows())
    ]
    (path / "train.csv").write_text(HEADER + "".join(lines[:40]))
    for split in ("val", "test"):
        write_csv(path / f"{split}.csv", [("A warm film.", "good"), ("A dull film.", "bad")])
    made = SentimentDataModule(str(path), vectors=None, batch_size=8, soft_targets=True, **options)
    made.prepare_data()
    made.setup("fit")
    return made


@pytest.mark.parametrize("options", [{}, {"balanced_sampling": True}, {"num_workers": 1}], ids=str)
def test_probabilities_come_with_their_row(tmp_path, options):
    for batch in module(tmp_path, **options).train_dataloader():
        expected = np.stack([1 - batch.rows / 100, batch.rows / 100], axis=1)
        np.testing.assert_allclose(batch.soft_targets, expected, atol=1e-6)
        assert batch.soft_targets.dtype == torch.float32


def test_probabilities_come_with_their_row_in_a_resumed_epoch(tmp_path):
    made = module(tmp_path)
    made.load_state_dict({"batches": 3})
    batches = list(made.train_dataloader())
    assert len(batches) == 2
    for batch in batches:
        assert batch.soft_targets is not None
        assert batch.soft_targets[:, 1].tolist() == pytest.approx([row / 100 for row in batch.rows.tolist()])


def test_batches_of_val_and_test_have_none(tmp_path):
    made = module(tmp_path)
    assert [batch.soft_targets for batch in (*made.val_dataloader(), *made.test_dataloader())] == [None, None]


def test_classes_are_counted_by_label(tmp_path):
    assert module(tmp_path).facts().class_counts == [30, 10]
