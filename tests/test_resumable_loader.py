from typing import Any

import pytest

from project.datamodule import ResumableLoader


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
