from typing import Any

import pytest
import torch

from project.datamodule import ResumableLoader, SentimentDataModule


def loader(epoch_batches: int = 5) -> ResumableLoader:
    made = ResumableLoader(range(10), batch_size=2, collate_fn=list)  # type: ignore[arg-type]
    made.epoch_batches = lambda: epoch_batches
    return made


def test_continues_where_another_was_left():
    first, second = loader(), loader()
    batches: Any = iter(first)
    assert [next(batches), next(batches)] == [[0, 1], [2, 3]]
    second.load_state_dict(first.state_dict())
    rest: list[Any] = list(second)
    assert rest == [[4, 5], [6, 7], [8, 9]]


def test_the_epoch_after_that_is_whole():
    resumed = loader()
    resumed.load_state_dict({"batches": 3})
    assert [len(list(resumed)), len(list(resumed))] == [2, 5]


@pytest.mark.parametrize("epoch_batches", [2, 5])
def test_a_finished_epoch_is_not_continued(epoch_batches):
    finished = loader(epoch_batches)
    batches = iter(finished)
    for _ in range(epoch_batches):
        next(batches)
    assert finished.state_dict() == {"batches": 0}


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_takes_one_draw_of_the_global_generator_whatever_the_workers(toy, workers):
    data = SentimentDataModule(str(toy), vectors=None, batch_size=8, min_freq=1, num_workers=workers)
    data.prepare_data()
    data.setup("fit")
    val: Any = data.val_dataloader()
    torch.manual_seed(7)
    for _ in range(2):
        torch.empty((), dtype=torch.int64).random_()
    expected = torch.rand(1).item()
    torch.manual_seed(7)
    for _ in range(2):
        list(val)
    assert torch.rand(1).item() == expected
