import asyncio
import ctypes
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest

from project.serve import batching
from project.serve.batching import Batcher, UnavailableError
from project.serve.worker import IDLE


def test_waiting_texts_are_classified_together(predictor):
    sizes = []

    def counted(token_ids):
        sizes.append(len(token_ids))
        return predictor.logits(token_ids)

    counting = replace(predictor, logits=counted)

    async def ask():
        batcher = Batcher(counting, workers=1)
        await asyncio.gather(*(batcher.classify(["Warm."]) for _ in range(40)))

    asyncio.run(ask())
    assert sizes == [32, 8]


def recording(predictor, record):
    """A predictor that calls `record` with each batch first."""

    def answers(texts, batch_size):
        record(texts)
        return predictor.answers(texts, batch_size)

    return SimpleNamespace(answers=answers, tokenizer=predictor.tokenizer)


def test_texts_of_a_cancelled_request_are_dropped(predictor):
    seen: list[str] = []

    async def ask():
        batcher = Batcher(recording(predictor, seen.extend), workers=1)
        left = asyncio.create_task(batcher.classify(["Gone."] * 100))
        stayed = asyncio.create_task(batcher.classify(["Warm."]))
        await asyncio.sleep(0)  # both are waiting
        left.cancel()
        await stayed

    asyncio.run(ask())
    assert seen == ["Warm."]


def test_requests_take_turns(predictor):
    batches: list[list[str]] = []

    async def ask():
        batcher = Batcher(recording(predictor, batches.append), workers=1)
        await asyncio.gather(batcher.classify(["Many."] * 40), batcher.classify(["One."]))

    asyncio.run(ask())
    assert "One." in batches[0]


def test_a_worker_survives_a_panic(predictor):
    class Panic(BaseException):
        """As a library that is written in Rust raises it."""

    panics = [Panic("regex")]

    def panic(texts):
        if panics:
            raise panics.pop()

    async def ask():
        batcher = Batcher(recording(predictor, panic), workers=1)
        with pytest.raises(RuntimeError, match="Panic while these texts were classified"):
            await batcher.classify(["Warm."])
        return len(await batcher.classify(["Warm."]))

    assert asyncio.run(ask()) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_is_killed_is_replaced(predictor):
    async def ask():
        batcher = Batcher(predictor, workers=1)
        await batcher.classify(["Warm."])
        thread = IDLE[-1]
        kill = ctypes.pythonapi.PyThreadState_SetAsyncExc
        kill(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))
        with pytest.raises(RuntimeError, match="the thread that classified these texts ended"):
            await batcher.classify(["Warm."])
        thread.join()
        return len(await batcher.classify(["Warm."]))

    assert asyncio.run(ask()) == 1


def test_an_end_of_iteration_in_the_model_is_an_error_as_any(predictor):
    def end(texts):
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration while these texts were classified"):
        asyncio.run(Batcher(recording(predictor, end)).classify(["Warm."]))


class Hanging:
    """A predictor that hangs until it is released."""

    def __init__(self, predictor):
        self.released = threading.Event()
        self.answers = recording(predictor, lambda texts: self.released.wait()).answers
        self.tokenizer = predictor.tokenizer


@pytest.fixture
def hanging(predictor, monkeypatch) -> Iterator[Hanging]:
    monkeypatch.setattr(batching, "HANG_SECONDS", 0.01)
    model = Hanging(predictor)
    yield model
    model.released.set()


def test_texts_of_a_batch_that_hangs_are_given_up(hanging):
    with pytest.raises(RuntimeError, match=r"these texts were not classified within 0\.01 seconds"):
        asyncio.run(Batcher(hanging).classify(["Warm."]))


def test_texts_that_wait_for_workers_that_hang_are_refused(hanging):
    async def ask():
        batcher = Batcher(hanging, workers=1)
        hangs = asyncio.create_task(batcher.classify(["Warm."]))
        await asyncio.sleep(0.001)
        waits = asyncio.create_task(batcher.classify(["Waits."]))
        return await asyncio.gather(hangs, waits, return_exceptions=True)

    assert [type(error) for error in asyncio.run(ask())] == [RuntimeError, UnavailableError]


def test_nothing_is_accepted_while_every_worker_hangs(hanging):
    async def ask():
        batcher = Batcher(hanging, workers=1)
        await asyncio.gather(batcher.classify(["Warm."]), return_exceptions=True)
        await batcher.classify(["Warm."])

    with pytest.raises(UnavailableError, match="the model hangs"):
        asyncio.run(ask())


def test_one_worker_of_two_that_hangs_is_not_the_end(hanging):
    async def ask():
        batcher = Batcher(hanging, workers=2)
        await asyncio.gather(batcher.classify(["Warm."]), return_exceptions=True)
        return batcher.stuck

    assert not asyncio.run(ask())


def test_a_worker_that_hung_works_again(hanging):
    async def ask():
        batcher = Batcher(hanging, workers=1)
        await asyncio.gather(batcher.classify(["Warm."]), return_exceptions=True)
        hanging.released.set()
        while batcher.stuck:
            await asyncio.sleep(0.001)
        return len(await batcher.classify(["Warm."]))

    assert asyncio.run(ask()) == 1


def test_a_request_of_many_texts_has_several_workers(predictor):
    both = threading.Barrier(2, timeout=20)

    async def ask():
        return len(await Batcher(recording(predictor, lambda texts: both.wait()), workers=2).classify(["Warm."] * 64))

    assert asyncio.run(ask()) == 64


def test_more_than_some_seconds_of_work_is_not_accepted(predictor):
    async def ask():
        batcher = Batcher(recording(predictor, lambda texts: time.sleep(1)), workers=1)
        await batcher.classify(["Warm."] * 32)
        many = asyncio.create_task(batcher.classify(["Warm."] * 320))
        await asyncio.sleep(0)
        full = batcher.full
        many.cancel()
        return full

    assert asyncio.run(ask())


def test_a_full_queue_accepts_no_more_texts(predictor, monkeypatch):
    monkeypatch.setattr(batching, "MAX_WAITING", 3)

    async def ask():
        batcher = Batcher(predictor)
        await asyncio.gather(*(batcher.classify(["Warm.", "Cold."]) for _ in range(2)))

    with pytest.raises(UnavailableError):
        asyncio.run(ask())


def test_the_queue_accepts_texts_again_once_it_is_empty(predictor, monkeypatch):
    monkeypatch.setattr(batching, "MAX_WAITING", 2)

    async def ask():
        batcher = Batcher(predictor)
        return [len(await batcher.classify(["Warm.", "Cold."])) for _ in range(3)]

    assert asyncio.run(ask()) == [2, 2, 2]
