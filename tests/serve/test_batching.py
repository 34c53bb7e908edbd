import asyncio
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from project.serve.batching import Batcher, QueueFullError


def test_waiting_texts_are_classified_together(predictor):
    sizes = []

    def counted(token_ids):
        sizes.append(len(token_ids))
        return predictor.logits(token_ids)

    counting = replace(predictor, logits=counted)

    async def ask():
        async with Batcher(counting, workers=1) as batcher:
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
        async with Batcher(recording(predictor, seen.extend), workers=1) as batcher:
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
        async with Batcher(recording(predictor, batches.append), workers=1) as batcher:
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
        async with Batcher(recording(predictor, panic), workers=1) as batcher:
            with pytest.raises(RuntimeError, match="Panic while these texts were classified"):
                await batcher.classify(["Warm."])
            return len(await batcher.classify(["Warm."]))

    assert asyncio.run(ask()) == 1


def test_more_than_some_seconds_of_work_is_not_accepted(predictor):
    async def ask():
        async with Batcher(recording(predictor, lambda texts: time.sleep(1)), workers=1) as batcher:
            await batcher.classify(["Warm."] * 32)
            many = asyncio.create_task(batcher.classify(["Warm."] * 320))
            await asyncio.sleep(0)
            full = batcher.full
            many.cancel()
            return full

    assert asyncio.run(ask())


def test_a_full_queue_accepts_no_more_texts(predictor):
    async def ask():
        async with Batcher(predictor, max_waiting=3) as batcher:
            await asyncio.gather(*(batcher.classify(["Warm.", "Cold."]) for _ in range(2)))

    with pytest.raises(QueueFullError):
        asyncio.run(ask())


def test_the_queue_accepts_texts_again_once_it_is_empty(predictor):
    async def ask():
        async with Batcher(predictor, max_waiting=2) as batcher:
            return [len(await batcher.classify(["Warm.", "Cold."])) for _ in range(3)]

    assert asyncio.run(ask()) == [2, 2, 2]
